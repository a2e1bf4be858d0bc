"""What data sets of images and of features have alike: a table lists their cases."""

from dataclasses import field, replace
from typing import TypeVar

from pydantic.dataclasses import dataclass

from skiagram.datasets.choices import SimilarPatients
from skiagram.datasets.contract import RealDataSet
from skiagram.datasets.folder.columns import Columns
from skiagram.strict import STRICT
from skiagram.tasks.cases import DataCard
from skiagram.tasks.task import Design


@dataclass(**STRICT)
class ListedDataSet(RealDataSet):
    """A data set with a table of its cases: a row an image, or a row with features.

    Attributes:
        columns: Which column of the table holds what.
        classes: Class names in label order, as the column has them.
        positive_class: Class looked for; null when there are more than two.
        test_sites: Sites whose cases are the test set; empty for none.
        similar_patients: Ids of patients that differ in case, zeros, blanks or hyphens alone:
            `refuse` them, or take them for the `same` patient, or for different ones (`apart`).
    """

    columns: Columns
    classes: tuple[str, ...]
    positive_class: str | None
    test_sites: tuple[str, ...] = field(default=(), kw_only=True)
    similar_patients: SimilarPatients = field(default="refuse", kw_only=True)

    @property
    def design(self) -> Design:
        """The design that goes with the table: a column or sites tell a test set, or folds do."""
        return "holdout" if self.columns.split or self.test_sites else "cv"

    @property
    def patients_known(self) -> bool:
        return self.columns.patient is not None

    def card(self) -> DataCard:
        site = (self.columns.site or "") if self.test_sites else ""
        return replace(super().card(), test_sites=self.test_sites, site_column=site)


S = TypeVar("S", bound=ListedDataSet)
