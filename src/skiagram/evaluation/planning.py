"""How many patients a study takes, before it is made.

Three questions: how sure an AUC shall be, how many parameters a model may have, and whether the
difference of two models can be settled against a margin. Patients are counted; several images of a
patient count less than as many patients.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from scipy.special import expit, log_expit, logit, ndtri, xlogy

from skiagram.errors import OptionError
from skiagram.statistics.distributions import t_cdf
from skiagram.statistics.significance import POWER
from skiagram.statistics.variation import Variation

MAX_PATIENTS = 10**7
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_NORMAL_NODES, _NORMAL_WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
_Z = 1.959963984540054
SHRINKAGE = 0.9
OPTIMISM = 0.05
RISK_ERROR = 0.05


@dataclass(frozen=True)
class Images:
    """Images of a patient, all of one class.

    Attributes:
        mean: Mean number per patient, ≥ 1.
        effective_share: Effective patients over patients, (Σm)² / (I Σm²): 1 where every patient
            has equally many images, less where a few have most (Kish 1965, §11.7).
        correlation: Of what two images of a patient contribute to a figure, in [0, 1]; never above
            that of their scores.
    """

    mean: float = 1.0
    effective_share: float = 1.0
    correlation: float = 0.0

    @classmethod
    def like(cls, counts: Sequence[int], correlation: float) -> "Images":
        """Return what follows from the numbers of images of some typical patients, each ≥ 1."""
        sizes = np.asarray(counts, dtype=np.float64)
        share = sizes.sum() ** 2 / (len(sizes) * (sizes**2).sum())
        return cls(float(sizes.mean()), float(share), correlation)

    @property
    def design_effect(self) -> float:
        """Return the variance over that of as many independent images: 1 + (Σm²/Σm − 1) ρ.

        Eldridge, Ashby & Kerry 2006, *International Journal of Epidemiology* 35:1292, eq. 5.
        """
        return 1 + (self.mean / self.effective_share - 1) * self.correlation

    def degrees(self, patients: float) -> float:
        """Return the degrees of freedom of a variance over so many patients of a class."""
        return max(1.0, patients * self.effective_share - 1)


@dataclass(frozen=True)
class Components:
    """Covariances of pairs of cases that share a case; they make up the variance of an AUC."""

    positive: float
    negative: float
    both: float

    def variance(self, positives: float, negatives: float) -> float:
        """Return the variance of an AUC, or of a difference, from so many cases of each class."""
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


def difference_components(auc: float, other: float, correlation: float) -> Components:
    """Return the components of the difference of two AUCs on the same cases; scores as above."""
    of_first, of_second = binormal_components(auc, auc, 1.0), binormal_components(other, other, 1.0)
    both = binormal_components(auc, other, correlation)
    return Components(
        of_first.positive + of_second.positive - 2 * both.positive,
        of_first.negative + of_second.negative - 2 * both.negative,
        of_first.both + of_second.both - 2 * both.both,
    )


def _orthant_covariance(first: float, second: float, correlation: float) -> float:
    """Return Φ₂(a, b; ρ) − Φ(a) Φ(b), the integral of the bivariate density over ρ (Plackett)."""
    end = math.asin(correlation)
    angle = end * (_NODES + 1) / 2
    sine = np.sin(angle)
    exponent = -(first**2 + second**2 - 2 * first * second * sine) / (2 * np.cos(angle) ** 2)
    return float(_WEIGHTS @ np.exp(exponent)) * end / 2 / (2 * math.pi)


class Spread(Protocol):
    """How much a figure varies in a study of a given size."""

    def at(self, patients: int) -> Variation:
        """Return the variation with so many patients."""


@dataclass(frozen=True)
class Trainings:
    """How other trainings would move a figure, which no number of patients lessens."""

    sd: float = 0.0
    repeats: int = 1

    def add_to(self, of_mean: float, degrees: float) -> Variation:
        """Return the variation over patients and trainings, as `variation.over_trainings` does."""
        if self.repeats < 2 or self.sd == 0:
            return Variation(of_mean, degrees, repeats=self.repeats)
        seed = self.sd**2 / self.repeats
        joined = of_mean**2 / degrees + seed**2 / (self.repeats - 1)
        degrees = (of_mean + seed) ** 2 / joined
        return Variation(of_mean + seed, degrees, seed, "procedure", self.repeats)


@dataclass(frozen=True)
class AssumedSpread:
    """A figure's variation from assumptions."""

    components: Components
    prevalence: float
    images: Images = field(default_factory=Images)
    trainings: Trainings = field(default_factory=Trainings)

    def at(self, patients: int) -> Variation:
        """Return the variation with so many patients."""
        positives, negatives = patients * self.prevalence, patients * (1 - self.prevalence)
        mean = self.images.mean
        independent = self.components.variance(positives * mean, negatives * mean)
        degrees = self.images.degrees(min(positives, negatives))
        return self.trainings.add_to(independent * self.images.design_effect, degrees)


