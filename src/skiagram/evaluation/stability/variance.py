"""The variance of an AUC by source: the patients, the seed, and both together."""

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.delong import Placements, placements
from skiagram.evaluation.records.stability import VarianceSplit


def variance_split(
    ranking: NDArray[np.float64], positive: NDArray[np.bool_], patient: NDArray[np.int64]
) -> VarianceSplit | None:
    """Split the variance of a single fit's AUC into components of a crossed random-effects design.

    Every repeat scores the same patients, so patients and seeds are crossed. A single fit's DeLong
    variance holds patients + both, that of the mean over R repeats patients + both / R, and the
    variance of the repeats' AUCs seed + both; solved for the three, none below 0 (method of
    moments, as in Searle, Casella & McCulloch 1992, §4.3).

    Args:
        ranking: (repeats, n), higher = more likely positive.
        positive: (n,) true class; both classes occur.
        patient: (n,) patients numbered from 0.

    Returns:
        None with a single repeat.
    """
    repeats = len(ranking)
    if repeats < 2:
        return None
    single = [placements(one[None], positive, patient) for one in ranking]
    pooled = Placements(np.mean([one.value for one in single], axis=0), positive, patient)
    of_one = float(np.mean([one.variance() for one in single]))
    of_mean = pooled.variance()
    between = float(np.var([one.mean for one in single], ddof=1))
    both = max(0.0, (of_one - of_mean) * repeats / (repeats - 1))
    return VarianceSplit(
        patients=max(0.0, of_mean - both / repeats), seed=max(0.0, between - both), both=both
    )
