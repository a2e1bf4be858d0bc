"""How much better or worse a model is on a part of the cases than on all others.

Each figure's own interval is asymmetric and keeps its coverage in small parts, so the interval of a
difference is put together from the two (Zou & Donner 2008, *Statistics in Medicine* 27:1693). A
patient with cases on both sides makes the two figures go together.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import t

from skiagram.evaluation.delong import Placements
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import binary_placements
from skiagram.evaluation.proportions import size_and_variation, wilson_interval
from skiagram.evaluation.results import Estimate
from skiagram.evaluation.scores import Scores
from skiagram.evaluation.variation import Variation, covariance_of_means

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Patients = NDArray[np.int64]
METHOD = "from both intervals, by patient"
_LEAST, _MOST = 1e-9, 40.0  # quantiles; beyond them p is 1 or 0


@dataclass(frozen=True)
class Figure:
    """A share or an AUC on some cases, with all that its interval is made of.

    Attributes:
        value: In [0, 1].
        size: Cases or patients that Wilson's interval counts.
        variation: Over patients and trainings; variance 0 where none can be seen.
        logit: Whether the interval is symmetric on the logit, where a variance can be seen; else it
            is Wilson's.
        samples: (values, patients) whose means make the figure: one sample, or one a class.
    """

    value: float
    size: float
    variation: Variation
    logit: bool
    samples: tuple[tuple[Floats, Patients], ...]

    def bounds(self, quantile: float) -> tuple[float, float]:
        """Return the bounds that lie so many standard errors away."""
        spread = float(np.sqrt(self.variation.variance))
        if not self.logit or spread == 0 or not 0 < self.value < 1:
            return wilson_interval(self.value, self.size, quantile)
        half = quantile * spread / (self.value * (1 - self.value))
        low, high = expit(logit(self.value) - half), expit(logit(self.value) + half)
        return float(low), float(high)

    def correlation(self, other: "Figure") -> float:
        """Return the correlation that patients with cases on both sides make."""
        variance = self.variation.variance * other.variation.variance
        if variance == 0:
            return 0.0
        covariance = sum(
            covariance_of_means(*one, *two)
            for one in self.samples
            for two in other.samples
            if np.isin(one[1], two[1]).any()
        )
        return float(np.clip(covariance / np.sqrt(variance), -1.0, 1.0))


def auc_figure(auc: Placements) -> Figure:
    """Return an AUC as a figure to be compared with that of other cases."""
    sides = (auc.positive, ~auc.positive)
    samples = tuple((auc.value[side], auc.patient[side]) for side in sides)
    return Figure(auc.mean, auc.smaller_class, auc.variation, True, samples)


def share_figure(success: Floats, patient: Patients) -> Figure:
    """Return a share of cases as a figure to be compared with that of other cases.

    Args:
        success: (repeats, n) 1 or 0 a case and training.
        patient: (n,) patient of each case; at least one case.
    """
    size, variation = size_and_variation(success, patient)
    mean = success.mean(axis=0)
    return Figure(float(success.mean()), size, variation, False, ((mean, patient),))


def difference_of_figures(one: Figure, other: Figure) -> tuple[Estimate, float | None]:
    """Return one figure minus the other with its interval, and the two-sided p value of none.

    The p value is the level at which the interval just reaches 0, so the two never disagree.

    Args:
        one: On some cases.
        other: On other cases; patients may have cases among both.
    """
    value = one.value - other.value
    degrees = _joint_degrees(one.variation, other.variation)
    correlation = one.correlation(other)

    def bounds(quantile: float) -> tuple[float, float]:
        (low, high), (other_low, other_high) = one.bounds(quantile), other.bounds(quantile)
        below, above = one.value - low, other_high - other.value
        under, over = high - one.value, other.value - other_low
        down = below**2 + above**2 - 2 * correlation * below * above
        up = under**2 + over**2 - 2 * correlation * under * over
        return value - np.sqrt(max(down, 0.0)), value + np.sqrt(max(up, 0.0))

    low, high = bounds(float(t.ppf(0.975, degrees)))
    estimate = Estimate(value, max(-1.0, float(low)), min(1.0, float(high)), METHOD)

    def nearest(quantile: float) -> float:
        found = bounds(quantile)
        return float(found[0] if value > 0 else -found[1])

    if nearest(_LEAST) <= 0:  # no difference but that of rounding
        return estimate, 1.0
    if nearest(_MOST) > 0:
        return estimate, 0.0
    reached = brentq(nearest, _LEAST, _MOST)
    return estimate, float(2 * t.sf(reached, degrees))


def _joint_degrees(one: Variation, other: Variation) -> float:
    """Return Satterthwaite's degrees of freedom of the sum of two variances."""
    spread = one.variance**2 / one.degrees + other.variance**2 / other.degrees
    return (one.variance + other.variance) ** 2 / spread if spread > 0 else np.inf


def compare_with_rest(
    members: Flags, scores: Scores, cases: LabelledCases
) -> Iterator[tuple[str, Estimate, float | None]]:
    """Yield (metric, part minus rest, p value) of each figure that both sides have.

    Args:
        members: (n,) marks the part.
        scores: The model's scores on the reported cases.
        cases: The reported cases, of two classes.
    """
    inside, outside = (_figures(side, scores, cases) for side in (members, ~members))
    for name in inside:
        if name in outside:
            yield name, *difference_of_figures(inside[name], outside[name])


def _figures(members: Flags, scores: Scores, cases: LabelledCases) -> dict[str, Figure]:
    """Return the figures on some cases; patients keep the numbers that they have among all."""
    own, kept = cases.select(members), scores.select(members)
    patient = cases.patient[members]
    found: dict[str, Figure] = {}
    if own.positive is None:
        return found
    auc = binary_placements(kept, own)
    if auc is not None:
        found["roc_auc"] = auc_figure(Placements(auc.values, auc.positive, patient, auc.folds))
    if np.isnan(kept.threshold).any():
        return found
    positive = own.label == own.positive
    called = kept.probability[:, :, own.positive] >= kept.threshold
    correct = (called == positive).astype(np.float64)
    for name, side in (("sensitivity", positive), ("specificity", ~positive)):
        if side.any():
            found[name] = share_figure(correct[:, side], patient[side])
    return found
