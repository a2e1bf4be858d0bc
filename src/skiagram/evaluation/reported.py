"""Predictions lined up with the cases they are about, repeat after repeat."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.evaluation.reference import Reference, match
from skiagram.predictions import Predictions
from skiagram.records import Outcome


@dataclass(frozen=True)
class ModelScores:
    """What the train stage left of one model.

    Attributes:
        outcome: How its training ended.
        predictions: All its scores.
        selection: Columns `fit`, `feature`, `chosen`; empty for a model that chooses no features.
    """

    outcome: Outcome
    predictions: Predictions
    selection: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class Scores:
    """One model's scores on reference cases, repeat after repeat.

    Attributes:
        ranking: (repeats, n) what orders the cases by the positive class; None with more classes.
        probability: (repeats, n, n_classes) calibrated, rows sum to 1.
        threshold: (repeats, n) on the positive class's probability; NaN where there is none.
    """

    ranking: NDArray[np.float64] | None
    probability: NDArray[np.float64]
    threshold: NDArray[np.float64]

    def select(self, rows: NDArray[np.bool_]) -> "Scores":
        """Return the marked cases."""
        ranking = None if self.ranking is None else self.ranking[:, rows]
        return Scores(ranking, self.probability[:, rows], self.threshold[:, rows])


def scores_on(model: ModelScores, part: str, cases: Reference, pooled: bool) -> Scores:
    """Line one part of a model's predictions up with reference cases.

    Args:
        model: Outcome and predictions.
        part: `test` or `out_of_fold`.
        cases: The cases that each repeat must score exactly once.
        pooled: Whether a repeat's scores come from several fits; such scores share no scale
            before calibration, so probabilities rank them, else the raw score difference.

    Raises:
        DataError: Ids do not match, or a score is not finite.
    """
    table = checked(model).part(part).table
    where = f"scores of {model.outcome.model}, {part}"
    repeats = [Predictions(rows) for _, rows in table.groupby("repeat", sort=True)]
    if not repeats:
        match([], cases.case_id, where)
    order = [match(one.table["case_id"].tolist(), cases.case_id, where) for one in repeats]
    pairs = list(zip(repeats, order, strict=True))
    probability = np.stack([one.probabilities()[rows] for one, rows in pairs])
    threshold = np.stack([one.table["threshold"].to_numpy(np.float64)[rows] for one, rows in pairs])
    if cases.positive is None:
        return Scores(None, probability, threshold)
    raw = np.stack([one.scores()[rows] for one, rows in pairs])
    return Scores(ranking(probability if pooled else raw, cases.positive), probability, threshold)


def ranking(scores: NDArray[np.float64], positive: int) -> NDArray[np.float64]:
    """Return positive minus other score of (..., 2) scores."""
    difference: NDArray[np.float64] = scores[..., positive] - scores[..., 1 - positive]
    return difference


def checked(model: ModelScores) -> Predictions:
    """Return a model's predictions after a look at every number.

    Raises:
        DataError: A score is not finite, or a probability is outside [0, 1].
    """
    predictions = model.predictions
    scores, probabilities = predictions.scores(), predictions.probabilities()
    bad = ~np.isfinite(scores).all(axis=1)
    bad |= ~((probabilities >= 0) & (probabilities <= 1)).all(axis=1)
    if bad.any():
        first = predictions.table["case_id"].to_numpy()[bad][0]
        raise DataError(
            f"{int(bad.sum())} rows hold a score that is not finite or no probability, "
            f"first {first}",
            where=f"scores of {model.outcome.model}",
            remedy="train this model again",
        )
    return predictions
