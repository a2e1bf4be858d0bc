"""Metrics as functions of case weights, so that one definition serves figure and bootstrap.

Each takes `weights` (b, n), a row a resample (all ones: the cases as they are), and returns (b,)
float64, NaN where a resample lacks a class that the metric needs. The cases are sorted once, and
every resample walks along the same order in a compiled loop instead of being sorted anew. Scores
(n,) are higher for likelier positives, `positive` (n,) is the true class, `weights` are ≥ 0.
"""

from collections.abc import Callable

import numpy as np

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compiled.loops import compiled


def score_difference(scores: Floats, positive: int) -> Floats:
    """Subtract the other class's score from the positive one's.

    Args:
        scores: (..., 2).
        positive: 0 or 1.
    """
    return scores[..., positive] - scores[..., 1 - positive]


def tied_order(score: Floats) -> tuple[Whole, Flags]:
    """Find the ascending order of scores, and where runs of ties end.

    Args:
        score: (n,).

    Returns:
        (n,) cases in order, and (n,) by place in it, whether a run of equal scores ends there.
    """
    order = np.argsort(score, kind="stable").astype(np.int64)
    ordered = score[order]
    return order, np.append(ordered[1:] != ordered[:-1], True)


@compiled
def sums_by_run(
    order: Whole, ends: Flags, flagged: Flags, weights: Floats, passed: Floats, hits: Floats
) -> int:
    """Write the weight passed, and that of flagged cases, up to each run's end; return the runs.

    Args:
        order: (n,) cases, in the order in which they are passed.
        ends: (n,) whether the place ends a run of equal scores.
        flagged: (n,) by case.
        weights: (n,) by case, ≥ 0.
        passed: (n,) written from its first place on.
        hits: (n,) written from its first place on.
    """
    runs = 0
    whole = part = 0.0
    # One pass over the cases in order; a run of equal scores ends at once.
    for place in range(len(order)):
        case = order[place]
        whole += weights[case]
        part += weights[case] * flagged[case]
        if ends[place]:
            passed[runs], hits[runs] = whole, part
            runs += 1
    return runs


@compiled
def roc_areas(order: Whole, ends: Flags, positive: Flags, weights: Floats) -> Floats:
    """Compute the area under the ROC curve for each row of weights.

    Args:
        order: (n,) cases by ascending score.
        ends: (n,) whether the place ends a run of equal scores.
        positive: (n,) by case.
        weights: (b, n) by case, ≥ 0.

    Returns:
        (b,) in [0, 1]; NaN without both classes.
    """
    areas, passed, hits = np.empty(len(weights)), np.empty(len(order)), np.empty(len(order))
    for row in range(len(weights)):
        area = positives = negatives = 0.0
        # A trapezoid for each run: ties count by half.
        for run in range(sums_by_run(order, ends, positive, weights[row], passed, hits)):
            lower = passed[run] - hits[run]
            area += (hits[run] - positives) * (negatives + lower) / 2
            positives, negatives = hits[run], lower
        pairs = positives * negatives
        areas[row] = area / pairs if pairs > 0 else np.nan
    return areas


@compiled
def precision_areas(order: Whole, ends: Flags, positive: Flags, weights: Floats) -> Floats:
    """Compute the average precision for each row of weights.

    Args:
        order: (n,) cases by descending score.
        ends: (n,) whether the place ends a run of equal scores.
        positive: (n,) by case.
        weights: (b, n) by case, ≥ 0.

    Returns:
        (b,) in [0, 1]; NaN without a positive.
    """
    areas, passed, hits = np.empty(len(weights)), np.empty(len(order)), np.empty(len(order))
    for row in range(len(weights)):
        area = positives = 0.0
        # Precision at the end of each run, times the recall that it adds.
        for run in range(sums_by_run(order, ends, positive, weights[row], passed, hits)):
            if passed[run] > 0:
                area += (hits[run] - positives) * hits[run] / passed[run]
            positives = hits[run]
        areas[row] = area / positives if positives > 0 else np.nan
    return areas


Rule = Callable[[Floats, Flags, Floats], Floats]


def within_fits(rule: Rule, fit: Whole | None) -> Rule:
    """Turn a rule of scores, positives and weights into its mean over fits, by number of pairs.

    Scores of two fits share no scale, so each fit's cases are ordered on their own.

    Args:
        rule: Gives (b,) or (b, k), NaN without both classes.
        fit: (n,) the fit that scored each case; None where one did.
    """
    # With one fit all pairs count, as they are.
    groups = [] if fit is None else [fit == number for number in np.unique(fit)]
    if len(groups) < 2:
        return rule

    # Only pairs of one fit are compared, so each fit weighs by its pairs.
    def averaged(score: Floats, positive: Flags, weights: Floats) -> Floats:
        sums, pairs = [], []
        for rows in groups:
            fit_weights = weights[:, rows]
            pairs.append((fit_weights @ positive[rows]) * (fit_weights @ ~positive[rows]))
            fit_value = rule(score[rows], positive[rows], fit_weights)
            sums.append(np.where(pairs[-1] > 0, fit_value.T * pairs[-1], 0.0))
        return _ratio(np.sum(sums, axis=0), np.sum(pairs, axis=0)).T

    return averaged


