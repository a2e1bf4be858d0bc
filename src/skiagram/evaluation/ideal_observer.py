"""Models against the ideal observer of generated data, which nothing can beat but a leak."""

import numpy as np
from scipy.stats import norm

from skiagram.evaluation.delong import Placements, combination, difference_estimate
from skiagram.evaluation.results import Estimate


def detectability(auc: float) -> float:
    """Return d_a = √2 Φ⁻¹(AUC), the distance of two equal normal densities with that AUC."""
    return float(np.sqrt(2) * norm.ppf(auc))


def estimate_efficiency(model: Placements, ideal: Placements) -> Estimate:
    """Estimate (d_a / d_ideal)², the share of the images' information that a model uses.

    The ratio's variance is by the delta method on the paired placements; a ratio below 0 (a model
    worse than chance) counts as 0. (Barrett & Myers 2004, *Foundations of Image Science*, §13.2.)

    Args:
        model: Placements of the model.
        ideal: Placements of the ideal observer on the same cases.
    """
    if not 0.5 < ideal.mean < 1:
        return Estimate(None, reason=f"undefined where the ideal observer's AUC is {ideal.mean:g}")
    if not 0 < model.mean < 1:
        return Estimate(None, reason=f"undefined where the model's AUC is {model.mean:g}")
    d_model, d_ideal = detectability(model.mean), detectability(ideal.mean)
    ratio = d_model / d_ideal
    slopes = [np.sqrt(2) / norm.pdf(d / np.sqrt(2)) for d in (d_model, d_ideal)]
    linear = combination([(slopes[0] / d_ideal, model), (-slopes[1] * d_model / d_ideal**2, ideal)])
    half = linear.variation.half
    value, low, high = (max(0.0, one) ** 2 for one in (ratio, ratio - half, ratio + half))
    return Estimate(value, low, high, "delta method on paired DeLong")


def estimate_above_ideal(model: Placements, ideal: Placements) -> Estimate:
    """Estimate the model's AUC minus the ideal observer's, paired by patient."""
    return difference_estimate(model, ideal)


def has_leaked(above: Estimate) -> bool:
    """Return whether a model is surely above the ideal, which only a leak explains.

    Sufficient, not necessary: a leak that stays below the ideal passes unseen.
    """
    return above.low is not None and above.low > 0
