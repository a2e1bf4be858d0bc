"""How sure a model is of single cases: conformal sets, and errors when cases are referred."""

from collections.abc import Iterator, Sequence

import numpy as np

from skiagram.arrays import Flags, Floats
from skiagram.calibration import conformal_limits
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.results import Curve, Named
from skiagram.evaluation.scores import HeldOut
from skiagram.statistics.bootstrap import PatientDraws, bootstrap_estimate
from skiagram.statistics.discrimination import risk_areas, tied_order
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion

LEVEL = 0.9


def assess_prediction_sets(
    model: ComparedModel, held_out: Sequence[HeldOut], level: float = LEVEL
) -> Iterator[Named]:
    """Judge split-conformal sets of classes on the reported cases; shares are means over repeats.

    `coverage` is the share of cases whose set holds the true class, of all and of each class;
    `single`, `several` and `empty` are the shares of sets that name one class, leave several open,
    or are of cases unlike every class.

    Args:
        level: Chance, in (0, 1), by patient and class, with which a set is to hold the true class.
    """
    # Out-of-fold fits set the limits and the final fit is judged, so the promise is approximate
    # and the coverage found is reported.
    scores = model.scored
    limits = np.full(scores.estimate.shape, np.inf)
    for decided, probability, fixing_cases in held_out:
        limits[decided] = conformal_limits(
            probability, fixing_cases.label, fixing_cases.patient, level
        )
    sets: Flags = 1 - scores.estimate <= limits
    # How often the sets hold the true class, and how large they are.
    size = sets.sum(axis=2)
    holds = sets[:, np.arange(len(scores)), scores.label].mean(axis=0)
    yield "level", "", level
    yield "coverage", "", proportion(holds, scores.patient)
    yield "mean_size", "", size.mean()
    for name, sets_of_kind in (("single", size == 1), ("several", size > 1), ("empty", size == 0)):
        yield name, "", proportion(sets_of_kind.mean(axis=0), scores.patient)
    # Coverage class by class.
    for k, name in enumerate(model.predicted.classes):
        members = scores.label == k
        yield "coverage", name, proportion(holds[members], scores.patient[members])


SHARES = np.arange(1, 101) / 100


def assess_risk_coverage(model: ComparedModel, draws: PatientDraws) -> tuple[Curve, Estimate]:
    """Assess the errors that remain when the least sure cases are referred to a reader.

    A case is as sure as its most probable class is probable; equally sure cases are kept or
    referred together (El-Yaniv & Wiener 2010; area as in Geifman & El-Yaniv 2017). Mean over
    repeats.

    Returns:
        Share of cases kept → share of these that are classified wrongly; and the mean of this curve
        over coverage, of which less is better.
    """
    doubt = 1 - model.scored.estimate.max(axis=2)
    wrong = model.scored.decided != model.scored.label
    pairs = list(zip(doubt, wrong, strict=True))

    def area(weights: Floats) -> Floats:
        mean_area: Floats = np.mean([risk_area(*pair, weights) for pair in pairs], axis=0)
        return mean_area

    # The errors among the cases kept, the least sure left out first.
    risks = []
    for doubts, errors in pairs:
        order, ends = tied_order(doubts)
        place = np.flatnonzero(ends)
        places = np.searchsorted((place + 1) / len(doubts), SHARES - 1e-12)
        risks.append(np.cumsum(errors[order])[place][places] / (place + 1)[places])
    curve = Curve(tuple(SHARES.tolist()), tuple(np.mean(risks, axis=0).tolist()))
    return curve, bootstrap_estimate(area, draws)


def risk_area(doubt: Floats, wrong: Flags, weights: Floats) -> Floats:
    """Return (b,) the mean, over kept shares, of the errors among the kept cases.

    Args:
        doubt: (n,), higher = less sure.
        wrong: (n,) whether the case is named wrongly.
    """
    order, ends = tied_order(doubt)
    return risk_areas(order, ends, wrong, np.ascontiguousarray(weights))
