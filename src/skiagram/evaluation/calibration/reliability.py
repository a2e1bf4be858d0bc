"""Reliability curve and the parts of the Brier score."""

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from skiagram.evaluation.proportions import proportion
from skiagram.evaluation.records.calibration import BrierParts, ReliabilityBin

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
MOST_BINS = 10
CASES_PER_BIN = 20


def reliability_curve(
    probability: Floats, true: Flags, patient: NDArray[np.int64]
) -> tuple[ReliabilityBin, ...]:
    """Return observed shares against mean probabilities in bins of equal numbers of cases.

    At most ten bins, each of about twenty cases or more; equal probabilities share a bin. Repeats
    are further looks at the same patients: they narrow no interval.

    Args:
        probability: (repeats, n).
        true: (repeats, n) whether what the probability speaks of is so.
        patient: (n,) patients numbered from 0.
    """
    bins = int(np.clip(probability.shape[1] // CASES_PER_BIN, 1, MOST_BINS))
    flat, truth = probability.ravel(), true.ravel().astype(np.float64)
    whose = np.tile(patient, len(probability))
    edges = np.unique(np.quantile(flat, np.arange(1, bins) / bins))
    place = np.searchsorted(edges, flat, side="left")
    return tuple(
        ReliabilityBin(
            float(flat[rows].mean()),
            proportion(truth[rows], whose[rows]),
            round(int(rows.sum()) / len(probability)),
        )
        for rows in (place == k for k in np.unique(place))
    )


def brier_parts(probability: Floats, positive: Flags) -> BrierParts:
    """Split the Brier score without bins, mean over repeats.

    Murphy's (1973) reliability, resolution and uncertainty with the recalibrated probabilities of
    isotonic regression in the place of bin means, so that nothing is lost to binning (Dimitriadis,
    Gneiting & Jordan 2021, *PNAS* 118:e2016191118).

    Args:
        probability: (repeats, n) of the positive class.
        positive: (n,) true class.
    """
    truth = positive.astype(np.float64)
    uncertainty = float(truth.mean() * (1 - truth.mean()))
    parts = []
    for one in probability:
        recalibrated = IsotonicRegression().fit_transform(one, truth)
        left = float(np.mean((recalibrated - truth) ** 2))
        parts.append((float(np.mean((one - truth) ** 2)) - left, uncertainty - left))
    reliability, resolution = np.mean(parts, axis=0).tolist()
    return BrierParts(max(0.0, reliability), max(0.0, resolution), uncertainty)
