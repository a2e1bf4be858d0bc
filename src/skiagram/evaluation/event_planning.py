"""How much C indices vary in a study of a given size, from assumptions, and how many events it has.

Two scores are normal and alike in spread, the log hazard is their weighted sum with weights that
give both their C, times are exponential and follow-up ends at random. The variance of a C, or of
the difference of two, is that of the influences of many such patients.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, root
from scipy.special import expit

from skiagram.errors import OptionError
from skiagram.evaluation.planning import Spread
from skiagram.seeding import stream
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.survival import harrell_concordance
from skiagram.statistics.variation import Variation

Floats = NDArray[np.float64]
_PATIENTS = 4000  # whose influences are taken; the variance is then known to about 3 %
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(60)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_CLOSE = 1e-6
_STEEPEST = 20.0  # log hazard ratio of a standard deviation; none is met in medicine


def concordances_of(
    concordance: Sequence[float], correlation: float, events: float
) -> tuple[Linearised, Linearised]:
    """Return the C indices of two models on many patients as they are assumed to be.

    Args:
        concordance: True C of both without censoring, in (0.5, 1).
        correlation: Of both scores over all patients, in [0, 1).
        events: Share of the patients whose event is seen, in (0, 1).

    Raises:
        OptionError: No log hazard gives scores that are so alike such C indices.
    """
    weights = solve_weights(concordance, correlation)
    generator = stream(0, "plan", "times")
    first, second = generator.normal(size=(2, _PATIENTS))
    second = correlation * first + math.sqrt(1 - correlation**2) * second
    hazard = np.exp(weights[0] * first + weights[1] * second)
    time = generator.exponential(1 / hazard)
    end = generator.exponential(size=_PATIENTS)
    # Of patients with a hazard h, h / (h + r) have the event before an end of follow-up of rate r.
    rate = math.exp(
        brentq(lambda log: float(np.mean(hazard / (hazard + math.exp(log)))) - events, -40, 40)
    )
    end /= rate
    one_fit, patient = np.zeros(_PATIENTS, dtype=np.int64), np.arange(_PATIENTS)
    seen = np.minimum(time, end), time <= end, one_fit, patient
    return harrell_concordance(first, *seen), harrell_concordance(second, *seen)


def spread_of_concordance(figure: Linearised) -> Spread:
    """Return how a figure of so many assumed patients varies with other numbers of them."""
    of_patient = figure.variation.variance * len(figure.patient)
    return lambda patients: Variation(of_patient / patients, max(1.0, patients - 1))


def solve_weights(concordance: Sequence[float], correlation: float) -> Floats:
    """Return the weights of two standard scores in the log hazard that give both their C."""
    rest = 1 - correlation**2

    def missed(weights: Floats) -> list[float]:
        (first, second), wanted = weights.tolist(), concordance
        return [
            expected_concordance(first + correlation * second, second**2 * rest) - wanted[0],
            expected_concordance(second + correlation * first, first**2 * rest) - wanted[1],
        ]

    solved = root(missed, np.full(2, 0.5))
    weights: Floats = solved.x
    if np.abs(missed(weights)).max() > _CLOSE or np.abs(weights).max() > _STEEPEST:
        raise OptionError(
            f"{correlation:g} with C indices of {concordance[0]:g} and {concordance[1]:g}",
            where="--correlation",
            allowed="scores that are less alike: C indices so far apart are not of scores so alike",
        )
    return weights


def expected_concordance(slope: float, rest: float) -> float:
    """Return the C of a standard normal score without censoring.

    Of two patients with hazards a and b the first has the event before the other with the chance
    a / (a + b).

    Args:
        slope: Of the log hazard on the score.
        rest: Variance of the log hazard given the score.
    """
    apart = math.sqrt(2) * np.abs(_NODES)[:, None]
    beside = math.sqrt(2 * rest) * _NODES[None, :]
    return float(_WEIGHTS @ expit(slope * apart + beside) @ _WEIGHTS)
