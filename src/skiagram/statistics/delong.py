"""AUC and AUC differences with closed-form intervals by patient, also against the ideal observer.

DeLong et al. (1988) write the AUC as a mean of placement values; Sun & Xu (2014) get these from
mid-ranks in n log n; Obuchowski (1997) adds what cases of one patient share. Intervals of an AUC
are made on its logit, which keeps 95 % coverage in small samples where the plain form does not.

The ideal observer of generated data is what no model can beat but by a leak. `patient` (n,) is the
patient of each case, numbered from 0; `folds` the fits of each repeat, whose training sets overlap,
0 where one fit scored all cases; `fit` (repeats, n) which fit scored a case, None where one did.
Scores of two fits share no scale, so only pairs of cases of one fit are compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

from skiagram.errors import DataError
from skiagram.statistics.distributions import mean_ranks, normal_density
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import is_capped, join_with_wilson, wilson_interval
from skiagram.statistics.variation import (
    Variation,
    covariance_of_means,
    effective_patients,
    independent_cases,
    is_clustered,
    over_folds,
    over_trainings,
    variance_of_mean,
)

_NOTHING = 1e-15
# A case of the smaller class stands for about 2 independent ones in normal densities, and for more
# only where an order happens to be nearly perfect (simulated).
MOST_CASES = 5.0


@dataclass(frozen=True)
class Placements:
    """Placement values: their mean over positives equals that over negatives, the AUC.

    Of several classes they are those of `macro_placements`: the AUC is half the sum of the classes'
    means, as it is of two.

    Attributes:
        values: (repeats, n) for a positive the share of negatives below it, for a negative the
            share of positives above it, ties half; or a linear combination of such values.
        label: (n,) true class, of two classes whether it is the positive one; every class occurs.
        patient: (n,) patients numbered from 0.
        folds: Fits of each repeat, whose training sets overlap; 0 where one fit scored all cases.
        most_cases: Most independent cases that a case of the smaller class may stand for
            (`independent_cases`), by which it is told whether a variance is too small.
    """

    values: NDArray[np.float64]
    label: NDArray[np.bool_] | NDArray[np.int64]
    patient: NDArray[np.int64]
    folds: int = 0
    most_cases: float = MOST_CASES

    @cached_property
    def sides(self) -> tuple[NDArray[np.bool_], ...]:
        """Return (n,) the cases of each class, the positive or last one first."""
        return tuple(np.asarray(self.label == k) for k in np.unique(self.label)[::-1])

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return (n,) the positive cases of two classes."""
        return self.sides[0]

    @property
    def samples(self) -> tuple[tuple[NDArray[np.float64], NDArray[np.int64]], ...]:
        """Return the values and patients of each class, whose means make the AUC."""
        return tuple((self.value[side], self.patient[side]) for side in self.sides)

    @cached_property
    def value(self) -> NDArray[np.float64]:
        """Return (n,) the placement values, averaged over repeats."""
        averaged: NDArray[np.float64] = self.values.mean(axis=0)
        return averaged

    @property
    def mean(self) -> float:
        """Return the AUC, or the same combination of AUCs; a mean over repeats."""
        return float(self._areas(self.value[None])[0])

    @property
    def areas(self) -> NDArray[np.float64]:
        """Return (repeats,) the AUC, or the combination of AUCs, of each repeat."""
        return self._areas(self.values)

    @property
    def clustered(self) -> bool:
        """Return whether a patient has several cases."""
        return is_clustered(self.patient)

    @property
    def smaller_class(self) -> int:
        """Return the number of patients of the class that has fewest."""
        return min(len(np.unique(self.patient[side])) for side in self.sides)

    @property
    def capped(self) -> bool:
        """Return whether the variance of the AUC is too small to be believed."""
        value, variance = self.mean, self.variation.variance
        return not 0 < value < 1 or is_capped(value, variance, self.most)

    @property
    def most(self) -> float:
        """Return the most independent cases that the variance of the AUC may stand for."""
        return self.most_cases * min(independent_cases(self.patient[side]) for side in self.sides)

    @property
    def bounds(self) -> tuple[float, float]:
        """Return the interval of the AUC, also where it is exactly 0 or 1."""
        value, variation = self.mean, self.variation
        if variation.variance == 0 or not 0 < value < 1:
            return wilson_interval(value, self.most_cases * self.smaller_class, variation.quantile)
        return auc_interval(value, variation.variance, self.most, variation.quantile)

    def single(self) -> "list[Placements]":
        """Return each repeat on its own."""
        return [replace(self, values=values[None]) for values in self.values]

    def variance(self) -> float:
        """Return the variance of `mean` over patients, these fits given (Obuchowski 1997).

        With one case per patient this is DeLong's variance. It is 0 where it cannot be told: a
        class has a single patient, or all placements are equal.
        """
        return self._over_patients(self.value)

    @cached_property
    def variation(self) -> Variation:
        """Return the variation of `mean` over patients and over trainings."""
        if self.folds:
            of_one = float(np.mean([self._over_patients(fold) for fold in self.values]))
            return over_folds(of_one, self.degrees, self.folds, len(self.values))
        return over_trainings(self.variance(), self.degrees, self.areas)

    @property
    def degrees(self) -> float:
        """Return the degrees of freedom of the variance: those of the class with fewest patients.

        With ten patients of a class a normal quantile makes intervals that hold 91 % (simulated).
        """
        return max(1.0, min(effective_patients(self.patient[side]) for side in self.sides) - 1)

    def _areas(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (repeats,) the AUC that values make."""
        means = [values[:, side].mean(axis=1) for side in self.sides]
        areas: NDArray[np.float64] = means[0] if len(means) == 2 else np.sum(means, axis=0) / 2
        return areas

    def _over_patients(self, value: NDArray[np.float64]) -> float:
        if self.smaller_class < 2:
            return 0.0
        samples = [(value[side], self.patient[side]) for side in self.sides]
        variance = sum(variance_of_mean(*sample) for sample in samples)
        if self.clustered:
            pairs = combinations(samples, 2)
            variance += 2 * sum(covariance_of_means(*first, *other) for first, other in pairs)
        return variance if variance > _NOTHING else 0.0


def placements(
    ranking: NDArray[np.float64],
    positive: NDArray[np.bool_],
    patient: NDArray[np.int64],
    folds: int = 0,
    fit: NDArray[np.int64] | None = None,
) -> Placements:
    """Return the placement values of each repeat.

    Where several fits scored the cases of a repeat, the AUC is the share of the pairs within a fit
    that are in order. Its values are those of a ratio of two sums over patients, A + w (V − A): V
    is the placement within the fit, w the fit's cases of the other class over their mean.

    Args:
        ranking: (repeats, n); a single row stands beside each repeat of `fit`.

    Raises:
        DataError: No fit scored a case of each class, so that there is no pair to put in order.
    """
    if positive.all() or not positive.any():
        raise _no_pair("all cases are of one class")
    if fit is None or (fit == fit[:, :1]).all():
        return Placements(_placed(ranking, positive), positive, patient, folds)
    scores, fits = np.broadcast_arrays(ranking, fit)
    values = [_within_fits(*each, positive) for each in zip(scores, fits, strict=True)]
    return Placements(np.array(values), positive, patient, folds)


def _placed(ranking: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    value = mean_ranks(ranking, axis=1)
    value[:, positive] -= mean_ranks(ranking[:, positive], axis=1)
    value[:, positive] /= n_negative
    # From the other end a rank r of n is n + 1 - r, among all cases and among the negatives.
    above = value[:, ~positive] - mean_ranks(ranking[:, ~positive], axis=1)
    value[:, ~positive] = (n_positive - above) / n_positive
    return value


def _within_fits(
    score: NDArray[np.float64], fit: NDArray[np.int64], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    value, others = np.zeros(len(score)), np.zeros(len(score))
    for rows in (fit == number for number in np.unique(fit)):
        n_positive, n_negative = positive[rows].sum(), (~positive[rows]).sum()
        if n_positive and n_negative:
            value[rows] = _placed(score[None, rows], positive[rows])[0]
            others[rows] = np.where(positive[rows], n_negative, n_positive)
    pairs = others[positive].sum()
    if pairs == 0:
        raise _no_pair("no fit scored cases of both classes")
    auc = float(others[positive] @ value[positive] / pairs)
    weight = others * np.where(positive, positive.sum(), (~positive).sum()) / pairs
    linearised: NDArray[np.float64] = auc + weight * (value - auc)
    return linearised


def _no_pair(fault: str) -> DataError:
    return DataError(
        fault,
        where="AUC",
        allowed="scores of at least one positive and one negative case by the same fit",
        remedy="add cases of the class that is missing, or make fewer folds",
    )


def macro_placements(
    probability: NDArray[np.float64],
    label: NDArray[np.int64],
    patient: NDArray[np.int64],
    folds: int = 0,
    fit: NDArray[np.int64] | None = None,
) -> Placements:
    """Return the placement values of the macro one-vs-rest AUC of several classes.

    A case of class c counts in the AUC of c as a positive and in those of all other classes k as
    one of the n − nₖ negatives: wᵢ = (V_c + Σₖ V_k n_c / (n − nₖ)) / K. The variance of the mean
    AUC is then the sum over classes of the variance of the mean of w (Hoeffding's projection of a
    generalised U statistic; Lehmann 1951, *Ann. Math. Stat.* 22:165), with two classes DeLong's.
    The numbers of cases of each class are taken as given.

    Args:
        probability: (repeats, n, n_classes).
    """
    classes, counts = np.unique(label, return_counts=True)
    own_count = counts[np.searchsorted(classes, label)]
    values = np.zeros(probability.shape[:2])
    for k, count in zip(classes.tolist(), counts.tolist(), strict=True):
        positive = label == k
        weight = np.where(positive, 1.0, own_count / (len(label) - count))
        values += weight * placements(probability[:, :, k], positive, patient, fit=fit).values
    # A mean over several classes says more than the patients of the smallest one.
    most = MOST_CASES if len(classes) == 2 else np.inf
    return Placements(values / len(classes), label, patient, folds, most)


def combination(terms: Sequence[tuple[float, Placements]]) -> Placements:
    """Return the linear combination of placements on the same cases, repeat by repeat.

    What was scored once (a reader, the ideal observer) stands beside each repeat of the others.
    Where repeats are otherwise unequal in number their means are combined.
    """
    first = terms[0][1]
    several = {len(placements.values) for _, placements in terms} - {1}
    values = [
        placements.values if len(several) < 2 else placements.value[None] for _, placements in terms
    ]
    repeats = max(len(each) for each in values)
    combined = np.zeros((repeats, len(first.label)))
    for (factor, _), each in zip(terms, values, strict=True):
        combined += factor * each
    folds = max(placements.folds for _, placements in terms)
    return Placements(combined, first.label, first.patient, folds)


def auc_estimate(auc: Placements) -> Estimate:
    """Estimate an AUC with its logit interval.

    At an AUC of 0 or 1, with one patient in a class, or with all scores equal no variance can be
    seen. Then the rule is Wilson's interval as of a proportion among the patients of the smaller
    class.
    """
    value, variation = auc.mean, auc.variation
    if variation.variance == 0 or not 0 < value < 1:
        low, high = wilson_interval(value, auc.smaller_class)
        return Estimate(value, low, high, "Wilson on the patients of the smaller class")
    return Estimate(value, *auc.bounds, f"logit DeLong{_words(auc)}")


def auc_interval(
    value: float, variance: float, most: float, quantile: float
) -> tuple[float, float]:
    """Return the logit interval of an AUC, joined with Wilson's as `join_with_wilson` has it.

    Args:
        value: In (0, 1).
        variance: Above 0.
    """
    half = quantile * float(np.sqrt(variance)) / (value * (1 - value))
    low, high = expit(logit(value) - half), expit(logit(value) + half)
    return join_with_wilson((float(low), float(high)), value, variance, most, quantile)


def difference_estimate(auc: Placements, other: Placements) -> Estimate:
    """Estimate AUC minus other AUC on the same cases with its paired interval.

    Where no variance can be seen, the two single intervals are joined by squaring and adding
    (Newcombe 1998, method 10), which is wider.
    """
    value, variation = auc.mean - other.mean, difference_variation(auc, other)
    if variation.variance > 0:
        below, above = (variation.quantile * variation.error(upwards=up) for up in (False, True))
        method = "from both intervals" if variation.errors else "paired DeLong"
        words = _words(combination([(1.0, auc), (-1.0, other)]))
        return Estimate(
            value, max(-1.0, value - below), min(1.0, value + above), f"{method}{words}"
        )
    first, second = (wilson_interval(each.mean, each.smaller_class) for each in (auc, other))
    below, above = _recovered(auc.mean, other.mean, first, second, 0.0)
    low, high = max(-1.0, float(value - below)), min(1.0, float(value + above))
    return Estimate(value, low, high, "Newcombe on the patients of the smaller class")


def difference_variation(auc: Placements, other: Placements) -> Variation:
    """Return the variation of AUC minus other AUC on the same cases.

    It is that of the paired placements. Where one of the two variances is too small to be believed
    (`join_with_wilson`; an AUC of exactly 0 or 1), the paired one is, too. Then each side is put
    together from the single intervals and the correlation that the paired variance shows (Zou &
    Donner 2008, *Statistics in Medicine* 27:1693).
    """
    variation = combination([(1.0, auc), (-1.0, other)]).variation
    if variation.variance == 0 or not (auc.capped or other.capped):
        return variation
    model_variance, other_variance = auc.variation.variance, other.variation.variance
    correlation = 0.0
    if model_variance > 0 and other_variance > 0:
        shared = (model_variance + other_variance - variation.variance) / 2
        correlation = float(np.clip(shared / np.sqrt(model_variance * other_variance), -1, 1))
    arms = _recovered(auc.mean, other.mean, auc.bounds, other.bounds, correlation)
    below, above = (arm / variation.quantile for arm in arms)
    variance = max(variation.variance, below * above)
    return replace(variation, variance=variance, errors=(below, above))


def _recovered(
    value: float,
    other: float,
    interval: tuple[float, float],
    other_interval: tuple[float, float],
    correlation: float,
) -> tuple[float, float]:
    """Return how far a difference reaches down and up, by the intervals of its two figures."""
    (low, high), (other_low, other_high) = interval, other_interval
    arms = ((value - low, other_high - other), (high - value, other - other_low))
    squares = (first**2 + second**2 - 2 * correlation * first * second for first, second in arms)
    below, above = (float(np.sqrt(max(_NOTHING, square))) for square in squares)
    return below, above


def _words(auc: Placements) -> str:
    over_classes = ", mean over classes" if len(auc.sides) > 2 else ""
    by_patient = ", clustered by patient" if auc.clustered else ""
    overlapping = ", widened for overlapping training sets" if auc.folds else ""
    return f"{over_classes}{by_patient}{overlapping}{auc.variation.words}"


def detectability(auc: float) -> float:
    """Return d_a = √2 Φ⁻¹(AUC), the distance of two equal normal densities with that AUC."""
    return float(np.sqrt(2) * ndtri(auc))


def estimate_efficiency(model: Placements, ideal: Placements) -> Estimate:
    """Estimate (d_a / d_ideal)², the share of the images' information that a model uses.

    The ratio's variance is by the delta method on the paired placements; a ratio below 0 (a model
    worse than chance) counts as 0. (Barrett & Myers 2004, *Foundations of Image Science*, §13.2.)
    """
    if not 0.5 < ideal.mean < 1:
        return Estimate(None, reason=f"undefined where the ideal observer's AUC is {ideal.mean:g}")
    if not 0 < model.mean < 1:
        return Estimate(None, reason=f"undefined where the model's AUC is {model.mean:g}")
    d_model, d_ideal = detectability(model.mean), detectability(ideal.mean)
    ratio = d_model / d_ideal
    slopes = [np.sqrt(2) / normal_density(d / np.sqrt(2)) for d in (d_model, d_ideal)]
    linear = combination([(slopes[0] / d_ideal, model), (-slopes[1] * d_model / d_ideal**2, ideal)])
    half = linear.variation.half
    value, low, high = (max(0.0, bound) ** 2 for bound in (ratio, ratio - half, ratio + half))
    return Estimate(value, low, high, "delta method on paired DeLong")


def has_leaked(above: Estimate) -> bool:
    """Return whether a model is surely above the ideal, which only a leak explains.

    Sufficient, not necessary: a leak that stays below the ideal passes unseen.
    """
    return above.low is not None and above.low > 0
