"""Decisions at thresholds that were fixed on out-of-fold scores."""

from collections.abc import Iterator, Sequence

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
from skiagram.statistics.bootstrap import OF_A_CORRELATION, PatientDraws
from skiagram.statistics.discrimination import matthews_correlation
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import predictive_value_at_prevalence, proportion

# Where no positive case was missed none is in any resample, so that these are all too alike: of 10
# positive cases, nine tenths of them found, .63 of the intervals held the truth (200 simulations).
_FEWEST_OF_A_KIND = 5
_TOO_FEW_OF_A_KIND = "no interval: a kind of right or wrong decision has fewer than five patients"
_UNFIXED = Estimate(None, reason="a class has no held-out case to fix a threshold on")

JUDGMENTS = (
    *("balanced_accuracy", "sensitivity", "specificity"),
    *("positive_predictive_value", "negative_predictive_value", "matthews_correlation"),
)


def judge_decisions(
    called: Flags, model: ComparedModel, draws: PatientDraws, prevalence: float | None = None
) -> dict[str, Estimate]:
    """Estimate what decisions between two classes are worth, by the names of `JUDGMENTS`.

    Args:
        called: (repeats, n) whether a case is called positive.
        model: Whose decisions they are.
        draws: Resamples of the patients.
        prevalence: Share of positives in (0, 1) that predictive values are also given at, as
            `..._predictive_value_at_prevalence`; None asks for none.
    """
    positive, patient = model.is_positive, model.scored.patient
    judged = {
        "balanced_accuracy": estimate_balanced_accuracy(
            called.astype(np.int64), positive.astype(np.int64), 2, patient
        ),
        "sensitivity": estimate_share_decided(called, model, positive=True),
        "specificity": estimate_share_decided(called, model, positive=False),
    }
    # The share of cases called so that are so, repeats as further looks at a patient.
    for name, side in (("positive", True), ("negative", False)):
        rows = np.nonzero(called == side)[1]
        judged[f"{name}_predictive_value"] = (
            proportion((positive == side)[rows].astype(np.float64), patient[rows])
            if len(rows)
            else Estimate(None, reason="no case got this decision")
        )
    # Matthews' correlation is not defined without both classes and both decisions.
    if absent := model.tells_apart.find_absent_classes(model.scored.label):
        correlation = Estimate(None, reason=absent)
    elif not (called.any(axis=1) & ~called.all(axis=1)).all():
        correlation = Estimate(None, reason="every case got the same decision")
    elif _fewest_of_a_kind(called, positive, patient) < _FEWEST_OF_A_KIND:
        ones = np.ones((1, len(positive)))
        value = np.mean([matthews_correlation(decided, positive, ones)[0] for decided in called])
        correlation = Estimate(float(value), method=_TOO_FEW_OF_A_KIND)
    else:
        correlation = bootstrap(
            matthews_correlation, called, positive, draws, limits=OF_A_CORRELATION
        )
    judged["matthews_correlation"] = correlation
    # Where the model would be used positives are rarer or commoner than here.
    if prevalence is not None:
        correct = (called == positive).mean(axis=0)
        for name, members, share in (
            ("positive", positive, prevalence),
            ("negative", ~positive, 1 - prevalence),
        ):
            judged[f"{name}_predictive_value_at_prevalence"] = predictive_value_at_prevalence(
                correct, members, patient, share
            )
    return judged


def _fewest_of_a_kind(called: Flags, positive: Flags, patient: Whole) -> int:
    """Count the patients of the rarest kind of decision: true or false, positive or negative."""
    return min(
        len(np.unique(patient[(decided == side) & (positive == kind)]))
        for decided in called
        for side in (False, True)
        for kind in (False, True)
    )


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
    """Find the threshold that decides each reported case, by cases held out from its fit.

    Args:
        held_out: Which cases are decided, and the held-out scores and labels that fix how.
        aim: Sensitivity or specificity, and its level.
        model: Whose cases are decided.

    Returns:
        (repeats, n) on the calibrated probability; NaN where none can be fixed.
    """
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
                yield name, group, _UNFIXED
            continue
        yield "threshold", group, limit.mean()
        called = model.probability >= limit
        for name, figure in judge_decisions(called, model, draws, analyses.prevalence).items():
            yield name, group, figure
