"""Scores of models lined up with the cases they are about, repeat after repeat."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from skiagram.arrays import Flags, Floats
from skiagram.errors import refusal
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.labelled_cases import LabelledCases, label_cases, line_up
from skiagram.records.predictions import Part, Predictions, probabilities_of, scores_of
from skiagram.tasks.cases import Cases
from skiagram.tasks.predicted import Predicted
from skiagram.tasks.scored_cases import ScoredCases
from skiagram.tasks.task import Task


def align_scores(
    model: Predictions, part: Part, cases: LabelledCases, predicted: Predicted
) -> ScoredCases:
    """Line one part of a model's predictions up with reference cases, repeat after repeat.

    Raises:
        DataError: A score is not finite, an estimate lies beyond its bounds, or cases do not match.
    """
    # A number that is not finite, or an estimate beyond its bounds, is refused.
    every_score, estimates = scores_of(model.table), probabilities_of(model.table)
    low, high = predicted.bounds
    bad = ~np.isfinite(every_score).all(axis=1)
    bad |= ~((estimates >= low) & (estimates <= high) & np.isfinite(estimates)).all(axis=1)
    if bad.any():
        first = model.table["case_id"].to_numpy()[bad][0]
        where, number = f"scores of {model.outcome.model}", int(bad.sum())
        raise refusal("evaluation.unusable_scores", where, number=number, first=first)
    # A table a repeat, its rows in the order of the cases.
    rows, where = model.part(part), f"scores of {model.outcome.model}, {part}"
    tables = [table for _, table in rows.groupby("repeat", sort=True)] or [rows]
    aligned = [line_up(table, cases.case_id, where) for table in tables]
    return stack_scores(aligned, cases, predicted, trained=model.outcome.arm != "reader")


def stack_scores(
    tables: Sequence[pd.DataFrame],
    cases: LabelledCases,
    predicted: Predicted,
    fit_column: str = "fold",
    *,
    trained: bool = True,
) -> ScoredCases:
    """Return cases with their scores, which stand in their order in a table a repeat.

    Args:
        fit_column: Says which fit scored a case.
        trained: Whether fits learned from cases, so that their training sets overlap.
    """
    # A table a repeat becomes a row a repeat.
    estimates = [probabilities_of(table) for table in tables]
    scores = [scores_of(table) for table in tables]
    fit = np.stack([table[fit_column].to_numpy(np.int64) for table in tables])
    fits = len(np.unique(fit))
    return ScoredCases(
        cases.label,
        cases.value,
        cases.patient,
        np.stack([predicted.order(*both) for both in zip(scores, estimates, strict=True)]),
        np.stack(estimates),
        fit,
        fits if trained and fits > 1 else 0,
        np.stack([table["threshold"].to_numpy(np.float64) for table in tables]),
    )


# Repeat and (n,) marked reported cases that are decided on; by (m, n_classes) out-of-fold
# probabilities; of these (m) cases.
HeldOut = tuple[tuple[int, Flags], Floats, LabelledCases]


def held_out_probabilities(model: Predictions, setting: EvaluationSet) -> Iterator[HeldOut]:
    """Yield the calibrated probabilities that decide on each part of the reported cases.

    Under `holdout` a repeat's out-of-fold scores decide on all sealed cases; under `cv` the inner
    scores of an outer fold, which leave its cases out, decide on these.
    """
    # Under `cv` the inner folds of each outer fold fix it, else the folds of development.
    nested = setting.task.design == "cv"
    table = model.table
    reported = table[table["part"] == setting.task.part]
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
    """List the reported cases with their labels and the models' calibrated probabilities.

    Args:
        sealed: Columns `case_id`, `label` and, where one is measured, `value` of the test cases;
            empty under `cv`.

    Returns:
        A row a repeat and case: `case_id`, `patient_id`, `label` (class name), `repeat`, `fold`
        (the fit that scored it; -1: that on all development cases), one column per model, named as
        its config, with the probability of the positive class; with more classes one column
        per model and class, `model: class`.
    """
    # Scores of every model that was trained, lined up with the cases.
    rows = cases.reported(task.design)
    labelled_cases = label_cases(rows, task, sealed)
    scored = {
        model.outcome.model: align_scores(model, task.part, labelled_cases, task.predicted)
        for model in models
        if model.outcome.status != "failed"
    }
    # A row for each case and repeat.
    repeats = max((scores.repeats for scores in scored.values()), default=1)
    fits = next((scores.fit for scores in scored.values() if not scores.has_one_fit), None)
    columns: dict[str, object] = {
        "case_id": np.tile(labelled_cases.case_id, repeats),
        "patient_id": np.tile(rows.patient_id, repeats),
        "label": np.tile(np.array(task.predicted.classes)[labelled_cases.label], repeats),
        "repeat": np.repeat(np.arange(repeats), len(labelled_cases)),
        "fold": -1 if fits is None else np.ravel(fits),
    }
    true = task.predicted.tell(labelled_cases.value)
    columns |= {name: np.tile(values, repeats) for name, values in true.items()}
    # Of two classes the looked-for one's probability; else a column for each.
    estimates, positive = task.predicted.estimates, task.predicted.positive
    for name, scores in scored.items():
        shape = (repeats, len(labelled_cases), len(estimates))
        probability = np.broadcast_to(scores.estimate, shape).reshape(-1, len(estimates))
        if positive is not None:
            columns[name] = probability[:, positive]
        else:
            columns |= {f"{name}: {label}": probability[:, k] for k, label in enumerate(estimates)}
    return pd.DataFrame(columns)


def mean_over_repeats(scores: pd.DataFrame) -> pd.DataFrame:
    """Average the table of `make_scores_table` over repeats: a row a case.

    Repeats are trainings with other seeds or folds; galleries and sheets show each case once.
    """
    keys = ["case_id", "patient_id", "label"]
    means = scores.drop(columns=["repeat", "fold"]).groupby(keys, sort=False, as_index=False)
    return means.mean()
