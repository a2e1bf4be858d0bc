"""What of a model is compared: its AUC, resampled and as placements, and its decisions."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from skiagram.evaluation.areas import absent, auc_placements
from skiagram.evaluation.bootstrap import PatientDraws, mean_over_repeats
from skiagram.evaluation.delong import Placements, combination, difference_estimate
from skiagram.evaluation.discrimination import one_vs_rest_auc, roc_auc
from skiagram.evaluation.proportions import Z
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Estimate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Contender:
    """One model on the reported cases; all of a run share the resamples, so pairs are paired.

    Attributes:
        scores: Its scores.
        cases: The reported cases.
        draws: Patient resamples of them.
    """

    scores: Scores
    cases: Reference
    draws: PatientDraws

    @cached_property
    def placements(self) -> Placements | None:
        """Return the placements of a binary task, or None where an AUC has none."""
        return auc_placements(self.scores, self.cases)

    @cached_property
    def auc(self) -> float:
        """Return the AUC, one-vs-rest with more than two classes; NaN where a class is absent."""
        return float(self._areas(np.ones((1, len(self.cases))))[0])

    @cached_property
    def resampled_auc(self) -> Floats:
        """Return (replicates,) the AUC on each resample of patients; NaN where a class lacks."""
        return np.concatenate([self._areas(block) for block in self.draws.weights()])

    @cached_property
    def right(self) -> NDArray[np.bool_]:
        """Return (n,) whether the most probable class, by the mean over repeats, is the true."""
        named = self.scores.probability.mean(axis=0).argmax(axis=1)
        return np.asarray(named == self.cases.label)

    def _areas(self, weights: Floats) -> Floats:
        label, scores = self.cases.label, self.scores
        if scores.ranking is not None:
            positive = label == self.cases.positive
            return mean_over_repeats(
                lambda one, rows: roc_auc(one, positive, rows), scores.ranking
            )(weights)
        return mean_over_repeats(
            lambda one, rows: one_vs_rest_auc(one, label, rows), scores.probability
        )(weights)


@dataclass(frozen=True)
class AucDifference:
    """AUC of one model minus that of another on the same cases.

    Attributes:
        estimate: The difference with its paired interval.
        variance: Variance of the difference over patients; 0 where it cannot be told.
    """

    estimate: Estimate
    variance: float

    @property
    def p(self) -> float | None:
        """Return the two-sided p value of no difference, or None where it cannot be told."""
        value = self.estimate.value
        if value is None:
            return None
        if self.variance > 0:
            return float(2 * norm.sf(abs(value) / np.sqrt(self.variance)))
        return 1.0 if value == 0 else None


def compared_auc(one: Contender, other: Contender) -> AucDifference:
    """Estimate a difference by paired DeLong, or by bootstrap with more than two classes.

    The bootstrap gives the standard error alone: for differences of equal models the percentiles of
    the resamples exclude 0 too often.
    """
    cases = one.cases
    if 0 in cases.patients_by_class():
        return AucDifference(Estimate(None, reason=absent(cases)), 0.0)
    first, second = one.placements, other.placements
    if first is not None and second is not None:
        paired = combination([(1.0, first), (-1.0, second)])
        return AucDifference(difference_estimate(first, second), paired.variance())
    value = one.auc - other.auc
    resampled = one.resampled_auc - other.resampled_auc
    resampled = resampled[np.isfinite(resampled)]
    if 2 * len(resampled) < len(one.draws.counts):
        method = "no interval: too few patients of a class to resample"
        return AucDifference(Estimate(value, method=method), 0.0)
    variance = float(resampled.var(ddof=1))
    half = Z * float(np.sqrt(variance))
    method = "bootstrap standard error by patient"
    estimate = Estimate(value, max(-1.0, value - half), min(1.0, value + half), method)
    return AucDifference(estimate, variance)