Aim = Literal["above", "within", "below"]
Criterion = Literal["shrinkage", "optimism", "overall risk"]


@dataclass(frozen=True)
class PrecisionPlan:
    """Patients for the precision of an AUC.

    Attributes:
        by_spread: Which spread of the scores was taken → patients; the largest counts.
    """

    half_width: float
    patients: int
    auc: float
    low: float
    high: float
    by_spread: dict[str, int]


@dataclass(frozen=True)
class ModelPlan:
    """Patients for developing a model.

    Attributes:
        by_criterion: Criterion → patients; the largest counts.
    """

    parameters: int
    r_squared: float
    nagelkerke: float
    shrinkage: float
    patients: int
    by_criterion: dict[Criterion, int]
    events_per_parameter: float


@dataclass(frozen=True)
class DifferencePlan:
    """Patients for settling the difference of two models against a margin.

    Attributes:
        detect: Patients that tell a true difference of the margin from 0; None where trainings
            spread too wide for any number.
        ratio: `patients` over `detect`.
    """

    margin: float
    true_difference: float
    aim: Aim
    power: float
    patients: int
    detect: int | None
    ratio: float | None
    standard_error: float


def plan_precision(
    half_width: float, spreads: Mapping[str, tuple[float, Spread]], prevalence: float
) -> PrecisionPlan:
    """Return the patients with which the interval of an AUC is expected to be short enough.

    The interval is made on the logit, as those of the report are.

    Args:
        half_width: In (0, 0.5).
        spreads: Name → AUC in (0, 1) and its spread; the one that takes most patients counts.
    """
    patients = {
        name: _fewest(
            lambda n, auc=auc, spread=spread: _half(auc, spread.at(n)) <= half_width,  # type: ignore[misc]
            prevalence,
            "half-width",
        )
        for name, (auc, spread) in spreads.items()
    }
    decisive = max(patients, key=lambda name: patients[name])
    auc, spread = spreads[decisive]
    low, high = _interval(auc, spread.at(patients[decisive]))
    return PrecisionPlan(half_width, patients[decisive], auc, low, high, patients)


def _interval(auc: float, variation: Variation) -> tuple[float, float]:
    half = variation.half / (auc * (1 - auc))
    return float(expit(logit(auc) - half)), float(expit(logit(auc) + half))


def _half(auc: float, variation: Variation) -> float:
    low, high = _interval(auc, variation)
    return (high - low) / 2


def plan_difference(
    margin: float, true_difference: float, spread: Spread, prevalence: float
) -> DifferencePlan:
    """Return the patients with which the difference is settled with a chance of 80 %.

    Settled: the whole 95 % interval lies above the margin, within ± margin, or below − margin,
    wherever the true difference does. For `within` both sides must hold at once (Julious 2004,
    *Statistics in Medicine* 23:1921, §5).
    """
    if math.isclose(abs(true_difference), margin, rel_tol=1e-9):
        raise OptionError(
            f"{true_difference:g} is the margin itself, which no number of patients can settle",
            where="true difference",
            allowed="a value below or above the margin",
        )
    aim: Aim = "within"
    if abs(true_difference) > margin:
        aim = "above" if true_difference > 0 else "below"
    settled = _fewest(
        lambda n: chance_of_settling(spread.at(n), true_difference, margin) >= POWER,
        prevalence,
        "margin",
    )
    error = math.sqrt(spread.at(settled).variance)
    detected = ratio = None
    if _chance_above(spread.at(MAX_PATIENTS), margin) >= POWER:
        detected = _fewest(
            lambda n: _chance_above(spread.at(n), margin) >= POWER, prevalence, "margin"
        )
        ratio = settled / detected
    return DifferencePlan(margin, true_difference, aim, POWER, settled, detected, ratio, error)


