"""AUCs by ranks, and what chance alone brings to them: labels dealt out again by patient."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.arrays import Floats, Whole


def permute_by_patient(
    label: Whole, patient: Whole, generator: np.random.Generator, number: int
) -> Whole:
    """Draw (n, number) labels dealt out again, each patient with another's labels.

    A patient with more images than the one whose labels it takes repeats them, from a random one
    on, so that no patient gets labels of two.

    Args:
        label: (n,).
        patient: (n,) numbered from 0.
        number: How many times labels are dealt out.
    """
    # Cases in order of patients, and where each patient's begin.
    count = np.bincount(patient)
    by_patient = np.argsort(patient, kind="stable")
    first, owner = np.cumsum(count) - count, patient[by_patient]
    # The number of a case among those of its patient.
    place = np.arange(len(label)) - first[owner]
    dealt = np.empty((len(label), number), dtype=label.dtype)
    for at in range(number):
        # Every patient takes the labels of another in their order, from a random one on.
        other, start = generator.permutation(len(count)), generator.random(len(count))
        size, begin = count[other], first[other]
        offset = (start * size).astype(np.int64)
        taken = begin[owner] + (place + offset[owner]) % size[owner]
        dealt[by_patient, at] = label[by_patient[taken]]
    return dealt


def indicators(labels: Whole, classes: Whole) -> Floats:
    """Encode labels as 0 and 1.

    Args:
        labels: (n, labelings).
        classes: (classes,) those wanted.

    Returns:
        (n, labelings × classes) float64.
    """
    whole: Floats = (labels[:, :, None] == classes).astype(np.float64)
    return whole.reshape(len(labels), -1)


def auc_of_ranks(ranks: Floats, positive: NDArray[np.bool_ | np.float64]) -> Floats:
    """Compute the AUC of each column of ranks, where ties share their mean rank.

    It is Mann and Whitney's U over the number of pairs.

    Args:
        ranks: (n, k) from 1.
        positive: Whether a row is of the class looked for, (n, 1) or for each column on its own.

    Returns:
        (k,).
    """
    count = positive.sum(axis=0)
    above = (ranks * positive).sum(axis=0) - count * (count + 1) / 2
    areas: Floats = above / (count * (len(ranks) - count))
    return areas


def class_aucs(scores: Floats, labels: Whole, classes: Whole) -> Floats:
    """Compute (labelings, classes) AUC of each class against all others.

    Args:
        scores: (n, labelings × classes), higher for the class.
        labels: (n, labelings).
        classes: (classes,) those wanted.
    """
    ranks = pd.DataFrame(scores).rank().to_numpy()
    return auc_of_ranks(ranks, indicators(labels, classes)).reshape(-1, len(classes))
