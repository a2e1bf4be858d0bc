"""What the stages hand to one another, as frozen dataclasses with a file form.

Tables are Parquet, single records JSON; both are written without time, host or path, so equal
content is equal bytes.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import TypeAdapter

from skiagram.errors import DataError, OptionError

Split = Literal["train", "validation", "test"]
Design = Literal["holdout", "cv"]
SEALED = -1
COMBINED = "combined"  # folder of combinations: a stage cannot read a folder and write into it

_TEXTS = ("case_id", "patient_id", "split")
R = TypeVar("R")


@dataclass(frozen=True)
class Task:
    """What is to be told apart.

    Attributes:
        classes: Class names; the label k means `classes[k]`.
        positive: Label of the condition looked for; None when there are more than two classes.
        design: `holdout` (a sealed test set) or `cv` (nested cross-validation, nothing sealed).
    """

    classes: tuple[str, ...]
    positive: int | None
    design: Design


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
    """

    case_id: NDArray[np.str_]
    patient_id: NDArray[np.str_]
    split: NDArray[np.str_]
    label: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.case_id)

    def select(self, rows: NDArray[Any]) -> "Cases":
        """Return the rows of a boolean mask or an index array."""
        return Cases(self.case_id[rows], self.patient_id[rows], self.split[rows], self.label[rows])

    def development(self) -> "Cases":
        """Return all cases whose labels may be used: train and validation."""
        return self.select(self.split != "test")

    def test(self) -> "Cases":
        """Return the sealed cases."""
        return self.select(self.split == "test")

    def digest(self, *inputs: str) -> str:
        """Return the SHA-256 of the table and of other inputs of work on it, in hexadecimal."""
        columns = (self.case_id, self.patient_id, self.split, self.label)
        digest = hashlib.sha256()
        for text in (*inputs, *(repr(column.tolist()) for column in columns)):
            digest.update(hashlib.sha256(text.encode()).digest())
        return digest.hexdigest()

    def write(self, path: Path) -> None:
        """Write the table as Parquet."""
        write_table(pd.DataFrame(dataclasses.asdict(self)), path)

    @classmethod
    def read(cls, path: Path) -> "Cases":
        """Read a table written by `write`."""
        table = read_table(path)
        case_id, patient_id, split = (table[name].to_numpy(dtype=str) for name in _TEXTS)
        return cls(case_id, patient_id, split, table["label"].to_numpy(dtype=np.int64))


def read_cases(folder: Path) -> tuple[Cases, Task]:
    """Read the case table and the task that ingest left in a folder."""
    return Cases.read(folder / "cases.parquet"), read_record(Task, folder / "task.json")


@dataclass(frozen=True)
class Outcome:
    """How the training of one model ended.

    Attributes:
        arm: `encoder` is a classical model on what a frozen network makes of the images, `combined`
            is made of other models, `reader` are scores that came with the data.
        reason: Why it failed, in one line; empty when finished.
        parameters: Learned numbers in one fit.
        multiply_adds: Multiply–add operations to score one case; None where not defined.
        set_aside: Share of the labelled cases that decided when the final fit stopped.
    """

    model: str
    arm: Literal["classical", "encoder", "deep", "combined", "reader"]
    title: str
    status: Literal["finished", "failed"]
    reason: str = ""
    parameters: int = 0
    multiply_adds: int | None = None
    images_seen: int = 0
    fits: int = 0
    options: dict[str, Any] = field(default_factory=dict)
    set_aside: float = 0.0


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a data frame as Parquet whose bytes depend on the content alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, path, compression="zstd")


Table = Path | pd.DataFrame  # a Parquet file, or the same in memory


def read_table(path: Table) -> pd.DataFrame:
    """Read a Parquet table; one in memory is returned as it is."""
    if isinstance(path, pd.DataFrame):
        return path
    try:
        table: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        remedy = "run the stage that writes it"
        raise DataError(f"unreadable table ({error})", where=str(path), remedy=remedy) from error
    return table


PLACES = {"case_id": "str", "slice": "float64", "row": "float64", "column": "float64"}
PLACES |= {"radius": "float64"}
PREDICTIONS = "predictions.parquet"
MARKS = "marks.parquet"
READER_SCORES = "reader_scores.parquet"  # a column for each reader
IDEAL_MARKS = "ideal_marks.parquet"  # of generated data; sealed


def tabulate_places(rows: Sequence[tuple[str, Sequence[float], float]]) -> pd.DataFrame:
    """Return a table of places: lesions, candidates or marks; it has its columns without any, too.

    Columns: `case_id`; `slice` (NaN in plane images), `row` and `column` of the centre in pixels of
    the image as ingest stores it; `radius` in mm, in pixels where the spacing is unknown.

    Args:
        rows: Case, [slice,] row and column, and radius of each place.
    """
    filled = [
        (case, *[np.nan] * (3 - len(centre)), *centre, radius) for case, centre, radius in rows
    ]
    return pd.DataFrame(filled, columns=list(PLACES)).astype(PLACES)


