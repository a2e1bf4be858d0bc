"""How much C indices vary in a study of a given size, from assumptions, and how many events it has.

Two scores are normal and alike in spread, the log hazard is their weighted sum, times are
exponential and follow-up ends at random. Harrell's C depends on who is followed for how long, so
the weights are those that give both their C under this follow-up. The variance of a C, or of the
difference of two, is that of the influences of many such patients.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, root
from scipy.special import expit, ndtri

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.evaluation.planning import Spread
from skiagram.seeding import stream
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.survival import harrell_concordance
from skiagram.statistics.variation import Variation

_EVENTS = (
    1500  # of the patients whose influences are taken; the variance is then known to about 5 %
)
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(40)  # of a normal variable
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_POSITIVE, _DENSITIES = np.polynomial.legendre.leggauss(40)  # of its absolute value
_POSITIVE = 4 * (_POSITIVE + 1)
_DENSITIES = _DENSITIES * np.exp(-(_POSITIVE**2) / 2)
_DENSITIES = _DENSITIES / _DENSITIES.sum()
# How near the solved C indices must come to those that were asked for.
_CLOSE = 1e-6
_STEEPEST = 20.0  # log hazard ratio of a standard deviation; none is met in medicine


@dataclass(frozen=True)
class TimeStudy:
    """A study of two models of a time, as it is assumed to be.

    Attributes:
        weights: Of the two standard scores in the log hazard.
        correlation: Of both scores over all patients.
        rate: At which follow-up ends; that of an event is 1 where both scores are 0.
    """

    weights: tuple[float, float]
    correlation: float
    rate: float

    def concordances(self, chances: Floats) -> tuple[Linearised, Linearised]:
        """Return Harrell's C of both models on patients.

        Args:
            chances: (n, 4) uniform on (0, 1), of both scores, the event and the end of follow-up.
        """
        first_chance, second_chance, event_chance, end_chance = np.clip(
            chances, _CLOSE**2, 1 - _CLOSE**2
        ).T
        first = ndtri(first_chance)
        rest = math.sqrt(1 - self.correlation**2) * ndtri(second_chance)
        second = self.correlation * first + rest
        hazard = np.exp(self.weights[0] * first + self.weights[1] * second)
        time, end = -np.log(event_chance) / hazard, -np.log(end_chance) / self.rate
        patient = np.arange(len(chances))
        follow_up = np.minimum(time, end), time <= end, np.zeros_like(patient), patient
        return harrell_concordance(first, *follow_up), harrell_concordance(second, *follow_up)


def assume_study(concordance: Sequence[float], correlation: float, events: float) -> TimeStudy:
    """Return the study whose two models have these C indices under its follow-up.

    Args:
        concordance: True C of Harrell of both, in (0.5, 1).
        correlation: Of both scores over all patients, in [0, 1).
        events: Share of the patients whose event is seen, in (0, 1).

    Raises:
        OptionError: No log hazard gives scores that are so alike such C indices.
    """
    rest = 1 - correlation**2

    def missed(weights: Floats) -> list[float]:
        first, second = weights.tolist()
        rate = rate_of_censoring(first**2 + second**2 + 2 * correlation * first * second, events)
        both = (
            expected_concordance(first + correlation * second, second**2 * rest, rate),
            expected_concordance(second + correlation * first, first**2 * rest, rate),
        )
        return [found - target for found, target in zip(both, concordance, strict=True)]

    # Both scores' slopes are solved for, so that the C indices are those asked for.
    solved = root(missed, np.full(2, 0.5))
    first, second = solved.x.tolist()
    # No such study exists where the solver stays off its aim or runs away.
    if np.abs(missed(solved.x)).max() > _CLOSE or max(abs(first), abs(second)) > _STEEPEST:
        first, second = concordance
        raise refusal(
            "evaluation.alike_scores",
            correlation=correlation,
            first=first,
            second=second,
        )
    rate = rate_of_censoring(first**2 + second**2 + 2 * correlation * first * second, events)
    return TimeStudy((first, second), correlation, rate)


def concordances_of(
    concordance: Sequence[float], correlation: float, events: float
) -> tuple[Linearised, Linearised]:
    """Return the C indices of two models on many patients of the study that is assumed.

    The patients are drawn evenly (Sobol 1967), so that the variance is known to about 1 %; of as
    many random ones it is to 5 %. It takes and raises what `assume_study` does.
    """
    from scipy.stats.qmc import Sobol  # slow to import

    study = assume_study(concordance, correlation, events)
    points = Sobol(4, seed=stream(0, "plan", "times"))  # `rng` to SciPy 1.15 and later, too
    return study.concordances(points.random_base2(math.ceil(math.log2(_EVENTS / events))))


def spread_of_concordance(figure: Linearised, events: float) -> Spread:
    """Return how a figure of so many assumed patients varies with other numbers of them."""
    patient_variance = figure.variation.variance * len(figure.patient)
    return lambda patients: Variation(patient_variance / patients, max(1.0, patients * events - 1))


def rate_of_censoring(variance: float, events: float) -> float:
    """Return the rate at which follow-up ends where so many events are seen.

    Of patients with a hazard h, h / (h + r) have the event before an end of follow-up of rate r.

    Args:
        variance: Of the log hazard, whose mean is 0.
    """
    hazard = math.sqrt(variance) * _NODES

    def surplus(log_rate: float) -> float:
        return float(_WEIGHTS @ expit(hazard - log_rate)) - events

    return math.exp(brentq(surplus, -200, 200))


def expected_concordance(slope: float, rest: float, rate: float) -> float:
    """Return Harrell's C of a standard normal score where follow-up ends at a rate.

    Of two patients with hazards a and b, a / (a + b + 2r) is the chance that the event of the first
    is seen while the other is still followed. Both log hazards are their mean and half their
    distance apart, and the mean says nothing of the distance.

    Args:
        slope: Of the log hazard on the score.
        rest: Variance of the log hazard given the score.
    """
    by_score = math.sqrt(2) * slope * _POSITIVE[:, None, None]
    by_rest = math.sqrt(2 * rest) * _NODES[:, None]
    half = (by_score + by_rest) / 2
    middle = math.sqrt((slope**2 + rest) / 2) * _NODES
    ends = 2 * rate * np.exp(-middle)
    higher, lower = np.exp(half), np.exp(-half)  # over the mean hazard; the first has more score
    chances = (each / (higher + lower + ends) for each in (higher, lower))
    first, other = (float(_DENSITIES @ (each @ _WEIGHTS) @ _WEIGHTS) for each in chances)
    return first / (first + other)
