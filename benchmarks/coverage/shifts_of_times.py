"""How often the C indices of test and of held-out development cases are told apart by chance.

Both sides are drawn alike: normal scores, a log hazard that is their sum with noise, exponential
times and one end of follow-up. `run.py` writes its rows as CSV; `python
benchmarks/coverage/shifts_of_times.py [SIMULATIONS]` prints it alone.
"""

import sys

import numpy as np
from scipy.special import ndtr

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


def simulate(development: int, tested: int, share: float, simulations: int) -> tuple[float, float]:
    """Return how often p is below 5 %, by Student's t and by the normal quantile."""
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
    return by_student / simulations, by_normal / simulations


def shifts_of_times_section(simulations: int) -> str:
    """Simulate every design and return its title, what it asks, and its rows."""
    text = f"""
## Shifts of a time

{simulations} data sets per row, in which test and development cases are alike. *Told apart*: p of
the difference between the C of the test cases and that of held-out development cases is below 5 %,
by Student's t with the degrees of freedom of the side with fewer events, which is the rule, and by
the normal quantile. No model is trained here: the fit on all development cases, which is a little
better than those of the folds, is not in it.

| development + test patients | events among the test cases | told apart | by the normal quantile |
|---|---|---|---|
"""
    for development, tested, share in DESIGNS:
        student, normal = simulate(development, tested, share, simulations)
        text += (
            f"| {development} + {tested} | {round(share * tested)} | {100 * student:.1f} % "
            f"| {100 * normal:.1f} % |\n"
        )
    error = 100 * float(np.sqrt(0.05 * 0.95 / simulations))
    return f"""{text}
A share near 5 % has a standard error of {error:.1f} points.
"""


if __name__ == "__main__":
    sys.stdout.write(shifts_of_times_section(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
