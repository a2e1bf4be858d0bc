"""AUC and AUC differences with closed-form intervals by patient.

DeLong et al. (1988) write the AUC as a mean of placement values; Sun & Xu (2014) get these from
mid-ranks in n log n; Obuchowski (1997) adds what cases of one patient share. Intervals of an AUC
are made on its logit, which keeps 95 % coverage in small samples where the plain form does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import rankdata

from skiagram.evaluation.proportions import Z, wilson_interval
from skiagram.evaluation.results import Estimate


@dataclass(frozen=True)
class Placements:
    """Placement values: their mean over positives equals that over negatives, the AUC.

    Attributes:
        value: (n,) for a positive the share of negatives below it, for a negative the share of
            positives above it, ties half; or a linear combination of such values.
        positive: (n,) true class; both classes occur.
        patient: (n,) patients numbered from 0.
    """

    value: NDArray[np.float64]
    positive: NDArray[np.bool_]
    patient: NDArray[np.int64]

    @property
    def mean(self) -> float:
        """Return the AUC, or the same combination of AUCs."""
        return float(self.value[self.positive].mean())

    @property
    def clustered(self) -> bool:
        """Return whether a patient has several cases."""
        return len(np.unique(self.patient)) < len(self.patient)

    @property
    def smaller_class(self) -> int:
        """Return the number of patients of the class that has fewer."""
        return min(len(np.unique(self.patient[side])) for side in (self.positive, ~self.positive))

    def variance(self) -> float:
        """Return the variance of `mean` over patients (Obuchowski 1997).

        With one case a patient this is DeLong's variance. It is 0 where it cannot be told: a
        class has a single patient, or all placements are equal.
        """
        if self.smaller_class < 2:
            return 0.0
        positives = self._deviations(self.positive)
        negatives = self._deviations(~self.positive)
        patients = len(np.unique(self.patient))
        shared = 2 * patients / (patients - 1) * float(positives @ negatives)
        own = sum(
            _inflation(self.patient[side]) * float(deviations @ deviations)
            for side, deviations in ((self.positive, positives), (~self.positive, negatives))
        )
        variance = own + shared
        return variance if variance > 1e-15 else 0.0

    def _deviations(self, side: NDArray[np.bool_]) -> NDArray[np.float64]:
        deviation = (self.value[side] - self.mean) / side.sum()
        patients = int(self.patient.max()) + 1
        sums = np.bincount(self.patient[side], weights=deviation, minlength=patients)
        return sums.astype(np.float64)


def _inflation(patient: NDArray[np.int64]) -> float:
    patients = len(np.unique(patient))
    return patients / (patients - 1)


def placements(
    ranking: NDArray[np.float64], positive: NDArray[np.bool_], patient: NDArray[np.int64]
) -> Placements:
    """Return placement values averaged over repeats.

    Their interval covers the sampling of patients given the fits; how much other seeds move the
    AUC is another question, which stability answers.

    Args:
        ranking: (repeats, n), higher = more likely positive.
        positive: (n,) true class; both classes occur.
        patient: (n,) patients numbered from 0.
    """
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    value = np.empty(ranking.shape)
    value[:, positive] = rankdata(ranking, axis=1)[:, positive]
    value[:, positive] -= rankdata(ranking[:, positive], axis=1)
    value[:, positive] /= n_negative
    above = rankdata(-ranking, axis=1)[:, ~positive] - rankdata(-ranking[:, ~positive], axis=1)
    value[:, ~positive] = above / n_positive
    return Placements(value.mean(axis=0), positive, patient)


def combination(terms: Sequence[tuple[float, Placements]]) -> Placements:
    """Return the linear combination of placements on the same cases."""
    first = terms[0][1]
    value = np.sum([factor * one.value for factor, one in terms], axis=0)
    return Placements(value, first.positive, first.patient)


def auc_estimate(auc: Placements) -> Estimate:
    """Estimate an AUC with its logit interval.

    At an AUC of 0 or 1, with one patient in a class, or with all scores equal no variance can be
    seen. Then the rule is Wilson's interval as of a proportion among the patients of the smaller
    class.
    """
    value, variance = auc.mean, auc.variance()
    by_patient = ", clustered by patient" if auc.clustered else ""
    if variance == 0 or not 0 < value < 1:
        low, high = wilson_interval(value, auc.smaller_class)
        return Estimate(value, low, high, "Wilson on the patients of the smaller class")
    half = Z * np.sqrt(variance) / (value * (1 - value))
    low, high = expit(logit(value) - half), expit(logit(value) + half)
    return Estimate(value, float(low), float(high), f"logit DeLong{by_patient}")


def difference_estimate(auc: Placements, other: Placements) -> Estimate:
    """Estimate AUC minus other AUC on the same cases with its paired interval.

    Where no variance can be seen, the two single intervals are joined by squaring and adding
    (Newcombe 1998, method 10), which is wider.
    """
    paired = combination([(1.0, auc), (-1.0, other)])
    value, variance = auc.mean - other.mean, paired.variance()
    if variance > 0:
        half = Z * float(np.sqrt(variance))
        method = "paired DeLong" + (", clustered by patient" if paired.clustered else "")
        return Estimate(value, max(-1.0, value - half), min(1.0, value + half), method)
    one, two = (wilson_interval(each.mean, each.smaller_class) for each in (auc, other))
    below = np.hypot(auc.mean - one[0], two[1] - other.mean)
    above = np.hypot(one[1] - auc.mean, other.mean - two[0])
    low, high = max(-1.0, float(value - below)), min(1.0, float(value + above))
    return Estimate(value, low, high, "Newcombe on the patients of the smaller class")
