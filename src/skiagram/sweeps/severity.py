"""Severity curves: what is left of models on images made worse, by kind and amount of it.

They are read from the figures of the rows of a sweep: each row whose `scored` names a corruption,
beside the row that it is compared with, whose images are as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skiagram.evaluation.criteria import excludes_loss, is_surely_lost
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.figures import AUC, DIFFERENCE
from skiagram.sweeps.rows import BEST, SCORED, find_corruption, show_value
from skiagram.sweeps.runs import RowResult

SENSITIVITY, SPECIFICITY = "sensitivity", "specificity"


@dataclass(frozen=True)
class Condition:
    """A model on images made worse by one amount; 0: as they are.

    Attributes:
        change: AUC minus that on the images as they are, paired by patient.
        sensitivity: At the threshold that training fixed; None where the sweep asks for none.
    """

    amount: float
    auc: Estimate
    change: Estimate
    sensitivity: Estimate | None
    specificity: Estimate | None


@dataclass(frozen=True)
class SeverityCurve:
    """A model under one corruption.

    Attributes:
        conditions: In ascending order of their amounts.
        mean_change: Over the amounts.
        holds_to: Largest amount up to which every interval excludes a loss of the margin.
        breaks_at: Least amount whose whole interval lies beyond a loss of the margin.
    """

    corruption: str
    conditions: tuple[Condition, ...]
    mean_change: float | None
    holds_to: float | None
    breaks_at: float | None


@dataclass(frozen=True)
class CorruptedModel:
    """A model and what it loses; without a value where it failed."""

    title: str
    arm: str
    clean: Condition
    curves: tuple[SeverityCurve, ...]


@dataclass(frozen=True)
class CorruptedCases:
    """All models on the same cases.

    Attributes:
        name: What else the rows have in common, such as the data set; empty for nothing.
    """

    name: str
    cases: int
    patients: int
    models: tuple[CorruptedModel, ...]


@dataclass(frozen=True)
class Severity:
    """Severity curves of a sweep; `margin` is the smallest loss of AUC that counts."""

    margin: float
    data: tuple[CorruptedCases, ...]


def find_severity(results: Sequence[RowResult]) -> Severity:
    """Find the severity curves in the rows of a sweep; rows that failed are in none."""
    # Rows belong together that are compared with one row.
    measured = [each for each in results if not each.reason]
    groups: dict[int, list[RowResult]] = {}
    for each in measured:
        if find_corruption(each.row.changes):
            groups.setdefault(each.row.reference, []).append(each)
    clean = {each.row.number: each for each in measured}
    data = []
    for number, rows in groups.items():
        if number not in clean:
            continue
        unchanged = clean[number]
        figures, place = unchanged.figures, unchanged.row.place.items()
        shared = [v for k, v in place if all(row.row.place.get(k) == v for row in rows)]
        models: list[CorruptedModel] = []
        for model, named in {each.model: each for each in figures.figures}.items():
            if model.startswith(BEST):
                continue
            # A model has a curve for each corruption, over its amounts.
            conditions: dict[str, list[Condition]] = {}
            for row in rows:
                condition = _condition(row, model, float(row.row.changes[SCORED]["amount"]))
                conditions.setdefault(find_corruption(row.row.changes), []).append(condition)
            curves = []
            for corruption, unordered in conditions.items():
                ascending = sorted(unordered, key=lambda condition: condition.amount)
                curves.append(make_curve(corruption, ascending, figures.margin))
            clean_condition = _condition(unchanged, model, 0.0)
            models.append(CorruptedModel(named.title, named.arm, clean_condition, tuple(curves)))
        name = ", ".join(map(show_value, shared))
        data.append(CorruptedCases(name, figures.cases, figures.patients, tuple(models)))
    margin = max((each.figures.margin for each in measured), default=0.0)
    return Severity(margin, tuple(data))


def _condition(result: RowResult, model: str, amount: float) -> Condition:
    figures = result.figures
    missing = Estimate(None, reason=figures.reason or "not in this row")
    return Condition(
        amount,
        figures.of(model, AUC) or missing,
        figures.of(model, DIFFERENCE) or missing,
        figures.of(model, SENSITIVITY),
        figures.of(model, SPECIFICITY),
    )


def make_curve(corruption: str, conditions: Sequence[Condition], margin: float) -> SeverityCurve:
    """Return a model under one corruption, and where it breaks."""
    # It holds until the first amount whose loss cannot be excluded.
    holds_to, breaks_at, holding = None, None, True
    for condition in conditions:
        holding = holding and excludes_loss(condition.change, margin)
        if holding:
            holds_to = condition.amount
        if breaks_at is None and is_surely_lost(condition.change, margin):
            breaks_at = condition.amount
    # The mean change over all amounts.
    changes = [each.change.value for each in conditions if each.change.value is not None]
    mean = float(np.mean(changes)) if changes else None
    return SeverityCurve(corruption, tuple(conditions), mean, holds_to, breaks_at)
