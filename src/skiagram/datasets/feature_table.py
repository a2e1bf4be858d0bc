"""A table of features that somebody else computed, without images, as a data set of its own."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass

from skiagram.arrays import Whole
from skiagram.datasets.contract import Entry, OpenSource
from skiagram.datasets.folder.columns import (
    find_number_problem,
    require_columns,
    settle_numbers,
)
from skiagram.datasets.folder.patients import settle_patients
from skiagram.datasets.folder.table import list_entries, read_features, splits_of
from skiagram.datasets.listed import ListedDataSet
from skiagram.datasets.telling_columns import find_telling_columns, refuse_telling_columns
from skiagram.errors import refusal
from skiagram.readers.files import locate, read_file
from skiagram.strict import STRICT
from skiagram.tables.frames import are_numbers, empty_missing, numbers_of, read_table
from skiagram.tasks.cases import DataCard

# Columns in which PyRadiomics and MIRP say how an image was taken and prepared: no features.
_DIAGNOSTICS = re.compile(
    r"diagnostics_.*|image_(voxel_size|noise|rotation|translation|mask|settings|study|pet_suv)_.+"
)


@dataclass(**STRICT)
class FeatureFile(ListedDataSet):
    """A CSV with a row a case: features, for example PyRadiomics', label and patient.

    Without `columns.features` every other column that holds numbers alone is a feature.

    Attributes:
        file: File name, below SKIAGRAM_DATA.
        md5: Checksum of the file; null does not check it.
        missing: Cells that stand for an empty one, for example `NA`.
    """

    file: str
    md5: str | None
    missing: tuple[str, ...] = ()

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
        frame, _ = empty_missing(read_table(read_file(path, self.file), ()), self.missing)
        columns, named = self.columns, self.columns.used()
        require_columns(frame, named)
        frame = settle_patients(frame, columns.patient, self.similar_patients)
        measured = columns.features or frame.columns
        frame, _ = settle_numbers(frame, dict.fromkeys([*measured, *columns.covariates]))
        features = columns.features or numeric_columns(
            frame, [name for name in frame.columns if name not in named], self.file
        )
        source = replace(self, columns=replace(columns, features=tuple(features)))
        if not columns.features:
            telling = telling_columns_of(frame, source, features)
            remedy = "name the features in the data set's config, under `columns.features`"
            refuse_telling_columns(telling, self.file, remedy)
        opened = OpenFeatureFile(source, frame)
        for problem in opened.problems:
            raise problem
        return opened


def telling_columns_of(
    frame: pd.DataFrame, source: FeatureFile, columns: Sequence[str]
) -> dict[str, str]:
    """Return column → why it is probably no feature; labels of test cases are not looked at.

    Args:
        columns: Some that hold numbers.
    """
    number = pd.Index(source.classes).get_indexer(pd.Index(frame[source.columns.label]))
    open_rows = number >= 0  # rows whose labels may be looked at
    open_rows &= [split != "test" for split in splits_of(frame, source.columns, source.test_sites)]
    values, _ = read_features(frame, columns)
    value, questions = None, dict[str, Whole]()
    outcome = source.outcome
    if outcome is not None:
        value = numbers_of(frame[outcome.column])
        for words, answers in outcome.asked_of_traits(value[open_rows], number[open_rows]).items():
            questions[words] = np.zeros(len(frame), dtype=np.int64)
            questions[words][open_rows] = answers
    return find_telling_columns(columns, values, number, value, open_rows, questions.values())


def numeric_columns(frame: pd.DataFrame, columns: Iterable[str], where: str) -> list[str]:
    """Return those of some columns that hold numbers alone; what describes a run is no feature.

    Args:
        where: The table, as a message names it.

    Raises:
        DataError: There is none, or one of them holds numbers and texts.
    """
    chosen = []
    for name in columns:
        if _DIAGNOSTICS.fullmatch(name):
            continue
        if (problem := find_number_problem(frame, name)) is not None:
            raise problem
        if are_numbers(frame[name]):
            chosen.append(name)
    if not chosen:
        raise refusal("datasets.no_feature_column", where)
    return chosen


class OpenFeatureFile(OpenSource):
    """The rows of a table, cases without images."""

    def __init__(self, options: FeatureFile, frame: pd.DataFrame) -> None:
        listing = list_entries(frame, options.columns, options.classes, options.test_sites)
        self.patient_column = options.columns.patient or ""
        self.features = options.columns.features
        self.problems = tuple(listing.problems)
        self._entries = listing.entries

    def entries(self) -> list[Entry]:
        return self._entries

    def image(self, position: int) -> None:
        """Return none: a row has values alone."""
