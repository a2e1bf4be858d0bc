"""Errors that remain when the cases a model is least sure of are referred to a reader."""

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.bootstrap import PatientDraws, bootstrap_estimate
from skiagram.evaluation.ranked_weights import risk_areas, tied_order
from skiagram.evaluation.records.doubt import RiskCoverage
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Curve

Floats = NDArray[np.float64]
SHARES = np.arange(1, 101) / 100


def risk_coverage(scores: Scores, cases: Reference, draws: PatientDraws) -> RiskCoverage:
    """Return the share of errors among the surest cases, for each share that is kept.

    A case is as sure as its most probable class is probable; equally sure cases are kept or
    referred together (El-Yaniv & Wiener 2010; area as in Geifman & El-Yaniv 2017). Mean over
    repeats.

    Args:
        scores: The model's scores on the reported cases.
        cases: The reported cases.
        draws: Patient resamples of them.
    """
    doubt = 1 - scores.probability.max(axis=2)
    wrong = scores.probability.argmax(axis=2) != cases.label
    pairs = list(zip(doubt, wrong, strict=True))

    def area(weights: Floats) -> Floats:
        found: Floats = np.mean([risk_area(*pair, weights) for pair in pairs], axis=0)
        return found

    risks = [_risk_at_shares(*pair) for pair in pairs]
    curve = Curve(tuple(SHARES.tolist()), tuple(np.mean(risks, axis=0).tolist()))
    return RiskCoverage(curve, bootstrap_estimate(area, draws))


def risk_area(doubt: Floats, wrong: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return (b,) the mean, over kept shares, of the errors among the kept cases.

    Args:
        doubt: (n,), higher = less sure.
        wrong: (n,) whether the case is named wrongly.
        weights: (b, n), ≥ 0; a row of zeros gives NaN.
    """
    order, ends = tied_order(doubt)
    return risk_areas(order, ends, wrong, weights)


def _risk_at_shares(doubt: Floats, wrong: NDArray[np.bool_]) -> Floats:
    order, ends = tied_order(doubt)
    place = np.flatnonzero(ends)
    kept = place + 1
    errors = np.cumsum(wrong[order])[place]
    at = np.searchsorted(kept / len(doubt), SHARES - 1e-12)
    risk: Floats = errors[at] / kept[at]
    return risk