def chance_of_settling(variation: Variation, true_difference: float, margin: float) -> float:
    """Return the chance that the 95 % interval lies where the true difference does."""
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
    """Return the smallest number of patients that is enough, by bisection."""
    low = math.ceil(2 / min(prevalence, 1 - prevalence)) - 1  # two patients of a class are needed
    high = low + 1
    while not enough(high):
        if high >= MAX_PATIENTS:
            raise OptionError(
                f"not even {MAX_PATIENTS:,} patients are enough",
                where=where,
                remedy="ask for less, or, where trainings spread, train more often (repeats)",
            )
        low, high = high, min(2 * high, MAX_PATIENTS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def largest_r_squared(prevalence: float) -> float:
    """Return the largest possible Cox–Snell R² (Riley et al. 2019, eq. 23)."""
    return 1 - math.exp(2 * _null_likelihood(prevalence))


def r_squared_from_auc(auc: float, prevalence: float) -> float:
    """Return the Cox–Snell R² of a calibrated model with an AUC.

    The linear predictor is normal in each class with one variance; what Riley, Van Calster &
    Collins (2021, *Statistics in Medicine* 40:859) simulate is integrated here.
    """
    shift, odds = math.sqrt(2) * float(ndtri(auc)), float(logit(prevalence))
    weights = _NORMAL_WEIGHTS / _NORMAL_WEIGHTS.sum()
    positive = odds + shift * _NORMAL_NODES + shift**2 / 2
    negative = odds + shift * _NORMAL_NODES - shift**2 / 2
    likelihood = prevalence * float(weights @ log_expit(positive))
    likelihood += (1 - prevalence) * float(weights @ log_expit(-negative))
    return 1 - math.exp(2 * (_null_likelihood(prevalence) - likelihood))


def _null_likelihood(prevalence: float) -> float:
    return float(xlogy(prevalence, prevalence) + xlogy(1 - prevalence, 1 - prevalence))


def plan_model(
    parameters: int, prevalence: float, r_squared: float, shrinkage: float = SHRINKAGE
) -> ModelPlan:
    """Return the patients for developing a regression model for two classes.

    Three criteria, the largest counts: effects shrink by no more than asked for; apparent and
    adjusted Nagelkerke R² differ by at most .05; the overall risk is known to ± .05 (Riley et al.
    2019, *Statistics in Medicine* 38:1276; 2020, *BMJ* 368:m441; R package `pmsampsize`).

    Args:
        parameters: Candidate parameters, before any selection, ≥ 1.
        shrinkage: In (0, 1).
    """
    largest = largest_r_squared(prevalence)
    if not 0 < r_squared < min(largest, shrinkage):
        raise OptionError(
            f"{r_squared:.4g} was given, or follows from the AUC",
            where="Cox–Snell R²",
            allowed=f"above 0 and below {min(largest, shrinkage):.4g} at this prevalence and "
            "shrinkage",
        )
    by_criterion: dict[Criterion, int] = {
        "shrinkage": _for_shrinkage(parameters, r_squared, shrinkage),
        "optimism": _for_shrinkage(
            parameters, r_squared, r_squared / (r_squared + OPTIMISM * largest)
        ),
        "overall risk": math.ceil((_Z / RISK_ERROR) ** 2 * prevalence * (1 - prevalence)),
    }
    patients = max(by_criterion.values())
    events = patients * min(prevalence, 1 - prevalence) / parameters
    return ModelPlan(
        parameters, r_squared, r_squared / largest, shrinkage, patients, by_criterion, events
    )


def _for_shrinkage(parameters: int, r_squared: float, shrinkage: float) -> int:
    return math.ceil(parameters / ((shrinkage - 1) * math.log1p(-r_squared / shrinkage)))
