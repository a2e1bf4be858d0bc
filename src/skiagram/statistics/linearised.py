"""Figures that vary as means over cases do: one way to an interval, a difference and a p value.

To first order a figure is a mean of what its cases are worth to it, their influence. Of an AUC
these are placement values (DeLong et al. 1988), of a share the cases themselves, of any other
figure what leaving a case out does to it (the jackknife; Efron & Stein 1981, *Annals of Statistics*
9:586). So cases of a patient, patients with many of them, trainings and folds are dealt with as in
any mean over clusters, and figures of the same cases are compared case by case.

`patient` (n,) is the patient of each case, numbered from 0; `folds` the fits of each repeat, whose
training sets overlap, 0 where one fit scored all cases.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import scipy

from skiagram.arrays import Flags, Floats, Whole
from skiagram.statistics.distributions import t_p_value, t_quantile
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.score_intervals import (
    is_below_binomial_variance,
    join_with_wilson,
    tango_interval,
    wilson_interval,
)
from skiagram.statistics.variation import (
    UPPER,
    Variation,
    Z,
    count_cases,
    covariance_of_means,
    degrees_of_freedom,
    effective_patients,
    independent_cases,
    is_clustered,
    join_degrees,
    over_folds,
    over_trainings,
    ratio_of_design_effects,
    variance_of_means,
)

Scale = Literal["plain", "logit", "log", "fisher", "share", "gain", "parts"]
Sample = tuple[Floats, Whole]
JACKKNIFE = "jackknife by patient"
OF_GROUPS = "from both intervals, by patient"
_SHARE_SCALES = ("share", "gain")
_NOTHING = 1e-15
_ROUNDING = 1e-12  # of a mean over repeats that lies at its bound
# Independent cases a patient of a figure at its bound stands for in a difference. With 5, equal
# AUCs of 20 positives, a tenth of them like negatives, are told apart in 11 %, with 2 in 4 %.
_CASES_AT_BOUND = 2.0
_MIN_QUANTILE, _MAX_QUANTILE = 1e-9, 40.0  # beyond them p is 1 or 0


class Transform(NamedTuple):
    """A scale: its name in methods, its title, values that it has, to it and back, its slope."""

    words: str
    title: str
    has: Callable[[float], bool]
    there: Callable[[Any], Any]
    back: Callable[[Any], Any]
    slope: Callable[[float], float]


TRANSFORMS: dict[Scale, Transform] = {
    "logit": Transform(
        "logit",
        "the logit",
        lambda value: 0 < value < 1,
        lambda value: scipy.special.logit(value),
        lambda value: scipy.special.expit(value),
        lambda value: 1 / (value * (1 - value)),
    ),
    "log": Transform(
        "log", "the logarithm", lambda value: value > 0, np.log, np.exp, lambda value: 1 / value
    ),
    "fisher": Transform(
        "Fisher's z,",
        "Fisher's z",
        lambda value: -1 < value < 1,
        np.arctanh,
        np.tanh,
        lambda value: 1 / (1 - value**2),
    ),
}
LIMITS: dict[Scale, tuple[float, float]] = {
    "plain": (-np.inf, np.inf),
    "logit": (0.0, 1.0),
    "log": (0.0, np.inf),
    "fisher": (-1.0, 1.0),
    "share": (0.0, 1.0),
    "gain": (-1.0, 1.0),
    "parts": (-2.0, 2.0),
}


@dataclass(frozen=True)
class Linearised:
    """A figure, the mean over repeats, and what each case is worth to it.

    Attributes:
        values: (repeats,) the figure.
        influence: (repeats, n) it varies as their mean over cases, or as the sum of the means of
            each kind (`by_kind`); NaN where the other cases do not define the figure.
        patient: (n,) from 0.
        kind: (n,) kinds of cases of which the rarest limits what is known, such as the classes of
            an AUC or the cases with an event; −1 of a case that is of none. None: all are of one.
        by_kind: Whether kinds are samples of their own, whose numbers of cases are taken as given.
        folds: Fits of a repeat that share training cases; 0 for none. The interval is then one of
            the procedure (`variation.overlap_factor`).
        scale: On which its interval is symmetric: `logit` of a chance, `log` of an error, `fisher`
            (Fisher's z) of a correlation; a figure that has no value there has a plain interval. A
            `share` has Wilson's interval, a `gain`, the difference of two shares, Tango's. That of
            `parts` is put together from what cases gain and what they lose.
        chance: (origin, unit) of a figure with a bound, which is origin + unit · a chance: where no
            case varies it, Wilson's interval of this chance is its own. Of a `logit` it is the
            figure itself, with both bounds; else the chance has the bound 0.
        most_cases: Most independent cases that a case of the rarest kind may stand for, by which
            it is told whether a variance is too small.
        method: Name of the way to its influences.
        pair: Both figures of a difference.
        reason: Why it is NaN, where more can be said than that the cases do not define it.
    """

    values: Floats
    influence: Floats
    patient: Whole
    kind: Whole | None = None
    by_kind: bool = False
    folds: int = 0
    scale: Scale = "plain"
    chance: tuple[float, float] | None = None
    most_cases: float = np.inf
    method: str = JACKKNIFE
    pair: "tuple[Linearised, Linearised] | None" = None
    reason: str = "it is not defined: too few events or patients, or all estimates are equal"

    @property
    def value(self) -> float:
        """Compute the mean over repeats."""
        return float(self.values.mean())

    @property
    def repeated(self) -> list[float]:
        """Compute the figure of each repeat; empty where it is not defined."""
        return [float(value) for value in self.values] if np.isfinite(self.value) else []

    @cached_property
    def kind_masks(self) -> tuple[Flags, ...]:
        """Find the cases of each kind, (n,) bool, the last kind first."""
        if self.kind is None:
            return (np.ones(len(self.patient), dtype=np.bool_),)
        kinds = np.unique(self.kind[self.kind >= 0])[::-1]
        return tuple(np.asarray(self.kind == number) for number in kinds)

    @property
    def fewest_patients(self) -> int:
        """Count the patients of the kind that has fewest."""
        return min((len(count_cases(self.patient[mask])) for mask in self.kind_masks), default=0)

    @property
    def degrees(self) -> float:
        """Compute the degrees of freedom of the variance: patients of the rarest kind, minus 1.

        Patients count as effective ones. With ten of a class a normal quantile makes intervals that
        hold 91 % (simulated).
        """
        # A share has one kind of cases, so all patients count.
        if self.scale in _SHARE_SCALES:
            return degrees_of_freedom(self.patient)
        is_defined = np.isfinite(self._averaged)
        return max(
            1.0,
            min(
                (effective_patients(self.patient[mask & is_defined]) for mask in self.kind_masks),
                default=0,
            )
            - 1,
        )

    @property
    def is_variance_too_small(self) -> bool:
        """Tell whether the variance is too small to be believed."""
        if self.chance is None:
            return False
        variance = self._own_variation.variance
        return self._is_at_bound or (
            self.scale == "logit"
            and is_below_binomial_variance(self._chance, variance, self.max_effective_cases)
        )

    @property
    def max_effective_cases(self) -> float:
        """Compute how many independent cases the variance may stand for at most."""
        cases = min(
            (independent_cases(self.patient[mask]) for mask in self.kind_masks), default=0.0
        )
        return self.most_cases * cases

    @cached_property
    def variation(self) -> Variation:
        """Estimate the variation over patients and over trainings.

        That of a difference is of the paired influences. Where the variance of one of its figures
        is too small to be believed, or this lies at its bound, the paired one is too small, too.
        Then each side is put together from the single intervals and the correlation that the paired
        variance shows (Zou & Donner 2008, *Statistics in Medicine* 27:1693).
        """
        variation = self._own_variation
        # Only a difference of figures with few cases may need a wider interval.
        if (
            self.pair is None
            or variation.variance == 0
            or not any(figure.is_variance_too_small for figure in self.pair)
        ):
            return variation
        first, second = self.pair
        # How much of both variances is shared, as a correlation.
        variances = [each._own_variation.variance for each in self.pair]
        correlation = 0.0
        if min(variances) > 0:
            shared = (sum(variances) - variation.variance) / 2
            correlation = float(np.clip(shared / np.sqrt(np.prod(variances)), -1, 1))
        # The interval of each figure alone, no shorter than its rarest cases allow.
        bounds = [
            each.bounds(
                each._own_variation.quantile,
                min(each.most_cases, _CASES_AT_BOUND) * each.fewest_patients
                if np.isfinite(each.most_cases)
                else None,
            )
            for each in self.pair
        ]
        # Both intervals are put together; the wider of it and of the plain one holds.
        arms = join_intervals(
            first.value, second.value, bounds[0], bounds[1], correlation, least=_NOTHING
        )
        below, above = (arm / variation.quantile for arm in arms)
        variance = max(variation.variance, below * above)
        return replace(variation, variance=variance, standard_errors=(below, above))

    def single(self) -> "list[Linearised]":
        """Take each repeat on its own."""
        return [
            replace(self, values=value[None], influence=influence[None])
            for value, influence in zip(self.values, self.influence, strict=True)
        ]

    def averaged(self) -> "Linearised":
        """Take the mean over repeats as a single one."""
        return replace(self, values=self.values.mean(keepdims=True), influence=self._averaged[None])

    def variance(self) -> float:
        """Estimate the variance over patients, these fits given (of an AUC: Obuchowski 1997).

        With one case per patient an AUC's is DeLong's. It is 0 where it cannot be told: a kind has
        a single patient, or all influences are equal.
        """
        return self._over_patients(self._averaged)

    def bounds(self, quantile: float, cases: float | None = None) -> tuple[float, float]:
        """Compute the bounds that lie so many standard errors away.

        Args:
            quantile: Standard errors to each side.
            cases: Independent cases that a figure without a variance stands for; None: the patients
                of the rarest kind.
        """
        value, variance = self.value, self._own_variation.variance
        # Shares have score intervals, which end at 0 and 1 by themselves.
        if self.scale == "share":
            return wilson_interval(value, self.effective_sample_size, quantile)
        if self.scale == "gain":
            gained, lost = (share * self.effective_sample_size for share in self._gained_and_lost)
            return tango_interval(gained, lost, self.effective_sample_size, quantile)
        if self.scale == "parts":
            return self._join_parts(quantile)
        # A figure whose cases show no spread has Wilson's interval of its patients.
        if self._is_at_bound:
            return self._wilson(quantile, self.fewest_patients if cases is None else cases)
        # Others are normal on a scale of their own, and are read back from it.
        half_width, scale = quantile * float(np.sqrt(variance)), TRANSFORMS.get(self.scale)
        if scale is not None and scale.has(value):
            middle, half_width = scale.there(value), half_width * scale.slope(value)
            interval = (
                float(scale.back(middle - half_width)),
                float(scale.back(middle + half_width)),
            )
        else:
            interval = value - half_width, value + half_width
        # An AUC is no surer than its patients could make a share.
        if self.chance is None or self.scale != "logit":
            return interval
        return join_with_wilson(interval, value, variance, self.max_effective_cases, quantile)

    def estimate(self) -> Estimate:
        """Estimate the figure with its 95 % interval.

        Where no variance can be seen, a figure with a bound has Wilson's interval as of a
        proportion among the patients of the rarest kind, and of a difference the two single
        intervals are joined by squaring and adding (Newcombe 1998, method 10), which is wider.
        """
        # What has no cases or no value has no interval.
        if len(self.patient) == 0:
            return Estimate(None, reason="no case to estimate it from")
        if not np.isfinite(self.value):
            return Estimate(None, reason=self.reason)
        # A difference needs the intervals of both of its figures.
        if self.pair is not None:
            return self._estimate_difference(*self.pair)
        variation = self.variation
        # Shares.
        if self.scale in _SHARE_SCALES:
            by_patient = ", by patient" if is_clustered(self.patient) else ""
            way = (
                f"Wilson{by_patient}"
                if self.scale == "share"
                else "paired score interval by patient"
            )
            bounds = self.bounds(variation.quantile)
            widened = self._words if variation.variance > 0 else ""
            return Estimate(self.value, *bounds, f"{way}{widened}")
        # Figures at their bound.
        if self._is_at_bound:
            return Estimate(self.value, *self.bounds(Z), f"Wilson on {self._of_patients}")
        if self.fewest_patients < 2:
            return Estimate(self.value, reason=f"fewer than two of {self._of_patients}")
        # All others, on the scale that suits them.
        scale = TRANSFORMS.get(self.scale)
        words = f"{scale.words} " if scale is not None and scale.has(self.value) else ""
        method = f"{words}{self.method}{self._words}"
        return Estimate(self.value, *self.bounds(variation.quantile), method)

    def p(self) -> float | None:
        """Compute the two-sided p value of 0; None where it cannot be told."""
        return self.variation.p(self.value) if np.isfinite(self.value) else None

    def correlation(self, other: "Linearised") -> float:
        """Estimate the correlation with a figure of other cases, which patients of both make.

        Args:
            other: Of cases that patients of this one may have, too.

        Returns:
            In [−1, 1]; 0 where either has no variance.
        """
        variance = self.variance() * other.variance()
        if variance == 0:
            return 0.0
        # Patients of both figures make them move together.
        samples, other_samples = (each._samples(each._averaged) for each in (self, other))
        covariance = sum(
            covariance_of_means(*sample, *other_sample)
            for sample in samples
            for other_sample in other_samples
        )
        return float(np.clip(covariance / np.sqrt(variance), -1.0, 1.0))

    def __sub__(self, other: "Linearised") -> "Linearised":
        """Compute the difference of two figures of the same cases.

        Of two shares it is a gain, with an interval of its own; else it remembers both figures,
        whose intervals it may need.
        """
        difference = combination([(1.0, self), (-1.0, other)])
        if self.scale == other.scale == "share":
            return replace(difference, scale="gain")
        undefined = next((each for each in (self, other) if not np.isfinite(each.value)), self)
        return replace(difference, pair=(self, other), reason=undefined.reason)

    @property
    def effective_sample_size(self) -> float:
        """Estimate how many independent cases hold the information of a share's clustered ones.

        The number of cases over the design effect: the variance over patients and trainings against
        that of as many independent cases (Rao & Scott 1992). It is never more than the number of
        cases; those of a patient are taken to be as alike as they may be
        (`ratio_of_design_effects`). Where all cases agree, or no case is decided differently, no
        variance can be seen and it is the effective number of patients.
        """
        # A share's own variance beside that of independent cases says how many these are.
        n, value, variance = len(self.patient), self.value, self._own_variation.variance
        if self.scale == "share":
            variance *= ratio_of_design_effects(self._averaged, self.patient)
        moved = value if self.scale == "share" else sum(self._gained_and_lost)
        independent = (moved - value**2) / max(n - 1, 1)
        unseen = independent <= 0 or (self.scale == "gain" and variance == 0)
        if unseen or len(count_cases(self.patient)) < 2:
            return effective_patients(self.patient)
        return n / max(variance / independent, 1.0)

    @property
    def _gained_and_lost(self) -> tuple[float, float]:
        """Compute the share of cases that a gain is of, and of those that it lost."""
        gained, lost = (float(np.maximum(sign * self.influence, 0).mean()) for sign in (1, -1))
        return gained, lost

    def _join_parts(self, quantile: float) -> tuple[float, float]:
        """Join the intervals, on the logarithm, of what cases gain and of what they lose.

        Few cases make most of either, so that a gain is as lopsided as an error is.
        """
        # Trainings and folds widen either part as they widen the whole.
        alone, variance = self.variance(), self._own_variation.variance
        widened = quantile * float(np.sqrt(variance / alone)) if alone > 0 else 0.0
        gained, lost = (
            mean_of_cases(np.maximum(sign * self._averaged, 0), self.patient, "log")
            for sign in (1, -1)
        )
        # Patients who gain do not lose, which the correlation says.
        below, above = join_intervals(
            gained.value,
            lost.value,
            gained.bounds(widened),
            lost.bounds(widened),
            gained.correlation(lost),
        )
        low, high = np.clip((self.value - below, self.value + above), *LIMITS[self.scale])
        return float(low), float(high)

    @cached_property
    def _averaged(self) -> Floats:
        """Average (n,) influences over repeats."""
        averaged: Floats = self.influence.mean(axis=0)
        return averaged

    @property
    def _chance(self) -> float:
        """Read the chance that a figure with a bound is made of; ½ of a figure without."""
        if self.chance is None:
            return 0.5
        chance = (self.value - self.chance[0]) / self.chance[1]
        end = float(chance > 0.5)
        return end if abs(chance - end) < _ROUNDING else chance

    @property
    def _is_at_bound(self) -> bool:
        """Tell whether a figure with a bound lies there, so that no case varies it."""
        if self.chance is None or self.scale != "logit":
            return self.chance is not None and self._chance == 0
        return self._own_variation.variance == 0 or not 0 < self._chance < 1

    def _wilson(self, quantile: float, cases: float) -> tuple[float, float]:
        """Compute the interval that Wilson's of the chance makes, by so many independent cases."""
        origin, unit = self.chance or (0.0, 1.0)
        ends = sorted(origin + unit * end for end in wilson_interval(self._chance, cases, quantile))
        low, high = np.clip(ends, *LIMITS[self.scale])
        return float(low), float(high)

    @cached_property
    def _own_variation(self) -> Variation:
        """Estimate the variation by the influences alone; none of a figure that is not defined."""
        if not np.isfinite(self.value):
            return Variation(0.0)
        # All cases are right or all are wrong: the interval does not rest on a variance.
        if self.scale == "share" and self.value in (0.0, 1.0):
            return Variation(0.0, self.degrees)
        # Cross-validation, whose repeats share cases, or trainings on the same split.
        if self.folds:
            repeat_variance = float(
                np.mean([self._over_patients(repeat) for repeat in self.influence])
            )
            return over_folds(repeat_variance, self.degrees, self.folds, len(self.values))
        return over_trainings(self.variance(), self.degrees, self.values)

    def _samples(self, influence: Floats) -> tuple[Sample, ...]:
        """Split influences and patients into samples: kinds, or all that is defined."""
        if self.by_kind:
            return tuple((influence[mask], self.patient[mask]) for mask in self.kind_masks)
        is_defined = np.isfinite(influence)
        return ((influence[is_defined], self.patient[is_defined]),)

    def _over_patients(self, influence: Floats) -> float:
        """Estimate the variance over patients of (n,) influences; 0 where it cannot be told."""
        # Two patients of each kind are the least that show a spread.
        samples = self._samples(influence)
        if min(self.fewest_patients, *(len(count_cases(patient)) for _, patient in samples)) < 2:
            return 0.0
        variance = variance_of_means(samples)
        nothing = _NOTHING if np.isfinite(LIMITS[self.scale]).all() or self.by_kind else 0.0
        return variance if variance > nothing else 0.0

    def _estimate_difference(self, first: "Linearised", second: "Linearised") -> Estimate:
        """Estimate the difference of both figures with its interval.

        Args:
            first: The figure from which is subtracted.
            second: What is subtracted.
        """
        value, variation = self.value, self.variation
        # Where the figures do not vary since they lie at their bounds, nor does the difference.
        at_bounds = self.by_kind or (first._is_at_bound and second._is_at_bound)
        # The plain case: both sides by the standard errors.
        if variation.variance > 0:
            below, above = (
                variation.quantile * variation.standard_error(upwards=up) for up in (False, True)
            )
            method = "from both intervals" if variation.standard_errors else f"paired {self.method}"
            method += self._words
        elif at_bounds:
            both = (
                first._wilson(Z, first.fewest_patients),
                second._wilson(Z, second.fewest_patients),
            )
            below, above = join_intervals(first.value, second.value, *both, least=_NOTHING)
            method = f"Newcombe on {self._of_patients}"
        elif len(count_cases(self.patient)) < 2:
            return Estimate(value, reason="fewer than two patients")
        else:
            below, above, method = 0.0, 0.0, f"paired {self.method}"
        # No difference lies beyond the widest that the scale allows.
        low, high = LIMITS[first.scale]
        return Estimate(
            value, max(low - high, value - below), min(high - low, value + above), method
        )

    @property
    def _words(self) -> str:
        """Say what the interval holds besides single patients, for the name of a method."""
        overlapping = ", widened for overlapping training sets" if self.folds else ""
        if not self.by_kind:
            return overlapping or self._own_variation.words
        over_classes = ", mean over classes" if len(self.kind_masks) > 2 else ""
        by_patient = ", clustered by patient" if is_clustered(self.patient) else ""
        return f"{over_classes}{by_patient}{overlapping}{self._own_variation.words}"

    @property
    def _of_patients(self) -> str:
        if self.by_kind:
            return "the patients of the smaller class"
        return "the patients" if self.kind is None else "the patients of the rarest kind"


def combination(terms: Sequence[tuple[float, Linearised]]) -> Linearised:
    """Compute the linear combination of figures of the same cases, repeat by repeat.

    What was scored once (a reader, the ideal observer) stands beside each repeat of the others.
    Where repeats are otherwise unequal in number their means are combined.

    Args:
        terms: Factor and figure of each.
    """
    # Figures of unequal numbers of repeats are combined as means.
    first = terms[0][1]
    unequal = len({len(figure.values) for _, figure in terms} - {1}) > 1
    values: Floats = np.zeros(1)
    influence: Floats = np.zeros((1, len(first.patient)))
    for factor, figure in terms:
        term = figure.averaged() if unequal else figure
        values = values + factor * term.values
        influence = influence + factor * term.influence
    # What the figures have in common is taken from the first one.
    return Linearised(
        values,
        influence,
        first.patient,
        first.kind,
        first.by_kind,
        max(figure.folds for _, figure in terms),
        method=first.method,
    )


def difference_of_groups(figure: Linearised, other: Linearised) -> tuple[Estimate, float | None]:
    """Estimate one figure minus that of other cases with its interval, and the p value of none.

    Each interval is lopsided and keeps its coverage in small groups, so that of the difference is
    put together from the two (Zou & Donner 2008, *Statistics in Medicine* 27:1693). A patient with
    cases on both sides makes the figures go together. The two-sided p value is the level at which
    the interval just reaches 0, so the two never disagree.

    Args:
        figure: Of one group, between 0 and 1.
        other: Of the other group.
    """
    value = figure.value - other.value
    both = figure.variation, other.variation
    degrees = join_degrees([(each.variance, each.degrees) for each in both])
    correlation = figure.correlation(other)

    # Both intervals are put together at any quantile.
    def bounds(quantile: float) -> tuple[float, float]:
        intervals = figure.bounds(quantile), other.bounds(quantile)
        below, above = join_intervals(figure.value, other.value, *intervals, correlation)
        return value - below, value + above

    low, high = bounds(float(t_quantile(UPPER, degrees)))
    estimate = Estimate(value, max(-1.0, low), min(1.0, high), OF_GROUPS)

    # The p value is the quantile at which the interval just touches 0.
    def nearest(quantile: float) -> float:
        interval = bounds(quantile)
        return interval[0] if value > 0 else -interval[1]

    if nearest(_MIN_QUANTILE) <= 0:  # no difference but that of rounding
        return estimate, 1.0
    if nearest(_MAX_QUANTILE) > 0:
        return estimate, 0.0
    reached = scipy.optimize.brentq(nearest, _MIN_QUANTILE, _MAX_QUANTILE)
    return estimate, t_p_value(reached, degrees)


def weighed_difference(
    figure: Linearised, other: Linearised, weights: tuple[float, float]
) -> Estimate:
    """Estimate a figure less another, each times its weight, by the intervals of both.

    Either keeps its coverage in small samples, so the two are joined, with the correlation that
    patients of both make (Zou & Donner 2008, *Statistics in Medicine* 27:1693).

    Args:
        figure: From which is subtracted.
        other: What is subtracted.
        weights: > 0, of both.
    """
    parts = [each.estimate() for each in (figure, other)]
    if None in (part.value for part in parts):
        return parts[0]
    (value, low, high), (less, least, most) = (
        weight * np.array([part.value, part.low, part.high])
        for part, weight in zip(parts, weights, strict=True)
    )
    correlation = figure.correlation(other)
    below, above = join_intervals(value, less, (low, high), (least, most), correlation)
    gap = float(value - less)
    return Estimate(gap, gap - below, gap + above, parts[0].method)


def join_intervals(
    value: float,
    other: float,
    interval: tuple[float, float],
    other_interval: tuple[float, float],
    correlation: float = 0.0,
    least: float = 0.0,
) -> tuple[float, float]:
    """Compute how far a difference reaches down and up, by the intervals of its two figures.

    The method of variance estimates recovery (Zou & Donner 2008, *Statistics in Medicine* 27:1693;
    without correlation Newcombe 1998, *ibid.* 17:873, method 10).

    Args:
        value: The figure from which is subtracted.
        other: What is subtracted.
        interval: Of the first.
        other_interval: Of the second.
        correlation: Of both.
        least: Square that either reach has at least.
    """
    (low, high), (other_low, other_high) = interval, other_interval
    arms = ((value - low, other_high - other), (high - value, other - other_low))
    squares = (first**2 + second**2 - 2 * correlation * first * second for first, second in arms)
    below, above = (float(np.sqrt(max(least, square))) for square in squares)
    return below, above


def leave_one_out(
    value: float,
    without: Floats,
    patient: Whole,
    scale: Scale = "plain",
    kind: Whole | None = None,
) -> Linearised:
    """Estimate a figure by the values that it has without each case.

    Args:
        value: Of all cases.
        without: (n,); NaN where the other cases do not define it.
        patient: (n,) from 0.
        scale: On which the interval is symmetric.
        kind: (n,) as of `Linearised`.
    """
    is_defined = np.isfinite(without)
    mean = without[is_defined].mean() if is_defined.any() else np.nan
    influence = (is_defined.sum() - 1) * (mean - without)
    return Linearised(np.array([value]), influence[None], patient, kind, scale=scale)


def ratio_of_sums(
    numerator: Floats,
    denominator: Floats,
    whole: tuple[float, float],
    patient: Whole,
    scale: Scale,
    kind: Whole,
) -> Linearised:
    """Estimate a ratio of sums.

    Args:
        numerator: (n,) what each case adds to the upper sum.
        denominator: (n,) the same of the lower sum.
        whole: Both sums; terms that two cases share are in the parts of both.
        patient: (n,) from 0.
        scale: On which the interval is symmetric.
        kind: (n,) as of `Linearised`.
    """
    # The ratio without each case; none where little is left below.
    above, below = whole
    remainder = below - denominator
    without = np.divide(
        above - numerator,
        remainder,
        out=np.full(len(remainder), np.nan),
        where=remainder > 1e-12 * abs(below),
    )
    # The influences follow from the ratios without each case.
    value = above / below if below > 0 else float("nan")
    return leave_one_out(value, without, patient, scale, kind)


def mean_of_cases(value: Floats, patient: Whole, scale: Scale = "plain") -> Linearised:
    """Estimate the mean of values, one a case.

    Args:
        value: (n,) finite.
        patient: (n,) from 0.
        scale: On which the interval is symmetric.
    """
    mean = value.mean(keepdims=True)
    return Linearised(mean, (value - mean)[None], patient, scale=scale)


def share(success: Floats, patient: Whole, folds: int = 0) -> Linearised:
    """Estimate a share of cases; NaN without a case.

    Args:
        success: (repeats, n) 1 or 0 a case and training, or a mean of these.
        patient: (n,) from 0.
        folds: Fits of a repeat that share training cases; 0 for none.
    """
    cases = success.shape[1]
    values = success.mean(axis=1) if cases else np.full(len(success), np.nan)
    return Linearised(values, success, patient, folds=folds, scale="share")


def gained_share(difference: Floats, patient: Whole, folds: int = 0) -> Linearised:
    """Estimate by how much a share of cases differs between two models.

    Args:
        difference: (repeats, n) 1, 0 or −1, or means of these. The variation alone is that of the
            mean of any values.
    """
    return replace(share(difference, patient, folds), scale="gain")


def mean_gain(gain: Floats, patient: Whole, kind: Whole, folds: int = 0) -> Linearised:
    """Estimate the mean of what cases gain or lose.

    Args:
        gain: (repeats, n) of any size and sign.
        patient: (n,) from 0.
        kind: (n,) as of `Linearised`.
        folds: Fits of a repeat that share training cases; 0 for none.
    """
    figure = share(gain, patient, folds)
    return replace(figure, kind=kind, scale="parts", method="gains and losses by patient")


def mean_over_repeats(figures: Sequence[Linearised], folds: int = 0) -> Linearised:
    """Average a figure over repeats, all of the same cases.

    Args:
        figures: Of each repeat.
        folds: Fits of a repeat that share training cases; 0 for none.
    """
    chances = [figure.chance for figure in figures if figure.chance is not None]
    return replace(
        figures[0],
        values=np.concatenate([figure.values for figure in figures]),
        influence=np.concatenate([figure.influence for figure in figures]),
        folds=folds,
        chance=(chances[0][0], float(np.mean([unit for _, unit in chances]))) if chances else None,
    )
