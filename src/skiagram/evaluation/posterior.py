"""How probable a worthwhile gain is, in the words that a decision needs."""

import numpy as np
from scipy.stats import t

from skiagram.evaluation.results import Estimate, GainProbabilities
from skiagram.evaluation.variation import Variation

PRIOR = "flat: before the run every difference was equally probable"


def gain_probabilities(
    difference: Estimate, variation: Variation, margin: float
) -> GainProbabilities | None:
    """Return where a true difference probably lies with regard to ± margin.

    Under a flat prior the posterior of the difference is Student's t around the estimate, with its
    standard error and degrees of freedom; normal where these are infinite (Gelman et al. 2013,
    *Bayesian Data Analysis*, 3rd ed., §2.5 and §3.2). Its central 95 % are the interval of the
    estimate, so the two never contradict each other.

    Args:
        difference: The figure of the one minus that of the other.
        variation: Of that difference.
        margin: Smallest difference that counts, > 0.

    Returns:
        None where no variance can be seen, unless the two are the same.
    """
    value = difference.value
    if value is None or difference.low is None or difference.high is None:
        return None
    if variation.variance > 0:
        posterior = t(variation.degrees, loc=value, scale=float(np.sqrt(variation.variance)))
        above, worse = float(posterior.sf(margin)), float(posterior.cdf(-margin))
        return GainProbabilities(above, max(0.0, 1 - above - worse), worse, PRIOR)
    if difference.low == difference.high == 0:
        return GainProbabilities(0.0, 1.0, 0.0, PRIOR)
    return None
