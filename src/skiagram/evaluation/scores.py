"""Scores of models lined up with the cases they are about, repeat after repeat."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.labelled_cases import LabelledCases, label_cases, line_up
from skiagram.records.cases import Cases
from skiagram.records.predictions import Part, Predictions, probabilities_of, scores_of
from skiagram.statistics.discrimination import score_difference
from skiagram.tasks.task import Task


@dataclass(frozen=True)
class Scores:
    """One model's scores on reference cases, repeat after repeat.

    Attributes:
        ranking: (repeats, n) what orders the cases of one fit by the positive class; None with more
            classes.
        probability: (repeats, n, n_classes) calibrated, rows sum to 1.
        threshold: (repeats, n) on the positive class's probability; NaN where there is none.
        folds: Fits of each repeat, whose training sets overlap; 0 where one fit scored all cases.
        fit: (repeats, n) the fit that scored each case: only cases of one fit are ranked against
            each other, as scores of two share no scale; None where one fit scored all.
    """

    ranking: NDArray[np.float64] | None
    probability: NDArray[np.float64]
    threshold: NDArray[np.float64]
    folds: int = 0
    fit: NDArray[np.int64] | None = None

    def select(self, rows: NDArray[np.bool_]) -> "Scores":
        """Return the marked cases."""
        return Scores(
            None if self.ranking is None else self.ranking[:, rows],
            self.probability[:, rows],
            self.threshold[:, rows],
            self.folds,
            None if self.fit is None else self.fit[:, rows],
        )

    @property
    def fits(self) -> Sequence[NDArray[np.int64] | None]:
        """Return the (n,) fits of each repeat."""
        return [None] * len(self.probability) if self.fit is None else list(self.fit)

    @property
    def order(self) -> NDArray[np.float64]:
        """Return (repeats, n) or (repeats, n, n_classes) what orders the cases of one fit."""
        return self.probability if self.ranking is None else self.ranking


def list_repeats(
    model: Predictions, part: Part, cases: LabelledCases, bounds: tuple[float, float] = (0.0, 1.0)
) -> list[pd.DataFrame]:
    """Line one part of a model's predictions up with reference cases: a table a repeat.

    Raises:
        DataError: A score is not finite, an estimate lies beyond its bounds, or cases do not match.
    """
    # A number that is not finite, or an estimate beyond its bounds, is refused.
    every_score, probabilities = scores_of(model.table), probabilities_of(model.table)
    bad = ~np.isfinite(every_score).all(axis=1)
    within = (probabilities >= bounds[0]) & (probabilities <= bounds[1])
    bad |= ~(within & np.isfinite(probabilities)).all(axis=1)
    if bad.any():
        first = model.table["case_id"].to_numpy()[bad][0]
        raise DataError(
            f"{int(bad.sum())} rows hold a score that is not finite or no probability, "
            f"first {first}",
            where=f"scores of {model.outcome.model}",
            remedy="train this model again",
        )
    where = f"scores of {model.outcome.model}, {part}"
    rows = model.part(part)
    tables = [table for _, table in rows.groupby("repeat", sort=True)] or [rows]
    return [line_up(table, cases.case_id, where) for table in tables]


def align_scores(
    model: Predictions,
    part: Part,
    cases: LabelledCases,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Scores:
    """Line one part of a model's predictions up with reference cases."""
    tables = list_repeats(model, part, cases, bounds)
    probability = np.stack([probabilities_of(table) for table in tables])
    threshold = np.stack([table["threshold"].to_numpy(np.float64) for table in tables])
    fit = np.stack([table["fold"].to_numpy(np.int64) for table in tables])
    fits = len(np.unique(fit))
    raw = np.stack([scores_of(table) for table in tables])
    ranking = None if cases.positive is None else score_difference(raw, cases.positive)
    if fits == 1:
        return Scores(ranking, probability, threshold)
    overlapping = 0 if model.outcome.arm == "reader" else fits
    return Scores(ranking, probability, threshold, overlapping, fit)


# Repeat and (n,) marked reported cases that are decided on; by (m, n_classes) out-of-fold
# probabilities; of these (m) cases.
HeldOut = tuple[tuple[int, NDArray[np.bool_]], NDArray[np.float64], LabelledCases]


def held_out_probabilities(model: Predictions, setting: EvaluationSet) -> Iterator[HeldOut]:
    """Yield the calibrated probabilities that decide on each part of the reported cases.

    Under `holdout` a repeat's out-of-fold scores decide on all sealed cases; under `cv` the inner
    scores of an outer fold, which leave its cases out, decide on these.
    """
    nested = setting.design == "cv"
    table = model.table
    reported = table[table["part"] == setting.part]
    part = "inner" if nested else "out_of_fold"
    fixing = table[table["part"] == part]
    keys = ["repeat", "fold"] if nested else ["repeat"]
    decided = dict(list(reported.groupby(keys)))
    numbers = {repeat: k for k, repeat in enumerate(sorted(reported["repeat"].unique()))}
    for key, rows in fixing.groupby(keys, sort=True):
        fold_cases = decided[key]["case_id"].to_numpy(dtype=str)
        where = f"scores of {model.outcome.model}, {part}"
        decided_on = numbers[key[0]], np.isin(setting.cases.case_id, fold_cases)
        cases = setting.development.of(rows["case_id"].tolist(), where)
        yield decided_on, probabilities_of(rows), cases


def make_scores_table(
    models: Sequence[Predictions], cases: Cases, task: Task, sealed: pd.DataFrame
) -> pd.DataFrame:
    """Return the reported cases with their labels and the models' calibrated probabilities.

    Args:
        sealed: Columns `case_id`, `label` and, where one is measured, `value` of the test cases;
            empty under `cv`.

    Returns:
        A row a repeat and case: `case_id`, `patient_id`, `label` (class name), `repeat`, `fold`
        (the fit that scored it; -1: that on all development cases), one column per model, named as
        its option file, with the probability of the positive class; with more classes one column
        per model and class, `model: class`.
    """
    rows = cases.reported(task.design)
    known = label_cases(rows, task, sealed)
    scored = {
        model.outcome.model: align_scores(model, task.part, known, task.bounds)
        for model in models
        if model.outcome.status != "failed"
    }
    repeats = max((len(scores.probability) for scores in scored.values()), default=1)
    fits = next((scores.fit for scores in scored.values() if scores.fit is not None), None)
    columns: dict[str, object] = {
        "case_id": np.tile(known.case_id, repeats),
        "patient_id": np.tile(rows.patient_id, repeats),
        "label": np.tile(np.array(task.classes)[known.label], repeats),
        "repeat": np.repeat(np.arange(repeats), len(known)),
        "fold": -1 if fits is None else np.ravel(fits),
    }
    if task.outcome is not None and known.value is not None:
        true = task.outcome.tell(known.value)
        columns |= {name: np.tile(of_cases, repeats) for name, of_cases in true.items()}
    for name, scores in scored.items():
        shape = (repeats, len(known), len(task.estimates))
        probability = np.broadcast_to(scores.probability, shape).reshape(-1, len(task.estimates))
        if task.positive is not None:
            columns[name] = probability[:, task.positive]
        else:
            columns |= {
                f"{name}: {label}": probability[:, k] for k, label in enumerate(task.estimates)
            }
    return pd.DataFrame(columns)


def mean_over_repeats(scores: pd.DataFrame) -> pd.DataFrame:
    """Return what `make_scores_table` does with a row a case, its means over repeats."""
    keys = ["case_id", "patient_id", "label"]
    means = scores.drop(columns=["repeat", "fold"]).groupby(keys, sort=False, as_index=False)
    return means.mean()
