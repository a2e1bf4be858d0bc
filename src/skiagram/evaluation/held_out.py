"""Scores that may fix a threshold or a doubt: of development cases, by fits that never saw them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import ModelScores
from skiagram.evaluation.setting import Setting
from skiagram.predictions import Predictions


@dataclass(frozen=True)
class HeldOut:
    """Calibrated out-of-fold probabilities and the reported cases that they may decide on.

    Attributes:
        probability: (m, n_classes).
        cases: The m cases; patients keep their numbers.
        repeat: Row of the reported scores.
        reported: (n,) marks the reported cases.
    """

    probability: NDArray[np.float64]
    cases: Reference
    repeat: int
    reported: NDArray[np.bool_]


def held_out(model: ModelScores, ground: Setting) -> Iterator[HeldOut]:
    """Yield the scores that decide on each part of the reported cases.

    Under `holdout` a repeat's out-of-fold scores decide on all sealed cases; under `cv` the inner
    scores of an outer fold, which leave its cases out, decide on these.

    Args:
        model: Outcome and predictions.
        ground: What the model is measured against.
    """
    nested = ground.design == "cv"
    table = model.predictions.table
    reported = table[table["part"] == ground.part]
    part = "inner" if nested else "out_of_fold"
    fixing = table[table["part"] == part]
    keys = ["repeat", "fold"] if nested else ["repeat"]
    decided = dict(list(reported.groupby(keys)))
    numbers = {repeat: k for k, repeat in enumerate(sorted(reported["repeat"].unique()))}
    for key, rows in fixing.groupby(keys, sort=True):
        own = decided[key]["case_id"].to_numpy(dtype=str)
        where = f"scores of {model.outcome.model}, {part}"
        yield HeldOut(
            Predictions(rows).probabilities(),
            ground.development.of(rows["case_id"].tolist(), where),
            numbers[key[0]],
            np.isin(ground.cases.case_id, own),
        )
