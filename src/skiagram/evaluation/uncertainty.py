"""How sure a model is of single cases: conformal sets, and errors when cases are referred."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from skiagram.calibration import (
    conformal_limits,
)
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.results import Curve, Named
from skiagram.evaluation.scores import HeldOut
from skiagram.statistics.bootstrap import PatientDraws, bootstrap_estimate
from skiagram.statistics.discrimination import risk_areas, tied_order
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion
from skiagram.tasks.scored_cases import ScoredCases

Floats = NDArray[np.float64]
LEVEL = 0.9


@dataclass(frozen=True)
class PredictionSets:
    """Split-conformal sets of classes on the reported cases.

    Attributes:
        level: Chance, by patient and class, with which a set is to hold the true class.
        coverage: Share of cases whose set holds the true class.
        class_coverage: The same for each class.
        mean_size: Mean number of classes in a set.
        single: Share of cases whose set names one class.
        several: Share of cases whose set leaves several classes open.
        empty: Share of cases unlike every class.
    """

    level: float
    coverage: Estimate
    class_coverage: tuple[Estimate, ...]
    mean_size: float
    single: Estimate
    several: Estimate
    empty: Estimate

    def list_figures(self, classes: Sequence[str]) -> Iterator[Named]:
        """Yield the figures in the order of the page, of each class after those of all."""
        yield "level", "", Estimate(self.level)
        yield "coverage", "", self.coverage
        yield "mean_size", "", Estimate(self.mean_size)
        yield "single", "", self.single
        yield "several", "", self.several
        yield "empty", "", self.empty
        yield from zip(repeat("coverage"), classes, self.class_coverage, strict=False)


@dataclass(frozen=True)
class RiskCoverage:
    """Errors that remain when the least sure cases are referred to a reader.

    Attributes:
        curve: Share of cases kept → share of these that are classified wrongly.
        area: Mean of the curve over coverage; lower is better.
    """

    curve: Curve
    area: Estimate


def assess_prediction_sets(
    scores: ScoredCases, held_out: Sequence[HeldOut], cases: LabelledCases, level: float = LEVEL
) -> PredictionSets:
    """Judge the sets on the reported cases; shares are means over repeats.

    Args:
        level: Chance, in (0, 1).
    """
    # Out-of-fold fits set the limits and the final fit is judged, so the promise is approximate
    # and the coverage found is reported.
    limits = np.full(scores.estimate.shape, np.inf)
    for decided, probability, fixing_cases in held_out:
        limits[decided] = conformal_limits(
            probability, fixing_cases.label, fixing_cases.patient, level
        )
    sets: NDArray[np.bool_] = 1 - scores.estimate <= limits
    size = sets.sum(axis=2)
    holds = sets[:, np.arange(len(cases)), cases.label].mean(axis=0)

    def share(flags: NDArray[np.bool_]) -> Estimate:
        return proportion(flags.mean(axis=0), cases.patient)

    return PredictionSets(
        level=level,
        coverage=proportion(holds, cases.patient),
        class_coverage=tuple(
            proportion(holds[cases.label == k], cases.patient[cases.label == k])
            for k in range(len(cases.classes))
        ),
        mean_size=float(size.mean()),
        single=share(size == 1),
        several=share(size > 1),
        empty=share(size == 0),
    )


SHARES = np.arange(1, 101) / 100


def assess_risk_coverage(
    scores: ScoredCases, cases: LabelledCases, draws: PatientDraws
) -> RiskCoverage:
    """Return the share of errors among the surest cases, for each share that is kept.

    A case is as sure as its most probable class is probable; equally sure cases are kept or
    referred together (El-Yaniv & Wiener 2010; area as in Geifman & El-Yaniv 2017). Mean over
    repeats.
    """
    doubt = 1 - scores.estimate.max(axis=2)
    wrong = scores.estimate.argmax(axis=2) != cases.label
    pairs = list(zip(doubt, wrong, strict=True))

    def area(weights: Floats) -> Floats:
        mean_area: Floats = np.mean([risk_area(*pair, weights) for pair in pairs], axis=0)
        return mean_area

    risks = []
    for doubts, errors in pairs:
        order, ends = tied_order(doubts)
        place = np.flatnonzero(ends)
        places = np.searchsorted((place + 1) / len(doubts), SHARES - 1e-12)
        risks.append(np.cumsum(errors[order])[place][places] / (place + 1)[places])
    curve = Curve(tuple(SHARES.tolist()), tuple(np.mean(risks, axis=0).tolist()))
    return RiskCoverage(curve, bootstrap_estimate(area, draws))


def risk_area(doubt: Floats, wrong: NDArray[np.bool_], weights: Floats) -> Floats:
    """Return (b,) the mean, over kept shares, of the errors among the kept cases.

    Args:
        doubt: (n,), higher = less sure.
        wrong: (n,) whether the case is named wrongly.
    """
    order, ends = tied_order(doubt)
    return risk_areas(order, ends, wrong, np.ascontiguousarray(weights))
