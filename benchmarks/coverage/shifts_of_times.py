"""How often the C indices of test and of held-out development cases are told apart by chance.

Both sides are drawn alike: normal scores, a log hazard that is their sum with noise, exponential
times and one end of follow-up.
"""

import numpy as np
from scipy.special import ndtr
from simulation import Row, Simulation

from skiagram.seeding import stream
from skiagram.statistics.distributions import t_p_value
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.survival import harrell_concordance
from skiagram.statistics.variation import error_of_shift

FOLDS = 5
MANY = 200_000  # draws that tell when the follow-up ends
# development patients, test patients, share with the event
DESIGNS = ((200, 100, 0.1), (200, 100, 0.3), (300, 300, 0.05), (100, 100, 0.7), (400, 80, 0.3))


def draw_concordance(
    patients: int, end: float, folds: int, generator: np.random.Generator
) -> Linearised:
    """Return the C index of one side, its patients dealt out to folds."""
    score = generator.normal(size=patients)
    time = generator.exponential(np.exp(-score))
    fit = generator.permutation(patients) % folds
    seen = np.minimum(time, end), time <= end
    return harrell_concordance(score, *seen, fit, np.arange(patients))


def simulate(design: tuple[int, int, float], simulations: int) -> Row:
    """Return how often p is below 5 %, by Student's t and by the normal quantile."""
    development, tested, share = design
    generator = stream(0, "shifts of times", str(development), str(tested), str(share))
    end = float(np.quantile(generator.exponential(np.exp(-generator.normal(size=MANY))), share))
    by_student, by_normal = 0, 0
    for _ in range(simulations):
        known = draw_concordance(development, end, FOLDS, generator)
        found = draw_concordance(tested, end, 1, generator)
        patients = development, tested
        error = error_of_shift(known.variation, found.variation, patients, FOLDS)
        if not error > 0 or not np.isfinite(found.value - known.value):
            continue  # nothing is said
        ratio = (found.value - known.value) / error
        degrees = min(known.variation.degrees, found.variation.degrees)
        by_student += t_p_value(ratio, degrees) < 0.05
        by_normal += float(2 * ndtr(-abs(ratio))) < 0.05
    return {
        "development + test patients": f"{development} + {tested}",
        "events among the test cases": round(share * tested),
        "told apart %": by_student / simulations,
        "by the normal quantile %": by_normal / simulations,
    }


TABLES = (Simulation("shifts-of-a-time", DESIGNS, simulate, 0.25),)
