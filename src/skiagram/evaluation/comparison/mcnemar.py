"""Whether two models name equally many cases rightly."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, chi2

from skiagram.evaluation.records.comparison import McNemar

EXACT = "exact McNemar"
CLUSTERED = "McNemar, clustered by patient"


def mcnemar(
    right: NDArray[np.bool_], other_right: NDArray[np.bool_], patient: NDArray[np.int64]
) -> McNemar:
    """Test whether two models are right equally often.

    With one case a patient the test is McNemar's (1947) in its exact form. Where patients have
    several cases, these count by patient: z² = (Σ dₖ)² / Σ dₖ², dₖ being the patient's cases that
    only the one names rightly minus those that only the other does (Durkalski et al. 2003,
    *Statistics in Medicine* 22:2417).

    Args:
        right: (n,) whether the one model names the case rightly.
        other_right: (n,) whether the other does.
        patient: (n,) patients numbered from 0.
    """
    only_model, only_other = int((right & ~other_right).sum()), int((other_right & ~right).sum())
    if len(np.unique(patient)) == len(patient):
        return McNemar(only_model, only_other, _exact(only_model, only_other), EXACT)
    net = np.bincount(patient, weights=right.astype(np.float64) - other_right)
    spread = float((net**2).sum())
    p = float(chi2.sf(net.sum() ** 2 / spread, 1)) if spread > 0 else 1.0
    return McNemar(only_model, only_other, p, CLUSTERED)


def _exact(only_model: int, only_other: int) -> float:
    discordant = only_model + only_other
    return float(binomtest(only_model, discordant).pvalue) if discordant else 1.0
