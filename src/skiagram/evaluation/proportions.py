"""Proportions with Wilson's interval, widened where cases of one patient resemble each other."""

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.results import Estimate

Z = 1.959963984540054


def wilson_interval(proportion: float, n: float) -> tuple[float, float]:
    """Return the 95 % score interval of Wilson (1927).

    Args:
        proportion: In [0, 1].
        n: Number of independent observations, > 0; need not be whole.
    """
    centre = (proportion + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(proportion * (1 - proportion) / n + Z**2 / (4 * n**2))
    low = 0.0 if proportion == 0 else float(centre - half)
    high = 1.0 if proportion == 1 else float(centre + half)
    return low, high


def effective_size(success: NDArray[np.float64], patient: NDArray[np.int64]) -> float:
    """Return how many independent cases hold the information of clustered ones.

    The number of cases over the design effect: the variance of the ratio estimator over patients
    against that of as many independent cases (Rao & Scott 1992). It is never more than the
    number of cases; where all cases agree no variance can be seen and it is the number of patients.

    Args:
        success: (n,) in [0, 1].
        patient: (n,) patients numbered from 0.
    """
    n = len(success)
    patients = len(np.unique(patient))
    proportion = float(success.mean())
    independent = proportion * (1 - proportion) / max(n - 1, 1)
    if patients < 2 or independent <= 0:
        return float(patients)
    sums = np.bincount(patient, weights=success - proportion)
    clustered = patients / (patients - 1) * float((sums**2).sum()) / n**2
    return n / max(clustered / independent, 1.0)


def proportion(success: NDArray[np.float64], patient: NDArray[np.int64]) -> Estimate:
    """Estimate a proportion with its interval by patient.

    Args:
        success: (n,) 1 or 0 a case; its mean where a case was judged several times.
        patient: (n,) patients numbered from 0.
    """
    if len(success) == 0:
        return Estimate(None, reason="no case to judge it on")
    value = float(success.mean())
    low, high = wilson_interval(value, effective_size(success, patient))
    clustered = len(np.unique(patient)) < len(patient)
    return Estimate(value, low, high, "Wilson, by patient" if clustered else "Wilson")
