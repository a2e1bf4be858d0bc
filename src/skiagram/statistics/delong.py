"""AUC and AUC differences with closed-form intervals by patient, also against the ideal observer.

DeLong et al. (1988) write the AUC as a mean of placement values; Sun & Xu (2014) get these from
mid-ranks in n log n; Obuchowski (1997) adds what cases of one patient share. Intervals of an AUC
are made on its logit, which keeps 95 % coverage in small samples where the plain form does not.

The ideal observer of generated data is what no model can beat but by a leak. `patient` (n,) is the
patient of each case, numbered from 0; `folds` the fits of each repeat, whose training sets overlap,
0 where one fit scored all cases; `fit` (repeats, n) which fit scored a case, None where one did.
Scores of two fits share no scale, so only pairs of cases of one fit are compared.
"""

import numpy as np
import scipy

from skiagram.arrays import Flags, Floats, Whole
from skiagram.errors import DataError
from skiagram.statistics.distributions import normal_density
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised, combination

# A case of the smaller class stands for about 2 independent ones in normal densities, and for more
# only where an order happens to be nearly perfect (simulated).
MOST_CASES = 5.0


def auc_of_placements(
    values: Floats,
    label: Flags | Whole,
    patient: Whole,
    folds: int = 0,
    most_cases: float = MOST_CASES,
) -> Linearised:
    """Compute the AUC that placement values make: their mean over either of two classes.

    Of several classes, as of `macro_auc_of_scores`, it is half the sum of the classes' means, as
    it is of two.

    Args:
        values: (repeats, n) for a positive the share of negatives below it, for a negative the
            share of positives above it, ties half.
        label: (n,) true class, of two classes whether it is the positive one; every class occurs.
        most_cases: As of `Linearised`.
    """
    # Of two classes either mean is the area; of more each is one of two halves.
    kind = label.astype(np.int64)
    means = [values[:, kind == k].mean(axis=1) for k in np.unique(kind)[::-1]]
    areas = means[0] if len(means) == 2 else np.sum(means, axis=0) / 2
    # Its interval is on the logit, and Wilson's where no case varies it.
    return Linearised(
        areas,
        values,
        patient,
        kind,
        by_kind=True,
        folds=folds,
        scale="logit",
        chance=(0.0, 1.0),
        most_cases=most_cases,
        method="DeLong",
    )


def auc_of_scores(
    ranking: Floats,
    positive: Flags,
    patient: Whole,
    folds: int = 0,
    fit: Whole | None = None,
) -> Linearised:
    """Compute the AUC of each repeat from placement values.

    Where several fits scored the cases of a repeat, the AUC is the share of the pairs within a fit
    that are in order, and its values are those of `linearise_share_of_pairs`.

    Args:
        ranking: (repeats, n); a single row stands beside each repeat of `fit`.
        positive: (n,) the class looked for.
        patient: (n,) from 0.
        folds: Fits of each repeat, whose training sets overlap; 0 where one fit scored all cases.
        fit: (repeats, n) which fit scored a case; None where one did.

    Raises:
        DataError: No fit scored a case of each class, so that there is no pair to put in order.
    """
    if positive.all() or not positive.any():
        raise _no_pair("all cases are of one class")
    # Of a single fit all cases are held against each other.
    if fit is None or (fit == fit[:, :1]).all():
        return auc_of_placements(_compute_placements(ranking, positive), positive, patient, folds)
    values = []
    # Else only cases that the same fit scored are.
    for scores, fits in zip(*np.broadcast_arrays(ranking, fit), strict=True):
        # Within each fit: the placement of a case, and the cases of the other class beside it.
        placed, others = np.zeros(len(scores)), np.zeros(len(scores))
        for rows in (fits == number for number in np.unique(fits)):
            n_positive, n_negative = positive[rows].sum(), (~positive[rows]).sum()
            if n_positive and n_negative:
                placed[rows] = _compute_placements(scores[None, rows], positive[rows])[0]
                others[rows] = np.where(positive[rows], n_negative, n_positive)
        if not others[positive].any():
            raise _no_pair("no fit scored cases of both classes")
        values.append(linearise_share_of_pairs(placed, others, positive))
    return auc_of_placements(np.array(values), positive, patient, folds)


def linearise_share_of_pairs(placed: Floats, pairs: Floats, positive: Flags) -> Floats:
    """Compute (n,) what each case is worth to the share of pairs that are in order.

    That is a ratio of two sums over cases, so it is A + w (V − A): A is the share, V the placement
    among the cases that a case is paired with, and w their number or weight over its mean.

    Args:
        placed: (n,) V.
        pairs: (n,) number or weight of a case's pairs, equal in sum for both classes.
    """
    whole = pairs[positive].sum()
    area = float(pairs[positive] @ placed[positive] / whole)
    weight = pairs * np.where(positive, positive.sum(), (~positive).sum()) / whole
    values: Floats = area + weight * (placed - area)
    return values


