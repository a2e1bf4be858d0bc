"""A table of features that somebody else computed, without images, as a data set of its own."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import OpenSource
from skiagram.datasets.folder.columns import require_columns, settle_numbers
from skiagram.datasets.folder.patients import settle_patients
from skiagram.datasets.folder.table import list_entries
from skiagram.datasets.listed import ListedDataSet
from skiagram.errors import refusal
from skiagram.readers.files import locate, read_file
from skiagram.strict import STRICT
from skiagram.tables.frames import read_table
from skiagram.tasks.cases import DataCard


@dataclass(**STRICT)
class FeatureFile(ListedDataSet):
    """A CSV with a row a case, as `skiagram init` writes it: features, label and patient.

    Attributes:
        file: File name, below SKIAGRAM_DATA.
        md5: Checksum of the file; null does not check it.
    """

    file: str
    md5: str | None

    @property
    def origin(self) -> str:
        return Path(self.file).name

    def card(self) -> DataCard:
        return replace(super().card(), has_images=False)

    @property
    def file_checksums(self) -> Mapping[str, str | None]:
        return {self.file: self.md5}

    def open(self, root: Path | None) -> "OpenFeatureFile":
        """Read the table; what is no number in a feature's column is refused."""
        path = Path(self.file) if root is None else root / self.file
        if self.md5 is not None:
            path = locate(self.file, self.md5, root)
        columns, frame = self.columns, read_table(read_file(path, self.file), ())
        if not columns.features:
            raise refusal("datasets.no_feature_column", self.file)
        require_columns(frame, columns.used())
        frame = settle_patients(frame, columns.patient, self.similar_patients)
        frame, _ = settle_numbers(frame, (*columns.features, *columns.covariates))
        opened = OpenFeatureFile(self, frame)
        for problem in opened.problems:
            raise problem
        return opened


class OpenFeatureFile(OpenSource):
    """The rows of a table, cases without images."""

    def __init__(self, options: FeatureFile, frame: pd.DataFrame) -> None:
        listing = list_entries(frame, options.columns, options.classes, options.test_sites)
        self.patient_column = options.columns.patient or ""
        self.problems = tuple(listing.problems)
        self._listing = listing

    def entries(self) -> pd.DataFrame:
        return self._listing.entries

    def known(self) -> Mapping[str, pd.DataFrame]:
        return self._listing.known

    def image(self, position: int) -> None:
        """Return none: a row has values alone."""
