"""Tests of differences between models: Holm, a margin, and what could be detected."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import scipy

from skiagram.statistics.distributions import (
    t_cdf,
    t_quantile,
)
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import (
    UPPER,
    Variation,
    Z,
)

LEVEL = 0.05
POWER = 0.8
MAX_PATIENTS = 10**7
MORE_TRAININGS = "the trainings alone spread too wide for the margin: more repeats first"
_UNSEEN = "the variance of the difference cannot be estimated"


P = TypeVar("P", float, float | None)


def ratio_of_quantiles(comparisons: int) -> float:
    """Compute how much longer the 95 % intervals of several comparisons are by Bonferroni.

    It is the ratio of normal quantiles; of few patients, whose intervals are Student's, it is a
    little too small.

    Args:
        comparisons: ≥ 1; of one the ratio is 1.
    """
    return float(scipy.special.ndtri(1 - (1 - UPPER) / comparisons) / Z)


def correct_by_holm(p: Iterable[P]) -> list[P]:
    """Compute p values that keep the chance of any false finding among them (Holm 1979).

    Args:
        p: In any order; None stays so and is not counted.

    Returns:
        In the same order, each at least as large as it was.
    """
    corrected = list(p)
    positions = np.array([number for number, value in enumerate(corrected) if value is not None])
    values = np.array([corrected[number] for number in positions], dtype=np.float64)
    order = np.argsort(values, kind="stable")
    raised = np.minimum(1.0, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    for place, value in zip(order.tolist(), raised.tolist(), strict=True):
        corrected[positions[place]] = value
    return corrected


def detectable_difference(variation: Variation, patients: int) -> Estimate:
    """Estimate the smallest true difference that is found with a chance of 80 % at 5 %, two-sided.

    Args:
        variation: Of a difference of two models.
        patients: That it rests on, for the name of the method.
    """
    if not variation.variance > 0:
        return Estimate(None, reason=_UNSEEN)
    method = f"80 % power at 5 %, two-sided, paired variance on {patients} patients"
    reach = _standard_errors(variation.degrees, POWER)
    return Estimate(reach * float(np.sqrt(variation.variance)), method=method)


def plan_patients(
    variation: Variation, patients: int, margin: float, gain: float = 0.0
) -> dict[str, Estimate]:
    """Estimate how many patients like the reported ones the margin would take.

    To *detect* is to find a true difference as large as the margin with a chance of 80 %. To
    *settle* is to show two equal models to be equivalent, the whole interval within the margin,
    with the same chance: each side must then hold with 90 %, as both can fail, so it takes about
    (1.960 + 1.282)² / (1.960 + 0.842)² = 1.34 times as many (Julious 2004, *Statistics in
    Medicine* 23:1921, §5). The variance over patients falls as 1/n, that of the seed does not, and
    more patients know the variance better (`Variation.of_patients`). To *decide* is to
    leave the margin outside the interval if the true difference is the one that was found.

    Args:
        gain: The difference that was found, above 0 for the better.

    Returns:
        Of each aim the number, or why there is none.
    """
    # Power and room of each aim: a gain, equal models, and what was seen.
    aims = {
        "patients_to_detect": (POWER, margin),
        "patients_to_settle": ((1 + POWER) / 2, margin),
        "patients_to_decide": (POWER, abs(gain - margin)),
    }
    if not variation.variance > 0:
        return dict.fromkeys(aims, Estimate(None, reason=_UNSEEN))

    # Enough where the standard errors fit between the gain and the margin.
    def is_enough(number: int, power: float, room: float) -> bool:
        larger = variation.of_patients(number / patients)
        reach = _standard_errors(larger.degrees, power)
        return reach * float(np.sqrt(larger.variance)) <= room

    few = MORE_TRAININGS if variation.trainings > 0 else f"not even {MAX_PATIENTS:,} are"
    planned = {}
    for aim, (power, room) in aims.items():
        number = find_fewest(partial(is_enough, power=power, room=room), 2)
        planned[aim] = Estimate(number, reason=few if number is None else "")
    return planned


def find_fewest(enough: Callable[[int], bool], least: int) -> int | None:
    """Find the smallest number of patients that is enough, by bisection; None where none is.

    Args:
        enough: Is true of all numbers from some one on.
        least: Where the search begins; ten million patients are its end.
    """
    # Doubled until it is enough, then halved between.
    low, high = least - 1, least
    while not enough(high):
        if high >= MAX_PATIENTS:
            return None
        low, high = high, min(2 * high, MAX_PATIENTS)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _standard_errors(degrees: float, power: float) -> float:
    """Add up the standard errors of a test at 5 % and of its power."""
    return float(t_quantile(1 - LEVEL / 2, degrees) + t_quantile(power, degrees))


PRIOR = "flat: before the run every difference was equally probable"


@dataclass(frozen=True)
class GainProbabilities:
    """Where the true difference, contender minus classical, probably lies.

    Attributes:
        above: Probability that it is above the margin.
        within: Probability that it is within ± margin.
        worse: Probability that it is below − margin.
        prior: What was held probable before the run.
    """

    above: float
    within: float
    worse: float
    prior: str


def gain_probabilities(
    difference: Estimate, variation: Variation, margin: float
) -> GainProbabilities | None:
    """Estimate where a true difference probably lies with regard to ± margin.

    Under a flat prior the posterior of the difference is Student's t around the estimate, with its
    standard error and degrees of freedom; normal where these are infinite (Gelman et al. 2013,
    *Bayesian Data Analysis*, 3rd ed., §2.5 and §3.2). Each half has the standard error of its side.
    Its central 95 % are the interval of the estimate, so the two never contradict each other.

    Args:
        difference: Contender minus classical.
        variation: Of the difference.
        margin: > 0, the least gain that counts.

    Returns:
        None where no variance can be seen, unless the two are the same.
    """
    value = difference.value
    if value is None or difference.low is None or difference.high is None:
        return None
    # The chance beyond each margin, with the standard error of the side it lies on.
    if variation.variance > 0:
        over, under = (
            variation.standard_error(upwards=value < bound) for bound in (margin, -margin)
        )
        above = t_cdf((value - margin) / over, variation.degrees)
        worse = t_cdf((-margin - value) / under, variation.degrees)
        return GainProbabilities(above, max(0.0, 1 - above - worse), worse, PRIOR)
    # Without any variation nothing is uncertain.
    if difference.low == difference.high == 0:
        return GainProbabilities(0.0, 1.0, 0.0, PRIOR)
    return None