def _compute_placements(ranking: Floats, positive: Flags) -> Floats:
    """Compute placements (DeLong et al. 1988): shares of pairs ranked rightly, ties half.

    Args:
        ranking: (repeats, n), all of one fit.
        positive: (n,), some of them.

    Returns:
        (repeats, n): of a positive the share of negatives below it, of a negative that of positives
        above.
    """
    # The placement of a case is its share of pairs won against the other class.
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    values = np.empty(ranking.shape)
    for scores, value in zip(ranking, values, strict=True):
        # Of each run of equal scores: positives and negatives below it, those in it count half.
        order = np.argsort(scores)
        ordered = scores[order]
        starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
        lengths = np.diff(starts, append=len(order))
        tied = np.add.reduceat(positive[order], starts, dtype=np.int64)
        positives = np.cumsum(tied) - tied / 2
        negatives = starts + lengths / 2 - positives
        value[order] = np.where(
            positive[order],
            np.repeat(negatives / n_negative, lengths),
            np.repeat((n_positive - positives) / n_positive, lengths),
        )
    return values


def _no_pair(fault: str) -> DataError:
    """Refuse scores that hold no pair of both classes by one fit."""
    return DataError(
        fault,
        where="AUC",
        allowed="scores of at least one positive and one negative case by the same fit",
        remedy="add cases of the class that is missing, or make fewer folds",
    )


def macro_auc_of_scores(
    probability: Floats,
    label: Whole,
    patient: Whole,
    folds: int = 0,
    fit: Whole | None = None,
) -> Linearised:
    """Compute the macro one-vs-rest AUC of several classes from placement values.

    A case of class c counts in the AUC of c as a positive and in those of all other classes k as
    one of the n − nₖ negatives: wᵢ = (V_c + Σₖ V_k n_c / (n − nₖ)) / K. The variance of the mean
    AUC is then the sum over classes of the variance of the mean of w (Hoeffding's projection of a
    generalised U statistic; Lehmann 1951, *Ann. Math. Stat.* 22:165), with two classes DeLong's.
    The numbers of cases of each class are taken as given.

    Args:
        probability: (repeats, n, n_classes).
    """
    # Each class in turn against all others.
    classes, counts = np.unique(label, return_counts=True)
    own_count = counts[np.searchsorted(classes, label)]
    values = np.zeros(probability.shape[:2])
    for k, count in zip(classes.tolist(), counts.tolist(), strict=True):
        positive = label == k
        # Influences over both sides of each class are put on the scale of the case's own class.
        weight = np.where(positive, 1.0, own_count / (len(label) - count))
        values += weight * auc_of_scores(probability[:, :, k], positive, patient, fit=fit).influence
    # A mean over several classes says more than the patients of the smallest one.
    most = MOST_CASES if len(classes) == 2 else np.inf
    return auc_of_placements(values / len(classes), label, patient, folds, most)


def detectability(auc: float) -> float:
    """Compute d_a = √2 Φ⁻¹(AUC), the distance of two equal normal densities with that AUC.

    Args:
        auc: In (0, 1); 0.5 gives 0.
    """
    return float(np.sqrt(2) * scipy.special.ndtri(auc))


def find_efficiency(auc: float, ideal: float) -> Estimate:
    """Compute (d_a / d_ideal)², the share of the images' information that a model uses.

    A model worse than chance uses none. (Barrett & Myers 2004, *Foundations of Image Science*,
    §13.2.)

    Args:
        auc: Of a model.
        ideal: Of the ideal observer, on the same cases.

    Returns:
        Without an interval; undefined where either has an endless distance, or the ideal none.
    """
    # At 0.5 the ideal observer has no information to use, at 1 it is endless.
    if not 0.5 < ideal < 1:
        return Estimate(None, reason=f"undefined where the ideal observer's AUC is {ideal:g}")
    if not 0 < auc < 1:
        return Estimate(None, reason=f"undefined where the model's AUC is {auc:g}")
    return Estimate(max(0.0, detectability(auc) / detectability(ideal)) ** 2)


def estimate_efficiency(model: Linearised, ideal: Linearised) -> Estimate:
    """Estimate `find_efficiency` with its interval.

    The ratio's variance is by the delta method on the paired placements.

    Args:
        model: AUC of a model.
        ideal: AUC of the ideal observer, of the same cases.
    """
    found = find_efficiency(model.value, ideal.value)
    if found.value is None:
        return found
    # The ratio of detectabilities, and its linear part by the delta method.
    d_model, d_ideal = detectability(model.value), detectability(ideal.value)
    ratio = d_model / d_ideal
    slopes = [np.sqrt(2) / normal_density(d / np.sqrt(2)) for d in (d_model, d_ideal)]
    linear = combination([(slopes[0] / d_ideal, model), (-slopes[1] * d_model / d_ideal**2, ideal)])
    half_width = linear.variation.half_width
    # Squared at the end: an interval of a square would reach below 0.
    low, high = (max(0.0, bound) ** 2 for bound in (ratio - half_width, ratio + half_width))
    return Estimate(found.value, low, high, "delta method on paired DeLong")
