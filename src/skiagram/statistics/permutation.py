"""What chance alone brings: labels dealt out again by patient, and the AUCs that follow."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def permute_by_patient(label: Labels, patient: Labels, generator: np.random.Generator) -> Labels:
    """Return (n,) labels dealt out again, those of a patient (numbered from 0) together."""
    order = generator.permutation(int(patient.max()) + 1)
    dealt = np.empty_like(label)
    dealt[np.argsort(patient, kind="stable")] = label[np.argsort(order[patient], kind="stable")]
    return dealt


def indicators(labels: Labels, classes: Labels) -> Floats:
    """Return (n, labelings × classes) 0 or 1 for (n, labelings) labels."""
    whole: Floats = (labels[:, :, None] == classes).astype(np.float64)
    return whole.reshape(len(labels), -1)


def class_aucs(scores: Floats, labels: Labels, classes: Labels) -> Floats:
    """Return (labelings, classes) AUC of each class against all others.

    Args:
        scores: (n, labelings × classes), higher for the class.
        labels: (n, labelings).
        classes: (classes,) those wanted.
    """
    positive = indicators(labels, classes)
    count = positive.sum(axis=0)
    ranks = (rankdata(scores, axis=0) * positive).sum(axis=0)
    areas = (ranks - count * (count + 1) / 2) / (count * (len(labels) - count))
    return np.asarray(areas.reshape(-1, len(classes)))