def coordinates(places: pd.DataFrame) -> NDArray[np.float64]:
    """Return (n, 3) slice (NaN in plane images), row and column of a table of places."""
    return places[["slice", "row", "column"]].to_numpy(dtype=np.float64)


def of_cases(places: pd.DataFrame) -> dict[str, NDArray[np.int64]]:
    """Return case → its rows in a table of places."""
    grouped = places.groupby("case_id", sort=False).indices
    return {str(case): np.asarray(rows, dtype=np.int64) for case, rows in grouped.items()}


def check_fold_column(column: str, known: Sequence[str]) -> None:
    """Refuse a column for folds that the covariates lack."""
    if column not in known:
        allowed = ", ".join(known) or "none: the data set has no covariates"
        raise OptionError(f"no column `{column}`", where="fold_column", allowed=allowed)


def write_record(record: Any, path: Path) -> None:
    """Write a dataclass as JSON with sorted keys."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(dataclasses.asdict(record), indent=2, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n")


def read_record(kind: type[R], path: Path) -> R:
    """Read a dataclass written by `write_record`."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes(), strict=True)
    except (OSError, ValueError) as error:
        remedy = "run the stage that writes it"
        raise DataError(f"unreadable record ({error})", where=str(path), remedy=remedy) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


Part = Literal["training", "inner", "out_of_fold", "test"]
FINAL = -1  # in place of the number of a fold: the fit on all cases


@dataclass(frozen=True)
class Predictions:
    """What training says of one model: how it ended, and all scores.

    Attributes:
        table: A row for each case that a fit scored: `part` (a `Part`: `training`, the fit saw the
            case; `inner`, held out within an outer fold; `out_of_fold`; `test`), `repeat`, `fold`
            (that held the case out, of the part inner the outer one; `FINAL`: the final fit),
            `inner_fold` (`FINAL` but for the part inner), `case_id`, `threshold` (fixed on other
            cases' out-of-fold scores; NaN where none is), `score_<k>` and `probability_<k>` for
            each class k.
        selection: Columns `fit`, `feature`, `chosen`; empty for a model that chooses no features.
        marks: Of a finder, of all parts but `training`: `part`, `repeat`, `fold`, place, `radius`,
            `score`; None of other models.
    """

    outcome: Outcome
    table: pd.DataFrame
    selection: pd.DataFrame = field(default_factory=pd.DataFrame)
    marks: pd.DataFrame | None = None

    def part(self, name: Part) -> pd.DataFrame:
        """Return the rows of one part."""
        return self.table[self.table["part"] == name].reset_index(drop=True)

    def write(self, folder: Path) -> None:
        """Write the outcome as JSON and the tables as Parquet."""
        write_record(self.outcome, folder / "outcome.json")
        write_table(self.table, folder / PREDICTIONS)
        write_table(self.selection, folder / "selection.parquet")
        if self.marks is not None:
            write_table(self.marks, folder / MARKS)

    @classmethod
    def read(cls, folder: Path) -> "Predictions":
        """Read what `write` wrote."""
        marks = folder / MARKS
        return cls(
            read_record(Outcome, folder / "outcome.json"),
            read_table(folder / PREDICTIONS),
            read_table(folder / "selection.parquet"),
            read_table(marks) if marks.exists() else None,
        )


def tabulate_scores(
    part: Part,
    repeat: int,
    fold: int,
    case_id: NDArray[np.str_],
    scores: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    threshold: float | None = None,
    inner_fold: int = FINAL,
) -> pd.DataFrame:
    """Return rows of `Predictions.table`: what one fit says of some cases.

    Args:
        scores: (n, n_classes).
        probabilities: (n, n_classes).
    """
    classes = range(scores.shape[1])
    return pd.DataFrame(
        {
            "part": part,
            "repeat": repeat,
            "fold": fold,
            "inner_fold": inner_fold,
            "case_id": case_id,
            "threshold": np.nan if threshold is None else threshold,
            **{f"score_{k}": scores[:, k] for k in classes},
            **{f"probability_{k}": probabilities[:, k] for k in classes},
        }
    )


def scores_of(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return (n, n_classes) raw scores of rows of predictions."""
    return _by_class(rows, "score")


def probabilities_of(rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return (n, n_classes) calibrated probabilities of rows of predictions."""
    return _by_class(rows, "probability")


def _by_class(rows: pd.DataFrame, kind: str) -> NDArray[np.float64]:
    n_classes = sum(name.startswith(f"{kind}_") for name in rows.columns)
    return rows[[f"{kind}_{k}" for k in range(n_classes)]].to_numpy(dtype=np.float64)


def folder_of(kind: Literal["models", "scores"], root: Path, outcome: Outcome) -> Path:
    """Return the folder of a model, or of its scores, below the project's."""
    return (root / COMBINED if outcome.arm == "combined" else root) / kind / outcome.model
