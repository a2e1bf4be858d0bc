"""Decisions at thresholds that were fixed on out-of-fold scores."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from skiagram.arrays import Flags, Floats, Whole
from skiagram.calibration import threshold_at_sensitivity
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.metrics import (
    bootstrap,
    estimate_balanced_accuracy,
    estimate_share_decided,
)
from skiagram.evaluation.options import OperatingTarget, RequestedAnalyses
from skiagram.evaluation.results import Named
from skiagram.evaluation.scores import HeldOut
from skiagram.statistics.bootstrap import PatientDraws
from skiagram.statistics.discrimination import matthews_correlation
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import predictive_value_at_prevalence, proportion

NO_THRESHOLD = "a class has no held-out case to fix a threshold on"


class Decisions(NamedTuple):
    """(repeats, n) whether a case is called positive, of a task of two classes."""

    called: Flags
    model: ComparedModel
    draws: PatientDraws

    @property
    def positive(self) -> Flags:
        """(n,) the true class."""
        return self.model.is_positive


def _matthews_correlation(decisions: Decisions) -> Estimate:
    called, positive = decisions.called, decisions.positive
    if absent := decisions.model.tells_apart.find_absent_classes(decisions.model.scored.label):
        return Estimate(None, reason=absent)
    if not (called.any(axis=1) & ~called.all(axis=1)).all():
        return Estimate(None, reason="every case got the same decision")
    if (called == positive).all():
        return Estimate(1.0, method="no interval: no decision was wrong")
    return bootstrap(matthews_correlation, called, positive, decisions.draws, share=False)


def _predictive_value(decisions: Decisions, *, positive: bool) -> Estimate:
    """Estimate the share of cases called so that are so, repeats as further looks at a patient."""
    rows = np.nonzero(decisions.called == positive)[1]
    if len(rows) == 0:
        return Estimate(None, reason="no case got this decision")
    true = (decisions.positive == positive)[rows].astype(np.float64)
    return proportion(true, decisions.model.scored.patient[rows])


JUDGMENTS: dict[str, Callable[[Decisions], Estimate]] = {
    "balanced_accuracy": lambda of: estimate_balanced_accuracy(
        of.called.astype(np.int64), of.positive.astype(np.int64), 2, of.model.scored.patient
    ),
    "sensitivity": lambda of: estimate_share_decided(of.called, of.model, positive=True),
    "specificity": lambda of: estimate_share_decided(of.called, of.model, positive=False),
    "positive_predictive_value": lambda of: _predictive_value(of, positive=True),
    "negative_predictive_value": lambda of: _predictive_value(of, positive=False),
    "matthews_correlation": _matthews_correlation,
}


def judge_decisions(decisions: Decisions, prevalence: float | None = None) -> dict[str, Estimate]:
    """Estimate what decisions are worth; predictive values also at a stated prevalence."""
    judged = {name: judge(decisions) for name, judge in JUDGMENTS.items()}
    if prevalence is None:
        return judged
    correct = (decisions.called == decisions.positive).mean(axis=0)
    for name, members, share in (
        ("positive", decisions.positive, prevalence),
        ("negative", ~decisions.positive, 1 - prevalence),
    ):
        judged[f"{name}_predictive_value_at_prevalence"] = predictive_value_at_prevalence(
            correct, members, decisions.model.scored.patient, share
        )
    return judged


def threshold_at_specificity(
    probability: Floats, positive: Flags, specificity: float, patient: Whole
) -> float:
    """Return the lowest threshold (positive: `probability ≥ threshold`) that keeps a specificity.

    Args:
        probability: (n,) probability of the positive class.
        positive: (n,) true class; at least one case is negative.
        specificity: Wanted specificity in (0, 1].
        patient: (n,) whose the cases are.
    """
    highest_negative = -threshold_at_sensitivity(-probability, ~positive, specificity, patient)
    return float(np.nextafter(highest_negative, np.inf))


def thresholds(held_out: Sequence[HeldOut], aim: OperatingTarget, model: ComparedModel) -> Floats:
    """Return (repeats, n) the threshold for each reported case; NaN where none can be fixed."""
    rule = {"sensitivity": threshold_at_sensitivity, "specificity": threshold_at_specificity}
    limits = np.full(model.scored.fit.shape, np.nan)
    for decided, probability, cases in held_out:
        positive = cases.is_positive
        if cases.positive is not None and 0 < positive.sum() < len(positive):
            class_probability = probability[:, cases.positive]
            limits[decided] = rule[aim.aim](class_probability, positive, aim.level, cases.patient)
    return limits


def judge_operating_points(
    model: ComparedModel,
    held_out: Sequence[HeldOut],
    analyses: RequestedAnalyses,
    draws: PatientDraws,
) -> Iterator[Named]:
    """Yield every threshold asked for, and what it does; nothing with more than two classes.

    The group says what the threshold is to keep on new cases, by out-of-fold scores: `sensitivity
    0.9`. A threshold is on the calibrated probability of the positive class, its mean over fits.

    Args:
        held_out: Scores that fix the thresholds of each part of the reported cases.
    """
    if model.predicted.positive is None:
        return
    for aim in analyses.operating_points:
        group, limit = f"{aim.aim} {aim.level:g}", thresholds(held_out, aim, model)
        if np.isnan(limit).any():
            for name in ("threshold", *JUDGMENTS):
                yield name, group, Estimate(None, reason=NO_THRESHOLD)
            continue
        yield "threshold", group, limit.mean()
        decisions = Decisions(model.probability >= limit, model, draws)
        for name, figure in judge_decisions(decisions, analyses.prevalence).items():
            yield name, group, figure
