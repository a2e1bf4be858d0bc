"""What training says of a model: how it ended, and all scores."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Texts
from skiagram.records.files import read_record, read_table, write_record, write_table
from skiagram.records.places import MARKS

COMBINED = "combined"  # folder of combinations: a stage cannot read a folder and write into it


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


PREDICTIONS = "predictions.parquet"
READER_SCORES = "reader_scores.parquet"  # a column for each reader
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
            each class k; of a value one score, and its estimates (`Task.estimates`).
        selection: Columns `fit`, `feature`, `chosen`; empty for a model that chooses no features.
        marks: Of a finder, of all parts but `training`: `part`, `repeat`, `fold`, place, `radius`,
            `score`; None of other models.
    """

    outcome: Outcome
    table: pd.DataFrame
    selection: pd.DataFrame = field(default_factory=pd.DataFrame)
    marks: pd.DataFrame | None = None

    def part(self, name: Part) -> pd.DataFrame:
        """Select the rows of one part: `test`, `out_of_fold`, `inner` or `training`."""
        return self.table[self.table["part"] == name].reset_index(drop=True)

    def by_fold(self, name: Part) -> Iterator[tuple[tuple[int, int], pd.DataFrame]]:
        """Yield (repeat, fold) and the rows of each fold of a part, in ascending order."""
        for key, rows in self.part(name).groupby(["repeat", "fold"], sort=True):
            repeat, fold = (int(number) for number in key)  # type: ignore[call-overload]
            yield (repeat, fold), rows

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


def digest_scores(table: pd.DataFrame) -> str:
    """Compute a digest of a model's scores, by which figures are known to be of this training."""
    rows = pd.util.hash_pandas_object(table, index=False).to_numpy()
    return hashlib.sha256(rows.tobytes()).hexdigest()


def tabulate_scores(
    part: Part,
    repeat: int,
    fold: int,
    case_id: Texts,
    scores: Floats,
    probabilities: Floats,
    threshold: float | None = None,
    inner_fold: int = FINAL,
) -> pd.DataFrame:
    """Return rows of `Predictions.table`: what one fit says of some cases.

    Args:
        scores: (n, n_classes), or (n, 1) of a value.
        probabilities: (n, n_classes), or (n, columns) estimates of a value.
    """
    return pd.DataFrame(
        {
            "part": part,
            "repeat": repeat,
            "fold": fold,
            "inner_fold": inner_fold,
            "case_id": case_id,
            "threshold": np.nan if threshold is None else threshold,
            **{f"score_{k}": scores[:, k] for k in range(scores.shape[1])},
            **{f"probability_{k}": probabilities[:, k] for k in range(probabilities.shape[1])},
        }
    )


def scores_of(rows: pd.DataFrame) -> Floats:
    """Read the raw scores of rows of predictions.

    Returns:
        (n, n_classes), or (n, scores) of an outcome; only comparable within one fit.
    """
    return _by_class(rows, "score")


def probabilities_of(rows: pd.DataFrame) -> Floats:
    """Read the calibrated probabilities of rows of predictions.

    Returns:
        (n, n_classes) whose rows sum to 1; of an outcome (n, estimates).
    """
    return _by_class(rows, "probability")


def _by_class(rows: pd.DataFrame, kind: str) -> Floats:
    # column by column: evaluation asks thousands of times, and pandas takes long to choose columns
    n_classes = sum(name.startswith(f"{kind}_") for name in rows.columns.tolist())
    by_class = np.empty((n_classes, len(rows)))
    for k in range(n_classes):
        by_class[k] = rows[f"{kind}_{k}"]
    return by_class.T


def folder_of(kind: Literal["models", "scores"], root: Path, outcome: Outcome) -> Path:
    """Name the folder of a model, or of its scores, below the project's.

    Combinations have a folder of their own: they are made of other models, and made anew without
    them.
    """
    return (root / COMBINED if outcome.arm == "combined" else root) / kind / outcome.model
