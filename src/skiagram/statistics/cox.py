"""Cox regression with penalties: the partial likelihood, its optimum, and the baseline hazard.

Cox 1972, J. R. Stat. Soc. B 34:187; ties as of Breslow 1974, *Biometrics* 30:89. The penalty is
that of Simon et al. 2011, *Journal of Statistical Software* 39(5): −ℓ / n + α (ρ‖w‖₁ +
(1 − ρ)‖w‖² / 2). `values` are (n, p) float64, `time` and `event` (n,) as in `survival`.
"""

import numpy as np

from skiagram.arrays import Flags, Floats
from skiagram.errors import NotConverged

_REACH = 50.0  # log hazard ratios beyond it are those of a fit that diverges


class _Risk:
    """Risk sets: the cases in descending time, and where each time's set ends."""

    def __init__(self, time: Floats, event: Flags) -> None:
        """Sort the cases by descending time, so that a risk set is all that came before.

        Args:
            time: (n,).
            event: (n,) bool; False: censored.
        """
        self.order = np.argsort(-time, kind="stable")
        descending = time[self.order]
        last = np.flatnonzero(np.append(np.diff(descending) != 0, True))
        self.place = np.repeat(np.arange(len(last)), np.diff(np.append(-1, last)))
        self.last = last
        self.event = event[self.order]
        self.deaths = np.bincount(self.place, weights=self.event, minlength=len(last))

    def sums(self, terms: Floats) -> Floats:
        """Sum terms over each time's risk set.

        Args:
            terms: (n, …) in descending time.

        Returns:
            (times, …) in descending time.
        """
        return np.cumsum(terms, axis=0)[self.last]

    def cumulative(self, steps: Floats) -> Floats:
        """Sum, for each case, the steps at times up to its own.

        Args:
            steps: (times,) in descending time.

        Returns:
            (n,) in descending time.
        """
        return np.cumsum(steps[::-1], axis=0)[::-1][self.place]


def _loss(weights: Floats, values: Floats, risk: _Risk) -> tuple[float, Floats, Floats]:
    """Compute Cox's loss, −ℓ / n with Breslow's ties.

    The highest score is taken out of the exponentials, which would overflow.

    Args:
        weights: (p,).
        values: (n, p) in descending time.
        risk: Their risk sets.

    Returns:
        The loss, its gradient (p,), and the events (n,) that are expected of each case.
    """
    score = values @ weights
    top = float(score.max())
    hazard = np.exp(score - top)
    at_risk = risk.sums(hazard)
    value = float((risk.deaths * (np.log(at_risk) + top)).sum() - score[risk.event].sum())
    expected = hazard * risk.cumulative(risk.deaths / at_risk)
    gradient = values.T @ (expected - risk.event)
    return value / len(score), gradient / len(score), expected


def fit_ridge(
    values: Floats, time: Floats, event: Flags, penalty: float, iterations: int = 100
) -> Floats:
    """Fit weights under an L2 penalty, by Newton's method.

    Where columns outnumber cases, they are turned to as many axes first, which changes no optimum.

    Args:
        values: (n, p) without gaps, centred by the caller or not: a constant changes nothing.
        time: (n,).
        event: (n,) bool.
        penalty: α of the module's formula, ρ = 0.
        iterations: Newton's steps at most.

    Returns:
        (p,) log hazard ratios for one unit of each column.

    Raises:
        NotConverged: The weights grow without end, as without a penalty they may.
    """
    # Cases in the order of their times, as sums over those at risk need them.
    risk = _Risk(time, event)
    turned, axes = values[risk.order], None
    # With more columns than cases the weights lie in the space of the cases: a small system.
    if values.shape[1] > len(values):
        _, _, axes = np.linalg.svd(turned, full_matrices=False)
        turned = turned @ axes.T
    weights = np.zeros(turned.shape[1])
    value, gradient, expected = _loss(weights, turned, risk)
    # Newton's steps until no weight moves.
    for _ in range(iterations):
        slope = gradient + penalty * weights
        score = turned @ weights
        # The information is the covariance of the values among those at risk, summed over events.
        hazard = np.exp(score - score.max())
        means = risk.sums(hazard[:, None] * turned) / risk.sums(hazard)[:, None]
        information: Floats = (turned.T * expected) @ turned - (means.T * risk.deaths) @ means
        curvature = information / len(turned) + penalty * np.eye(len(weights))
        step = np.linalg.lstsq(curvature, slope, rcond=None)[0]
        # A step that makes the loss larger is halved.
        scale, before = 1.0, value + penalty / 2 * float(weights @ weights)
        while True:
            moved = weights - scale * step
            value, gradient, expected = _loss(moved, turned, risk)
            if value + penalty / 2 * float(moved @ moved) <= before + 1e-14 * abs(before):
                break
            scale /= 2
            if scale < 1e-10:
                return weights if axes is None else axes.T @ weights
        weights = moved
        # Separated cases have no finite optimum; a penalty that is nearly 0 does not hold them.
        if np.abs(turned @ weights).max() > _REACH:
            raise NotConverged("hazard ratios grow without end: raise the penalty")
        if float(np.abs(step).max()) * scale <= 1e-11 * max(1.0, float(np.abs(weights).max())):
            return weights if axes is None else axes.T @ weights
    raise NotConverged(f"no optimum in {iterations} steps: raise the penalty")


