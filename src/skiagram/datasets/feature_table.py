"""A table of features that somebody else computed, without images, as a data set of its own."""

from collections.abc import MutableMapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
from pydantic.dataclasses import dataclass

from skiagram.compute.checkout import find_in_project
from skiagram.datasets.folder.columns import require_columns, settle_numbers
from skiagram.datasets.folder.patients import settle_patients
from skiagram.datasets.folder.table import ListedCases, list_entries
from skiagram.datasets.listed import ListedDataSet
from skiagram.errors import refusal
from skiagram.readers.files import read_file, unlike
from skiagram.strict import STRICT
from skiagram.tables.frames import read_table
from skiagram.tasks.cases import DataCard


@dataclass(**STRICT)
class FeatureFile(ListedDataSet):
    """A CSV with a row a case, as `skiagram init` writes it: features, label and patient.

    Attributes:
        file: File name, in the project or below SKIAGRAM_DATA.
        md5: Checksum of the file; null does not check it.
    """

    file: str
    md5: str | None

    @property
    def origin(self) -> str:
        return Path(self.file).name

    def card(self) -> DataCard:
        return replace(super().card(), has_images=False)

    def changed_files(
        self, root: Path | None, earlier_checksums: MutableMapping[str, str]
    ) -> dict[str, str]:
        digest = unlike(self._path(root), self.md5, earlier_checksums, "md5")
        return {self.file: digest} if digest else {}

    def open(self, root: Path | None) -> ListedCases:
        """Read the table; what is no number in a feature's column is refused."""
        path = self._path(root)
        if not path.is_file():
            raise refusal("datasets.missing_table", self.file)
        if self.md5 is not None and (digest := unlike(path, self.md5, {}, "md5")):
            raise refusal("datasets.other_checksum", self.file, digest=digest, md5=self.md5)
        columns, frame = self.columns, read_table(read_file(path, self.file), ())
        if not columns.features:
            raise refusal("datasets.no_feature_column", self.file)
        require_columns(frame, columns.used())
        frame = settle_patients(frame, columns.patient, self.similar_patients)
        frame, _ = settle_numbers(frame, (*columns.features, *columns.covariates))
        opened = self.open_rows(frame)
        for problem in opened.problems:
            raise problem
        return opened

    def _path(self, root: Path | None) -> Path:
        own = find_in_project(self.file)
        return own if root is None or own.is_file() else root / self.file

    def open_rows(self, frame: pd.DataFrame) -> ListedCases:
        """Return the rows of a table, cases without images, with the problems of others."""
        return list_entries(frame, self.columns, self.classes, self.test_sites)
