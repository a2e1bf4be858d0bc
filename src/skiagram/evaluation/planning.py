"""How many patients a study takes, before it is made: for a width, and for a difference.

A patient is taken to have one image: several images of a patient count less than as many patients.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit, logit, ndtri

from skiagram.errors import refusal
from skiagram.statistics.distributions import t_cdf
from skiagram.statistics.significance import MAX_PATIENTS, POWER, find_fewest
from skiagram.statistics.variation import Variation

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
VariationBySize = Callable[[int], Variation]  # patients of a study → how a figure then varies


@dataclass(frozen=True)
class Components:
    """Covariances of pairs of cases that share a case; they make up the variance of an AUC."""

    positive: float
    negative: float
    both: float

    def variance(self, positives: float, negatives: float) -> float:
        """Compute the variance of an AUC, or of a difference, from so many cases of each class.

        Hanley & McNeil 1982, eq. 3: (A(1 − A) + (m − 1)(Q₁ − A²) + (n − 1)(Q₂ − A²)) / mn.

        Args:
            positives: > 0, need not be whole.
            negatives: > 0, need not be whole.
        """
        sums = self.both + (negatives - 1) * self.positive + (positives - 1) * self.negative
        return sums / (positives * negatives)


def exponential_components(auc: float) -> Components:
    """Return the components of an AUC where scores are exponential.

    Hanley & McNeil 1982, *Radiology* 143:29, eqs. 1 and 2.
    """
    square = auc**2
    same_negative, same_positive = auc / (2 - auc), 2 * square / (1 + auc)
    return Components(same_positive - square, same_negative - square, auc * (1 - auc))


def binormal_components(auc: float, other: float, correlation: float) -> Components:
    """Return the components of the covariance of two AUCs where scores are normal, spread alike.

    DeLong's covariance in expectation. Two pairs that share a case have differences of scores that
    correlate by half as much as the two models' scores.

    Args:
        auc: Of the one model, in (0, 1).
        correlation: Of the two models' scores within a class, in [-1, 1]; 1 with itself.
    """
    first, second = float(ndtri(auc)), float(ndtri(other))
    shared = _orthant_covariance(first, second, correlation / 2)
    return Components(shared, shared, _orthant_covariance(first, second, correlation))


def _orthant_covariance(first: float, second: float, correlation: float) -> float:
    """Compute Φ₂(a, b; ρ) − Φ(a) Φ(b), the integral of the bivariate density over ρ.

    Plackett 1954, *Biometrika* 41:351, by Gauss and Legendre over the angle, on which the integrand
    is smooth up to ρ = ± 1.

    Args:
        first: a.
        second: b.
        correlation: ρ, −1 to 1.
    """
    end = math.asin(correlation)
    angle = end * (_NODES + 1) / 2
    sine = np.sin(angle)
    exponent = -(first**2 + second**2 - 2 * first * second * sine) / (2 * np.cos(angle) ** 2)
    return float(_WEIGHTS @ np.exp(exponent)) * end / 2 / (2 * math.pi)


def variation_of_auc(auc: float, prevalence: float) -> VariationBySize:
    """Say how an AUC varies where scores are normal or exponential, whichever varies more.

    Nobody knows the scores before the study: a plan by the wider of both is not too short.

    Args:
        auc: Expected, in (0, 1).
        prevalence: Share of positive patients, in (0, 1).

    Returns:
        Number of patients → variance and degrees of freedom.
    """
    kinds = binormal_components(auc, auc, 1.0), exponential_components(auc)
    return lambda patients: max(
        (_variation(kind, patients, prevalence) for kind in kinds),
        key=lambda variation: variation.variance,
    )


def variation_of_difference(
    auc: float, other: float, correlation: float, prevalence: float
) -> VariationBySize:
    """Say how the difference of two AUCs on the same cases varies where scores are normal.

    Args:
        auc: Of the one, in (0, 1).
        other: Of the other.
        correlation: Of both scores within a class, −1 to 1: the higher, the more cancels out.
        prevalence: Share of positive patients, in (0, 1).

    Returns:
        Number of patients → variance and degrees of freedom.
    """
    first, second = binormal_components(auc, auc, 1.0), binormal_components(other, other, 1.0)
    both = binormal_components(auc, other, correlation)
    components = Components(
        first.positive + second.positive - 2 * both.positive,
        first.negative + second.negative - 2 * both.negative,
        first.both + second.both - 2 * both.both,
    )
    return lambda patients: _variation(components, patients, prevalence)


def _variation(components: Components, patients: int, prevalence: float) -> Variation:
    """Say how a figure varies over so many patients; the rarer class bounds what is known of it."""
    positives, negatives = patients * prevalence, patients * (1 - prevalence)
    degrees = max(1.0, min(positives, negatives) - 1)
    return Variation(components.variance(positives, negatives), degrees)


Aim = Literal["above", "within", "below"]


@dataclass(frozen=True)
class WidthPlan:
    """Patients for the precision of a figure, and the interval that is then expected."""

    half_width: float
    patients: int
    low: float
    high: float


@dataclass(frozen=True)
class DifferencePlan:
    """Patients for settling the difference of two models against a margin.

    Attributes:
        detect: Patients that tell a true difference of the margin from 0.
        ratio: `patients` over `detect`.
    """

    margin: float
    true_difference: float
    aim: Aim
    power: float
    patients: int
    detect: int
    ratio: float


def plan_width(
    half_width: float, value: float, variation_by_size: VariationBySize, prevalence: float
) -> WidthPlan:
    """Find the patients with which the interval of a figure is expected to be short enough.

    The interval is made on the logit, as those of the report are.

    Args:
        half_width: In (0, 0.5).
        value: The figure that is expected, in (0, 1).
    """

    def is_enough(patients: int) -> bool:
        low, high = _interval(value, variation_by_size(patients))
        return (high - low) / 2 <= half_width

    patients = _fewest(is_enough, prevalence, "half-width")
    return WidthPlan(half_width, patients, *_interval(value, variation_by_size(patients)))


def _interval(value: float, variation: Variation) -> tuple[float, float]:
    """Compute the 95 % interval on the logit, where it stays within 0 and 1 (delta method)."""
    half_width = variation.half_width / (value * (1 - value))
    return float(expit(logit(value) - half_width)), float(expit(logit(value) + half_width))


def plan_difference(
    margin: float, true_difference: float, variation_by_size: VariationBySize, prevalence: float
) -> DifferencePlan:
    """Find the patients with which the difference is settled with a chance of 80 %.

    Settled: the whole 95 % interval lies above the margin, within ± margin, or below − margin,
    wherever the true difference does. For `within` both sides must hold at once (Julious 2004,
    *Statistics in Medicine* 23:1921, §5).
    """
    if math.isclose(abs(true_difference), margin, rel_tol=1e-9):
        raise refusal("evaluation.beside_the_margin", difference=true_difference)
    # What is to be settled: no relevant difference, or which of the two is better.
    aim: Aim = "within"
    if abs(true_difference) > margin:
        aim = "above" if true_difference > 0 else "below"
    # The fewest patients that settle it, and those that show a difference beyond the margin.
    settled = _fewest(
        lambda n: chance_of_settling(variation_by_size(n), true_difference, margin) >= POWER,
        prevalence,
        "margin",
    )
    detected = _fewest(
        lambda n: _chance_above(variation_by_size(n), margin) >= POWER, prevalence, "margin"
    )
    ratio = settled / detected
    return DifferencePlan(margin, true_difference, aim, POWER, settled, detected, ratio)


def chance_of_settling(variation: Variation, true_difference: float, margin: float) -> float:
    """Compute the chance that the 95 % interval lies where the true difference does.

    A difference beyond the margin is settled if one end is beyond it, one within if both ends are
    within; the two ends never miss at once, so that their chances of it add up.

    Args:
        variation: Of the difference.
        true_difference: Expected.
        margin: > 0.
    """
    size = abs(true_difference)
    if size > margin:
        return _chance_above(variation, size - margin)
    sides = (_chance_above(variation, room) for room in (margin - size, margin + size))
    return max(0.0, sum(sides) - 1)


def _chance_above(variation: Variation, room: float) -> float:
    """Return the chance that a bound of the interval stays within `room` of the true value."""
    reach = room / math.sqrt(variation.variance) - variation.quantile
    return t_cdf(reach, variation.degrees)


def _fewest(enough: Callable[[int], bool], prevalence: float, where: str) -> int:
    """Find the smallest number of patients that is enough, two or more of each class.

    Raises:
        OptionError: Even `MAX_PATIENTS` are too few.
    """
    found = find_fewest(enough, math.ceil(2 / min(prevalence, 1 - prevalence)))
    if found is None:
        raise refusal("evaluation.not_enough", where, most=MAX_PATIENTS)
    return found
