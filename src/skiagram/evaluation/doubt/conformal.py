"""Sets of classes that hold the true one with a chance fixed beforehand."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.held_out import HeldOut
from skiagram.evaluation.proportions import proportion
from skiagram.evaluation.records.doubt import PredictionSets
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Estimate

Floats = NDArray[np.float64]
LEVEL = 0.9


def class_limits(held_out: HeldOut, level: float) -> Floats:
    """Return (n_classes,) how improbable a class may be and still belong to a set.

    The quantile, within each class, of 1 − probability of the true class. Every patient has the
    same weight, shared among his images, and one more patient is taken to be infinitely strange
    (class-conditional split-conformal prediction, Vovk 2012; weights of clustered cases as in Lee,
    Barber & Willett 2023, *Distribution-free inference with hierarchical data*). A new patient's
    image of that class is then within the limit with at least the chance `level`, provided that
    patients are exchangeable and the same fit scored both. Here out-of-fold fits set the limits
    and the final fit is judged, so the promise is approximate and the coverage found is reported.

    Args:
        held_out: Probabilities of cases that the fit never saw.
        level: Chance, in (0, 1).
    """
    limits = np.full(held_out.probability.shape[1], np.inf)
    for k in range(len(limits)):
        own = held_out.cases.label == k
        strange = 1 - held_out.probability[own, k]
        _, whose, images = np.unique(
            held_out.cases.patient[own], return_inverse=True, return_counts=True
        )
        order = np.argsort(strange, kind="stable")
        weight = 1 / ((len(images) + 1) * images[whose][order])
        reached = np.cumsum(weight) >= level - 1e-12
        if reached.any():
            limits[k] = strange[order][int(np.argmax(reached))]
    return limits


def sets(scores: Scores, held_out: Sequence[HeldOut], level: float) -> NDArray[np.bool_]:
    """Return (repeats, n, n_classes) which classes belong to each reported case's set.

    Args:
        scores: The model's scores on the reported cases.
        held_out: Scores that set the limits of each part of the reported cases.
        level: Chance, in (0, 1).
    """
    limits = np.full(scores.probability.shape, np.inf)
    for one in held_out:
        limits[one.repeat, one.reported] = class_limits(one, level)
    found: NDArray[np.bool_] = 1 - scores.probability <= limits
    return found


def prediction_sets(
    scores: Scores, held_out: Sequence[HeldOut], cases: Reference, level: float = LEVEL
) -> PredictionSets:
    """Judge the sets on the reported cases; shares are means over repeats.

    Args:
        scores: The model's scores on the reported cases.
        held_out: Scores that set the limits.
        cases: The reported cases.
        level: Chance, in (0, 1).
    """
    found = sets(scores, held_out, level)
    size = found.sum(axis=2)
    holds = found[:, np.arange(len(cases)), cases.label].mean(axis=0)

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
