"""From scores under many conditions to figures; all changes are paired by patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.areas import auc_placements
from skiagram.evaluation.calibration.recalibration import expected_to_observed
from skiagram.evaluation.delong import Placements, auc_estimate, combination
from skiagram.evaluation.metrics import operating_point
from skiagram.evaluation.proportions import Z
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores, ranking
from skiagram.evaluation.results import Estimate
from skiagram.records import Outcome
from skiagram.studies.robustness.fits import Scored, Viewed
from skiagram.studies.robustness.results import Figures


@dataclass(frozen=True)
class Judged:
    """One model on the reported cases.

    Attributes:
        outcome: How its training ended; of the cohort that failed first, where one did.
        scores: Under each condition, in the order of the cases; empty after a failure.
        placements: What its AUCs are means of, a condition each.
    """

    outcome: Outcome
    scores: tuple[Scores, ...]
    placements: tuple[Placements, ...]


def judged(scored: Sequence[Scored], tested: Sequence[Sequence[str]], cases: Reference) -> Judged:
    """Join what the fits of one model, a cohort each, made of their test cases.

    Args:
        scored: A fit a cohort.
        tested: Case ids that each of them scored.
        cases: All these cases.
    """
    failed = [one.outcome for one in scored if one.outcome.status == "failed"]
    if failed:
        return Judged(failed[0], (), ())
    ids = [name for part in tested for name in part]
    position = {name: at for at, name in enumerate(ids)}
    order = np.array([position[name] for name in cases.case_id.tolist()])
    parts = zip(*(one.views for one in scored), strict=True)
    scores = tuple(_joined(part, order, cases.positive or 0) for part in parts)
    found = [auc_placements(one, cases) for one in scores]
    placements = tuple(one for one in found if one is not None)
    return Judged(scored[0].outcome, scores, placements)


def _joined(parts: Sequence[Viewed], order: NDArray[np.int64], positive: int) -> Scores:
    """Scores of several fits share no scale before calibration; probabilities rank them."""
    probability = np.concatenate([one.probability for one in parts], axis=1)[:, order]
    raw = np.concatenate([one.scores for one in parts], axis=1)[:, order]
    threshold = np.concatenate(
        [np.repeat(one.threshold[:, None], one.scores.shape[1], axis=1) for one in parts], axis=1
    )[:, order]
    return Scores(
        ranking(raw if len(parts) == 1 else probability, positive), probability, threshold
    )


def figures(
    scores: Scores, placements: Placements, reference: Placements, cases: Reference
) -> Figures:
    """Return the figures of one model under one condition.

    Args:
        scores: Its scores.
        placements: Their placements.
        reference: Placements of what the change is against.
        cases: The reported cases, of two classes.
    """
    positive = cases.positive or 0
    at_threshold = operating_point(scores, cases)
    return Figures(
        auc=auc_estimate(placements),
        change=weighed([(1.0, placements), (-1.0, reference)]),
        sensitivity=at_threshold["sensitivity"],
        specificity=at_threshold["specificity"],
        expected_to_observed=expected_to_observed(
            scores.probability[:, :, positive], cases.label == positive, cases.patient
        ),
    )


def weighed(terms: Sequence[tuple[float, Placements]]) -> Estimate:
    """Estimate a weighed sum of AUCs on the same cases, with its paired interval by patient."""
    joined = combination(terms)
    value, half = joined.mean, Z * float(np.sqrt(joined.variance()))
    method = "paired DeLong" + (", clustered by patient" if joined.clustered else "")
    return Estimate(value, value - half, value + half, method)


def mean_change(worse: Sequence[Placements], clean: Placements) -> list[tuple[float, Placements]]:
    """Return the terms of the mean change from clean, for `weighed`."""
    return [*((1 / len(worse), one) for one in worse), (-1.0, clean)]
