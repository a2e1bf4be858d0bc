"""Ordered logistic regression: one score, and a cut-off between each two grades.

P(grade ≤ k) = 1 / (1 + exp(score − cut k)) (McCullagh 1980, *J. R. Stat. Soc. B* 42:109). The
penalty is that of `cox`: −ℓ / n + α‖w‖² / 2, cuts free. `grade` (n,) int64 counts from 0.
"""

from typing import NamedTuple

import numpy as np
import scipy

from skiagram.arrays import Floats, Whole
from skiagram.errors import NotConverged

_CLOSEST = -12.0  # log distance of two cuts between which there is no case
_LEAST = 1e-300
_SHRINKAGE = 1e-3  # of the slope; without it scores in perfect order have no largest likelihood
_FAR = 30.0  # of a cut beyond all cases, in logits from the last one: a chance of 1e-13


class ProportionalOdds(NamedTuple):
    """A fitted regression.

    Attributes:
        weights: (p,).
        cuts: (grades − 1,) ascending.
    """

    weights: Floats
    cuts: Floats


def grade_probabilities(score: Floats, cuts: Floats) -> Floats:
    """Compute the probability of each grade.

    Args:
        score: (n,).
        cuts: (grades − 1,) ascending.

    Returns:
        (n, grades), whose rows sum to 1.
    """
    below = scipy.special.expit(cuts[None, :] - score[:, None])
    ends = np.zeros((len(score), 1))
    return np.diff(np.concatenate([ends, below, ends + 1], axis=1), axis=1)


def ranked_probability_terms(probability: Floats, grade: Whole) -> Floats:
    """Compute squared errors of the probabilities, summed up to each cut-off.

    Their mean is the ranked probability score, over the number of cut-offs (Epstein 1969, *Journal
    of Applied Meteorology* 8:985): 0 is best, 1 worst.

    Args:
        probability: (n, grades).
        grade: (n,) what was measured.

    Returns:
        (n,) in [0, 1].
    """
    grades = probability.shape[1]
    below = np.cumsum(probability, axis=1)[:, :-1]
    terms: Floats = np.square(below - (grade[:, None] <= np.arange(grades - 1))).mean(axis=1)
    return terms


def fit_rising_score(score: Floats, grade: Whole, grades: int) -> tuple[float, Floats]:
    """Fit the slope ≥ 0 of a single score, and the cuts, of the regression on it.

    The penalty is that of the score in standard deviations, so that its scale changes nothing;
    where all scores are equal the slope is 0.

    Args:
        score: (n,).
        grade: (n,).
        grades: How many there are.

    Returns:
        The slope for one unit of the score, and (grades − 1,) cuts of slope · score.
    """
    centre, spread = float(score.mean()), float(score.std())
    scale = spread if spread > 1e-12 * max(1.0, abs(centre)) else np.inf
    standardised = ((score - centre) / scale)[:, None]
    fitted = fit_proportional_odds(standardised, grade, grades, _SHRINKAGE, rising=True)
    slope = float(fitted.weights[0]) / scale
    return slope, fitted.cuts + slope * centre


def fit_proportional_odds(
    values: Floats,
    grade: Whole,
    grades: int,
    penalty: float,
    iterations: int = 1000,
    *,
    rising: bool = False,
) -> ProportionalOdds:
    """Fit the regression of the largest penalised likelihood, by L-BFGS.

    Of grades without a case at the ends the likelihood has no optimum: the others alone are fitted.

    Args:
        values: (n, p).
        grades: How many there are; a grade without a case takes no room between its cuts, and the
            cuts of lowest or highest grades without a case lie far away.
        rising: Whether weights are kept from falling below 0.

    Raises:
        NotConverged: The optimum was not reached, as without a penalty may be.
    """
    # Grades that no case has lie at one end or the other.
    lowest, highest = int(grade.min()), int(grade.max())
    if highest == lowest:
        weights, between = np.zeros(values.shape[1]), np.zeros(0)
        first = last = 0.0
    else:
        present = highest - lowest + 1
        weights, between = _fit_present(
            values, grade - lowest, present, penalty, iterations, rising
        )
        first, last = between[0], between[-1]
    # Absent grades get cuts so far off that they have no chance.
    below = first - _FAR - np.arange(lowest)[::-1]
    above = last + _FAR + np.arange(grades - 1 - highest)
    return ProportionalOdds(weights, np.concatenate([below, between, above]))


def _fit_present(
    values: Floats, grade: Whole, grades: int, penalty: float, iterations: int, rising: bool
) -> tuple[Floats, Floats]:
    """Fit the weights and the cuts of two or more grades, the lowest and the highest present.

    Returns:
        (p,) weights and (grades − 1,) cuts.

    Raises:
        NotConverged: The optimum was not reached.
    """
    # Start from the cuts that the shares of the grades give, with no weight at all.
    cases, columns = values.shape
    shares = (np.bincount(grade, minlength=grades) + 0.5).cumsum()[:-1] / (cases + grades / 2)
    first = np.log(shares / (1 - shares))
    start = np.concatenate([np.zeros(columns), first[:1], np.log(np.diff(first))])

    # Steps between cuts are on a log scale, so that cuts stay in order.
    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, steps = parameters[:columns], np.exp(parameters[columns + 1 :])
        cuts = parameters[columns] + np.concatenate([[0.0], np.cumsum(steps)])
        score = values @ weights
        # The chance of a grade is that below its upper cut less that below its lower one.
        upper = scipy.special.expit(np.append(cuts, np.inf)[grade] - score)
        lower = scipy.special.expit(np.append(-np.inf, cuts)[grade] - score)
        probability = np.maximum(upper - lower, _LEAST)
        # The gradient: by weights, by the first cut, and by each step.
        rise, fall = upper * (1 - upper) / probability, lower * (1 - lower) / probability
        from_cuts = np.bincount(grade, -rise, grades)[:-1] + np.bincount(grade, fall, grades)[1:]
        onwards = np.cumsum(from_cuts[::-1])[::-1]  # a step moves all cuts after it
        gradient = np.concatenate([values.T @ (rise - fall), onwards[:1], onwards[1:] * steps])
        gradient /= cases
        gradient[:columns] += penalty * weights
        value = -float(np.log(probability).mean()) + penalty / 2 * float(weights @ weights)
        return value, gradient

    # Bounds keep steps finite, and weights above 0 where risks may only rise.
    bounds = [(0.0 if rising else None, None)] * columns + [(None, None)]
    bounds += [(_CLOSEST, None)] * (grades - 2)
    options = {"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 1e-15, "gtol": 1e-8}
    solution = scipy.optimize.minimize(
        loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options
    )
    if not solution.success and solution.nit >= iterations:
        raise NotConverged(f"no optimum in {iterations} steps: raise `max_iter` or the penalty")
    weights, steps = solution.x[:columns], np.exp(solution.x[columns + 1 :])
    return weights, solution.x[columns] + np.concatenate([[0.0], np.cumsum(steps)])
