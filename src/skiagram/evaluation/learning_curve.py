"""Learning curves: how the AUC grows with the number of training cases, and where two cross.

Power law AUC(n) = limit − scale · n^(−rate), as of errors (Cortes et al. 1994, NIPS 6; Figueroa et
al. 2012, BMC Med. Inform. Decis. Mak. 12:8).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_RATES = np.geomspace(0.05, 3, 60)
_GRID = 400  # numbers of cases at which curves are compared


@dataclass(frozen=True)
class PowerLaw:
    """One curve a row.

    Attributes:
        limit: (b,) AUC that endless cases would give, at most 1.
        scale: (b,) ≥ 0.
        rate: (b,) > 0.
    """

    limit: Floats
    scale: Floats
    rate: Floats

    def at(self, cases: Floats) -> Floats:
        """Return (b, k) AUC at k numbers of cases."""
        fallen: Floats = self.scale[:, None] * cases ** -self.rate[:, None]
        return self.limit[:, None] - fallen


def fit_power_law(cases: Floats, auc: Floats, weight: Floats) -> PowerLaw:
    """Fit a power law to each row by weighted least squares.

    For each rate of a fixed grid limit and scale have a closed form; a limit above 1 is held at 1
    and a falling curve is made level, so the curve never falls.

    Args:
        cases: (k,) numbers of training cases, k ≥ 3.
        auc: (b, k) AUC at each.
        weight: (k,) > 0.
    """
    best = np.full(len(auc), np.inf)
    limit, scale, rate = (np.zeros(len(auc)) for _ in range(3))
    share = weight / weight.sum()
    for candidate in _RATES:
        x = cases**-candidate
        one_limit, one_scale = _line(x, auc, share)
        residual = auc - one_limit[:, None] + one_scale[:, None] * x
        loss = residual**2 @ share
        better = loss < best
        best[better], rate[better] = loss[better], candidate
        limit[better], scale[better] = one_limit[better], one_scale[better]
    return PowerLaw(limit, scale, rate)


def _line(x: Floats, auc: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Return limit ≤ 1 and scale ≥ 0 of auc ≈ limit − scale · x."""
    x_mean, mean = float(share @ x), auc @ share
    slope = (auc - mean[:, None]) @ (share * (x - x_mean)) / float(share @ (x - x_mean) ** 2)
    scale = np.maximum(0, -slope)
    limit = mean + scale * x_mean
    held = (1 - auc) @ (share * x) / float(share @ x**2)
    above = limit > 1
    return np.where(above, 1.0, limit), np.where(above, np.maximum(0, held), scale)


def crossing(curve: PowerLaw, other: PowerLaw, least: float, reach: float) -> Floats:
    """Return (b,) the number of cases from which one curve stays above the other.

    Args:
        curve: The curve that may overtake.
        other: The curve that may be overtaken.
        least: Fewest cases looked at.
        reach: Most cases looked at; nothing is said beyond.

    Returns:
        A number from `least` to `reach`; infinity where the curve is not above at `reach`.
    """
    grid = np.geomspace(least, reach, _GRID)
    above = curve.at(grid) > other.at(grid)
    last_below = _GRID - 1 - np.argmin(above[:, ::-1], axis=1)
    first = np.where(above.all(axis=1), 0, last_below + 1)
    never = first >= _GRID
    return np.where(never, np.inf, grid[np.minimum(first, _GRID - 1)])