def fit_elastic_net(
    values: Floats,
    time: Floats,
    event: Flags,
    penalty: float,
    l1_ratio: float,
    iterations: int = 20_000,
) -> Floats:
    """Fit weights under an L1 and an L2 penalty, by accelerated proximal steps.

    Beck & Teboulle 2009, *SIAM Journal on Imaging Sciences* 2:183, with restarts.

    Args:
        values: (n, p) without gaps.
        time: (n,).
        event: (n,) bool.
        penalty: α of the module's formula.
        l1_ratio: ρ, in [0, 1].
        iterations: Steps at most.

    Returns:
        (p,) log hazard ratios, many of them exactly 0.

    Raises:
        NotConverged: The optimum was not reached in so many steps.
    """
    risk = _Risk(time, event)
    ordered = values[risk.order]
    # The L1 part makes weights zero, the L2 part belongs to the smooth loss.
    sparse, level = penalty * l1_ratio, penalty * (1 - l1_ratio)
    weights = ahead = np.zeros(values.shape[1])
    momentum, size = 1.0, 1.0
    for _ in range(iterations):
        value, gradient, _ = _loss(ahead, ordered, risk)
        value += level / 2 * float(ahead @ ahead)
        gradient = gradient + level * ahead
        # The step is halved until the loss lies below its quadratic bound.
        while True:
            moved = ahead - size * gradient
            moved = np.sign(moved) * np.maximum(np.abs(moved) - size * sparse, 0)
            change = moved - ahead
            reached = _loss(moved, ordered, risk)[0] + level / 2 * float(moved @ moved)
            bound = value + float(gradient @ change) + float(change @ change) / (2 * size)
            if reached <= bound + 1e-13 or size < 1e-12:
                break
            size /= 2
        # At rest without momentum: the optimum.
        moved_by = moved - weights
        if float(np.abs(moved_by).max(initial=0.0)) <= 1e-10 and np.array_equal(ahead, weights):
            return moved
        if float((ahead - moved) @ moved_by) > 0:  # overshot: begin anew from here
            momentum, weights, ahead = 1.0, moved, moved
            continue
        # Nesterov's momentum looks ahead of the last step.
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / grown * moved_by
        if float(np.abs(moved_by).max(initial=0.0)) <= 1e-10:
            ahead = moved
        weights, momentum = moved, grown
    raise NotConverged(f"no optimum in {iterations} steps: raise `max_iter` or the penalty")


def martingale_residuals(score: Floats, time: Floats, event: Flags) -> Floats:
    """Compute events minus those expected at scores: the gradient of the log likelihood.

    Therneau, Grambsch & Fleming 1990, *Biometrika* 77:147.

    Args:
        score: (n,) log hazard ratios.
        time: (n,).
        event: (n,) bool.

    Returns:
        (n,) ≤ 1; their sum is 0.
    """
    risk = _Risk(time, event)
    _, _, expected = _loss(np.ones(1), score[risk.order, None], risk)
    residual = np.empty(len(score))
    residual[risk.order] = risk.event - expected
    return residual


def baseline_hazard(score: Floats, time: Floats, event: Flags, grid: Floats) -> Floats:
    """Estimate the cumulative hazard of a case of score 0, with Efron's steps at tied times.

    Without ties it is Breslow's. Of d events at one time each leaves the risk set in turn, so that
    survival follows Kaplan–Meier's however many times are equal, as those in whole years are
    (Therneau & Grambsch 2000, *Modeling Survival Data*, §3.3).

    Args:
        score: (n,) log hazard ratios.
        time: (n,).
        event: (n,) bool.
        grid: (k,) times.

    Returns:
        (k,) at these times; 0 before the first event.
    """
    risk = _Risk(time, event)
    hazard_ratio = np.exp(score[risk.order])
    deaths, at_risk = risk.deaths.astype(np.int64), risk.sums(hazard_ratio)
    dying = np.bincount(risk.place, weights=hazard_ratio * risk.event, minlength=len(deaths))
    # Each event of a time, with the share of that time's events before it.
    place = np.repeat(np.arange(len(deaths)), deaths)
    first = np.cumsum(deaths) - deaths
    left = (np.arange(len(place)) - first[place]) / deaths[place]
    each = 1 / (at_risk[place] - left * dying[place])
    steps = np.bincount(place, weights=each, minlength=len(deaths))
    times = time[risk.order][risk.last]
    cumulative = np.cumsum(steps[::-1])
    reached = np.searchsorted(times[::-1], grid, side="right")
    return np.concatenate([[0.0], cumulative])[reached]
