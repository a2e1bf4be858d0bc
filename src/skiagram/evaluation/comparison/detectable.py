"""How small a difference a comparison can find."""

import numpy as np
from scipy.stats import norm

from skiagram.evaluation.records.estimate import Estimate

LEVEL = 0.05
POWER = 0.8


def detectable_difference(variance: float, patients: int) -> Estimate:
    """Return the smallest true difference that is found with a chance of 80 % at 5 %, two-sided.

    Args:
        variance: Of the paired difference on that many patients, ≥ 0.
        patients: Number of reported patients, for the words.
    """
    if not variance > 0:
        return Estimate(None, reason="the variance of the difference cannot be seen")
    factor = float(norm.ppf(1 - LEVEL / 2) + norm.ppf(POWER))
    method = f"80 % power at 5 %, two-sided, paired variance on {patients} patients"
    return Estimate(factor * float(np.sqrt(variance)), method=method)
