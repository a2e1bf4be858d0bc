"""The case table, what is to be told apart on it, and what a reader must know of the data set."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.arrays import Floats, Texts, Whole
from skiagram.errors import listed, refusal
from skiagram.records.files import read_record, read_table, write_table
from skiagram.tasks.task import Design, Task

Split = Literal["train", "validation", "test"]
SEALED = -1
_TEXTS = ("case_id", "patient_id", "split")


@dataclass(frozen=True)
class DataCard:
    """What a reader must know of a data set before believing a figure on it."""

    name: str
    title: str
    modality: str
    licence: str
    citation: str
    source: str
    patients_known: bool
    known_issues: tuple[str, ...] = ()
    waived_findings: dict[str, str] = field(default_factory=dict)
    test_sites: tuple[str, ...] = ()
    site_column: str = ""  # of the covariates, where test sites are held out
    has_images: bool = True  # a table of features has none: patterns stand for them


@dataclass(frozen=True)
class Cases:
    """The case table: one row per image, sorted by opaque id; test labels are `SEALED` (-1).

    Attributes:
        patient_id: (n,) str, opaque; images of a patient share it.
        split: (n,) str, each one of `Split`; under `cv` all are `train`.
        label: (n,) int64 index into `Task.classes`, or `SEALED`.
        value: (n,) float64 of what is predicted, or (n, findings); None where labels are all that
            there is.
    """

    case_id: Texts
    patient_id: Texts
    split: Texts
    label: Whole
    value: Floats | None = None

    def __len__(self) -> int:
        return len(self.case_id)

    @property
    def _columns(self) -> dict[str, Any]:
        return {name: column for name, column in vars(self).items() if column is not None}

    def select(self, rows: NDArray[Any]) -> "Cases":
        """Select the rows of a boolean mask or an index array, (n,) or (m,)."""
        return Cases(**{name: column[rows] for name, column in self._columns.items()})

    def joined(self, other: "Cases") -> "Cases":
        """Put other cases after these; a column that either lacks is left out."""
        others = other._columns
        return Cases(
            **{
                name: np.concatenate([column, others[name]])
                for name, column in self._columns.items()
                if name in others
            }
        )

    def development(self) -> "Cases":
        """Select all cases whose labels may be used: train and validation.

        All that a model learns, or is chosen by, is of these.
        """
        return self.select(self.split != "test")

    def test(self) -> "Cases":
        """Select the sealed cases."""
        return self.select(self.split == "test")

    def reported(self, design: Design) -> "Cases":
        """Select the cases that figures are reported of."""
        return self.test() if design == "holdout" else self.development()

    def digest(self, *inputs: str) -> str:
        """Compute the SHA-256 of the table and of other inputs of work on it, in hexadecimal.

        Each column is hashed by itself, so that no value can slip into the next one.

        Args:
            inputs: Texts that the work depends on besides, such as its options.
        """
        digest = hashlib.sha256()
        columns = self._columns.values()
        for text in (*inputs, *(repr(column.tolist()) for column in columns)):
            digest.update(hashlib.sha256(text.encode()).digest())
        return digest.hexdigest()

    def write(self, path: Path) -> None:
        """Write the table as Parquet."""
        columns = {
            name: [*column] if column.ndim > 1 else column for name, column in self._columns.items()
        }
        write_table(pd.DataFrame(columns), path)

    @classmethod
    def read(cls, path: Path) -> "Cases":
        """Read a table written by `write`.

        Raises:
            DataError: The file is missing, or no table.
        """
        table = read_table(path)
        case_id, patient_id, split = (table[name].to_numpy(dtype=str) for name in _TEXTS)
        label = table["label"].to_numpy(dtype=np.int64)
        value = stack_values(table["value"]) if "value" in table.columns else None
        return cls(case_id, patient_id, split, label, value)


def stack_values(column: "pd.Series[Any]") -> Floats:
    """Return (n,) the values of a table's column, or (n, findings) where a cell holds several."""
    return np.array(column.tolist(), dtype=np.float64)


def read_cases(folder: Path) -> tuple[Cases, Task]:
    """Read the case table and the task that ingest left in a folder.

    Raises:
        DataError: One of both files is missing or damaged.
    """
    return Cases.read(folder / "cases.parquet"), read_task(folder / "task.json")


def read_task(path: Path) -> Task:
    """Read the task that ingest left."""
    return read_record(Task, path)


def check_fold_column(column: str, table: pd.DataFrame) -> None:
    """Refuse a column for folds that the table of covariates lacks.

    Raises:
        OptionError: It does; the message lists those that are there.
    """
    if column not in table:
        allowed = listed(map(str, table)) or "none: the data set has no covariates"
        raise refusal("tasks.no_fold_column", column=column, allowed=allowed)


def name_groups(column: pd.Series) -> pd.Series:
    """Read the values of a column that names groups, such as sites, as text; gaps stay.

    A number names a group too, a whole one without a point: site 3 and not 3.0.
    """

    def name(value: Any) -> str:
        is_whole = isinstance(value, float | np.floating) and float(value).is_integer()
        return str(int(value)) if is_whole else str(value)

    return column.astype(object).map(name, na_action="ignore")