def roc_auc(score: Floats, positive: Flags, weights: Floats, fit: Whole | None = None) -> Floats:
    """Area under the ROC curve: chance that a positive outranks a negative, ties half.

    Args:
        score: (n,) higher for likelier positives.
        positive: (n,) true class.
        weights: (b, n) ≥ 0.
        fit: (n,) the fit that scored each case: only pairs within a fit count; None: all pairs.

    Returns:
        (b,) in [0, 1]; NaN without a pair.
    """

    def area(score: Floats, positive: Flags, weights: Floats) -> Floats:
        order, ends = tied_order(score)
        return roc_areas(order, ends, positive, np.ascontiguousarray(weights))

    return within_fits(area, fit)(score, positive, weights)


def average_precision(score: Floats, positive: Flags, weights: Floats) -> Floats:
    """Mean precision over the steps of recall, without interpolation.

    Args:
        score: (n,) higher for likelier positives.
        positive: (n,) true class.
        weights: (b, n) ≥ 0.

    Returns:
        (b,) in [0, 1]; NaN without a positive.
    """
    order, ends = tied_order(-score)
    return precision_areas(order, ends, positive, np.ascontiguousarray(weights))


def one_vs_rest_auc(
    probability: Floats, label: Whole, weights: Floats, fit: Whole | None = None
) -> Floats:
    """Unweighted mean over classes of the AUC of that class against all others.

    Args:
        probability: (n, n_classes), or scores that are alike for all classes.
        label: (n,).
        weights: (b, n) ≥ 0.
        fit: (n,) the fit that scored each case; None where one did.

    Returns:
        (b,); NaN where a class is absent.
    """
    classes = range(probability.shape[1])
    areas: Floats = np.mean(
        [roc_auc(probability[:, k], label == k, weights, fit) for k in classes], axis=0
    )
    return areas


def auc_of_classes(scores: Floats, label: Whole, positive: int | None) -> float:
    """Compute the AUC of raw scores; of more than two classes the mean one-vs-rest.

    Scores of more than two classes are centred by case: logits are defined up to a constant.

    Args:
        scores: (n, n_classes).
        label: (n,).
        positive: Label of the condition looked for; None with more than two classes.
    """
    weights = np.ones((1, len(label)))
    if positive is None:
        centred = scores - scores.mean(axis=1, keepdims=True)
        return float(one_vs_rest_auc(centred, label, weights)[0])
    ranking = score_difference(scores, positive)
    return float(roc_auc(ranking, label == positive, weights)[0])


def macro_average_precision(probability: Floats, label: Whole, weights: Floats) -> Floats:
    """Unweighted mean over classes of the average precision of that class against all others.

    Args:
        probability: (n, n_classes).
        label: (n,).
        weights: (b, n) ≥ 0.
    """
    classes = range(probability.shape[1])
    result: Floats = np.mean(
        [average_precision(probability[:, k], label == k, weights) for k in classes], axis=0
    )
    return result


def brier(probability: Floats, label: Whole, weights: Floats, positive: int | None) -> Floats:
    """Mean squared distance of probabilities from what was true; lower is better.

    Two classes: of the positive class alone, in [0, 1]. More: summed over classes, in [0, 2] (Brier
    1950).

    Args:
        probability: (n, n_classes).
        label: (n,).
        weights: (b, n) ≥ 0.
        positive: The class looked for; None with more than two.

    Returns:
        (b,).
    """
    truth = np.eye(probability.shape[1])[label]
    squares = (probability - truth) ** 2
    loss = squares.sum(axis=1) if positive is None else squares[:, positive]
    return _ratio(weights @ loss, weights.sum(axis=1))


def matthews_correlation(called: Flags, positive: Flags, weights: Floats) -> Floats:
    """Correlation of decisions with the truth (Matthews 1975); NaN where either does not vary.

    Args:
        called: (n,) whether a case is called positive.
        positive: (n,) whether it is.
        weights: (b, n) ≥ 0.

    Returns:
        (b,) in [−1, 1].
    """
    # The coefficient by three shares: truly positive, called so, and both.
    total = weights.sum(axis=1)
    share, named, both = (
        weights @ flags.astype(np.float64) / total
        for flags in (positive, called, positive & called)
    )
    spread = share * (1 - share) * named * (1 - named)
    result = np.full(len(weights), np.nan)
    np.divide(both - share * named, np.sqrt(spread), out=result, where=spread > 1e-15)
    bounded: Floats = np.clip(result, -1.0, 1.0)
    return bounded


def confusion(decision: Whole, label: Whole, n_classes: int) -> Whole:
    """Count cases: rows true class, columns named class.

    Args:
        decision: (n,) named classes.
        label: (n,) true ones.
        n_classes: Of the task, whether they occur or not.
    """
    flat = np.bincount(label * n_classes + decision, minlength=n_classes**2)
    return flat.reshape(n_classes, n_classes).astype(np.int64)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Divide, with NaN where there is nothing to divide by."""
    result = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=result, where=denominator > 0)
    return result
