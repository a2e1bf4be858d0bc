"""The case table, what is to be told apart on it, and what a reader must know of the data set."""

import dataclasses
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from skiagram.errors import OptionError, listed
from skiagram.outcomes.kinds import AnyOutcome
from skiagram.outcomes.outcome import Loss
from skiagram.records.files import read_record, read_table, write_table

Split = Literal["train", "validation", "test"]
Design = Literal["holdout", "cv"]
SEALED = -1
_TEXTS = ("case_id", "patient_id", "split")


@dataclass(frozen=True)
class Task:
    """What is to be predicted.

    Attributes:
        classes: Class names; the label k means `classes[k]`.
        positive: Label of the condition looked for; None when there are more than two classes.
        design: `holdout` (a sealed test set) or `cv` (nested cross-validation, nothing sealed).
        outcome: What cases have a value of besides their label: a model learns it, and labels
            balance the folds. None where classes are told apart.
    """

    classes: tuple[str, ...]
    positive: int | None
    design: Design
    outcome: Annotated[AnyOutcome, Field(union_mode="left_to_right")] | None = None

    @property
    def part(self) -> Literal["test", "out_of_fold"]:
        """Which scores the figures are on."""
        return "test" if self.design == "holdout" else "out_of_fold"

    @property
    def estimates(self) -> tuple[str, ...]:
        """What calibrated scores are, a column each: by default probabilities of the classes."""
        return self.classes if self.outcome is None else self.outcome.estimates

    @property
    def reported(self) -> dict[str, int]:
        """Estimate → its column, of those that are told of a new case: by default all."""
        shown = self.estimates if self.outcome is None else self.outcome.reported
        return {name: self.estimates.index(name) for name in shown}

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which every estimate lies; probabilities in [0, 1] by default."""
        return (0.0, 1.0) if self.outcome is None else self.outcome.bounds

    @property
    def classical_loss(self) -> Loss:
        """What classical models are fitted by."""
        return "classification" if self.outcome is None else self.outcome.classical_loss

    @property
    def primary(self) -> str:
        """Name of the figure that models are chosen and compared by."""
        return "roc_auc" if self.outcome is None else self.outcome.primary

    @property
    def primary_title(self) -> str:
        """What it is called in a sentence."""
        if self.outcome is not None:
            title = self.outcome.of_primary.title
            return title[0].lower() + title[1:] if title[1:2].islower() else title
        return "AUC" if self.positive is not None else "macro one-vs-rest AUC"

    @property
    def figure_words(self) -> str:
        """What the primary figure is called in a sentence: of any classes `AUC`."""
        return "AUC" if self.outcome is None else self.primary_title

    @property
    def words(self) -> str:
        """What is predicted, for people: the classes, or `time to an event, in days`."""
        return " / ".join(self.classes) if self.outcome is None else self.outcome.words

    @property
    def selection(self) -> str:
        """Name of the same figure of development cases, which chooses models."""
        return f"selection_{'auc' if self.outcome is None else self.primary}"

    @property
    def lower_is_better(self) -> bool:
        """Whether the primary figure is an error."""
        return self.outcome is not None and not self.outcome.of_primary.higher_is_better

    @property
    def margin_unit(self) -> float:
        """What a margin of the primary figure counts in: 1 for the figure itself."""
        return 1.0 if self.outcome is None else self.outcome.margin_unit

    @property
    def chance(self) -> float | None:
        """Primary figure without any knowledge; None where only `chance_rule` says what it is."""
        return 0.5 if self.outcome is None else self.outcome.chance

    @property
    def chance_rule(self) -> str:
        """Model without any feature that stands for chance; empty where chance is a number."""
        return (
            "" if self.outcome is None or self.chance is not None else self.outcome.rules["cases"]
        )

    @property
    def rules(self) -> tuple[str, ...]:
        """Option files of the models that are simple rules for this task by themselves."""
        return () if self.outcome is None else tuple(self.outcome.rules.values())

    @property
    def scores(self) -> int:
        """How many scores a model gives a case: one a class, or as many as the outcome has."""
        return len(self.classes) if self.outcome is None else self.outcome.scores


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


@dataclass(frozen=True)
class Cases:
    """The case table: one row per image, sorted by opaque id; test labels are `SEALED` (-1).

    Attributes:
        patient_id: (n,) str, opaque; images of a patient share it.
        split: (n,) str, each one of `Split`; under `cv` all are `train`.
        label: (n,) int64 index into `Task.classes`, or `SEALED`.
        value: (n,) float64 of `Task.outcome`; None where classes are told apart.
    """

    case_id: NDArray[np.str_]
    patient_id: NDArray[np.str_]
    split: NDArray[np.str_]
    label: NDArray[np.int64]
    value: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.case_id)

    def select(self, rows: NDArray[Any]) -> "Cases":
        """Return the rows of a boolean mask or an index array."""
        return Cases(
            self.case_id[rows],
            self.patient_id[rows],
            self.split[rows],
            self.label[rows],
            None if self.value is None else self.value[rows],
        )

    def development(self) -> "Cases":
        """Return all cases whose labels may be used: train and validation."""
        return self.select(self.split != "test")

    def test(self) -> "Cases":
        """Return the sealed cases."""
        return self.select(self.split == "test")

    def reported(self, design: Design) -> "Cases":
        """Return the cases that figures are reported of."""
        return self.test() if design == "holdout" else self.development()

    def digest(self, *inputs: str) -> str:
        """Return the SHA-256 of the table and of other inputs of work on it, in hexadecimal."""
        columns: tuple[NDArray[Any], ...] = (
            *(self.case_id, self.patient_id, self.split, self.label),
            *(() if self.value is None else (self.value,)),
        )
        digest = hashlib.sha256()
        for text in (*inputs, *(repr(column.tolist()) for column in columns)):
            digest.update(hashlib.sha256(text.encode()).digest())
        return digest.hexdigest()

    def write(self, path: Path) -> None:
        """Write the table as Parquet."""
        columns = dataclasses.asdict(self)
        write_table(pd.DataFrame({k: v for k, v in columns.items() if v is not None}), path)

    @classmethod
    def read(cls, path: Path) -> "Cases":
        """Read a table written by `write`."""
        table = read_table(path)
        case_id, patient_id, split = (table[name].to_numpy(dtype=str) for name in _TEXTS)
        label = table["label"].to_numpy(dtype=np.int64)
        value = table["value"].to_numpy(dtype=np.float64) if "value" in table.columns else None
        return cls(case_id, patient_id, split, label, value)


def read_cases(folder: Path) -> tuple[Cases, Task]:
    """Read the case table and the task that ingest left in a folder."""
    return Cases.read(folder / "cases.parquet"), read_task(folder / "task.json")


def read_task(path: Path) -> Task:
    """Read the task that ingest left."""
    return read_record(Task, path)


def check_fold_column(column: str, table: pd.DataFrame) -> None:
    """Refuse a column for folds that the table of covariates lacks."""
    if column not in table:
        allowed = listed(map(str, table)) or "none: the data set has no covariates"
        raise OptionError(f"no column `{column}`", where="fold_column", allowed=allowed)
