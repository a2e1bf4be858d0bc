"""Trainings, D-calibration and intervals of numbers, of outcomes that are no classes.

Two procedures that are equally good, each trained several times, are compared on one sealed test
set by C, mean absolute error or κ; what a training is worth differs. Then how often D-calibration
refuses right survival, and how many numbers of new patients lie in their intervals. `run.py` writes
its rows as CSV; `python benchmarks/coverage/measured_outcomes.py [SIMULATIONS]` prints it
alone.
"""

import sys
from collections.abc import Sequence

import numpy as np
from again import describe_error, describe_patients
from numpy.typing import NDArray
from scipy.stats import norm

from skiagram.seeding import stream
from skiagram.statistics.agreement import absolute_error, quadratic_kappa
from skiagram.statistics.linearised import Linearised, mean_over_repeats
from skiagram.statistics.survival import d_calibration, harrell_concordance
from skiagram.tasks.number import Number

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
TESTED = 300  # patients of the sealed test set
SPREAD_OF_TRAININGS = 0.15  # of the logarithm of a training's noise
CUTS = norm.ppf((1 / 3, 2 / 3))
TRAININGS = (2, 3, 5, 10)
SHARED = 0.7  # of the variance of an error, by a patient's images


def _time(trait: Floats, scores: Sequence[Floats], generator: np.random.Generator) -> Linearised:
    time = generator.exponential(np.exp(-trait))
    end = generator.exponential(1.5, size=len(trait))
    one_fit, patient = np.zeros(len(trait), dtype=np.int64), np.arange(len(trait))
    seen = np.minimum(time, end), time <= end, one_fit, patient
    return mean_over_repeats([harrell_concordance(score, *seen) for score in scores])


def _number(trait: Floats, scores: Sequence[Floats]) -> Linearised:
    patient = np.arange(len(trait))
    return mean_over_repeats([absolute_error(score, trait, patient) for score in scores])


def _grade(trait: Floats, scores: Sequence[Floats]) -> Linearised:
    given, patient = np.searchsorted(CUTS, trait).astype(np.float64), np.arange(len(trait))
    told = [np.searchsorted(CUTS, score / score.std()).astype(np.float64) for score in scores]
    return mean_over_repeats([quadratic_kappa(each, given, patient) for each in told])


def compare_procedures(trainings: int, simulations: int) -> Floats:
    """Return (3, 2) by kind, how often equals are told apart, without and with s²/R."""
    generator = stream(0, "measured outcomes", "trainings", str(trainings))
    apart = np.zeros((3, 2))
    for _ in range(simulations):
        trait = generator.normal(size=TESTED)
        figures: list[list[Linearised]] = [[], [], []]
        shared = generator.normal(size=TESTED)  # errors that all trainings make alike
        seed = int(generator.integers(2**32))
        for _ in range(2):
            noise = 0.6 * np.exp(SPREAD_OF_TRAININGS * generator.normal(size=trainings))
            own = generator.normal(size=(trainings, TESTED))
            scores = [
                trait + each * (np.sqrt(0.8) * shared + np.sqrt(0.2) * single)
                for each, single in zip(noise, own, strict=True)
            ]
            figures[0].append(_time(trait, scores, np.random.default_rng(seed)))
            figures[1].append(_number(trait, scores))
            figures[2].append(_grade(trait, scores))
        for kind, (first, second) in enumerate(figures):
            gap = first - second
            alone = abs(gap.value) > 1.97 * np.sqrt(gap.variance())
            apart[kind] += [alone, (gap.p() or 1.0) < 0.05]
    return apart / simulations


def refuse_survival(
    patients: int, images: int, censored: float, simulations: int
) -> tuple[float, float, float]:
    """Return how often p < .05: of right survival by images and by patient, of hazards × 1.5."""
    generator = stream(0, "measured outcomes", "survival", f"{patients} {images} {censored}")
    counts, patient = np.zeros(3), np.repeat(np.arange(patients), images)
    for _ in range(simulations):
        hazard = np.exp(generator.normal(size=patients))
        time = generator.exponential(1 / hazard)
        end = np.quantile(time, 1 - censored) * generator.uniform(0.7, 1.3, size=patients)
        survival = np.exp(-hazard * np.minimum(time, end))[patient]
        event = (time <= end)[patient]
        of_each = np.arange(len(patient))
        told = [
            d_calibration(survival, event, of_each),
            d_calibration(survival, event, patient),
            d_calibration(survival**1.5, event, patient),
        ]
        counts += [p < 0.05 for _, p in told]
    first, second, third = (counts / simulations).tolist()
    return first, second, third


def cover_numbers(patients: int, images: int, simulations: int) -> Floats:
    """Return the mean share of new numbers held, and that of the lowest tenth of runs.

    The first row is of cases that weigh alike, the second of patients that do.
    """
    generator = stream(0, "measured outcomes", "numbers", f"{patients} {images}")
    outcome = Number(column="number", centre=0.0, spread=1.0)
    patient, held = np.repeat(np.arange(patients), images), np.zeros((2, simulations))
    no_group = np.zeros(len(patient), dtype=np.int64)
    for run in range(simulations):
        shared = generator.normal(size=patients)[patient]
        error = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * generator.normal(size=len(patient))
        for row, whose in enumerate((np.arange(len(patient)), patient)):
            half = outcome.calibrate(error[:, None], np.zeros(len(error)), no_group, whose).half
            held[row, run] = norm.cdf(half) - norm.cdf(-half)
    return np.stack([held.mean(axis=1), np.quantile(held, 0.1, axis=1)], axis=1)


def measured_outcomes_section(simulations: int) -> str:
    """Simulate every design and return its title, what it asks, and its rows."""
    text = f"""
## Trainings and patients of measured outcomes

{simulations} data sets per row. Two equal procedures, each trained so often, are told apart on one
test set of {TESTED} patients, by the variance over patients alone, and with the spread over
trainings s²/R, which is promised in at most 5 %:

| trainings | C, patients alone | C, with trainings | mean error, patients alone | \
mean error, with trainings | κ, patients alone | κ, with trainings |
|---|---|---|---|---|---|---|
"""
    for trainings in TRAININGS:
        cells = (f"{100 * each:.1f} %" for each in compare_procedures(trainings, simulations).flat)
        text += f"| {trainings} | {' | '.join(cells)} |\n"
    text += """
D-calibration, p below .05: of right survival, promised in at most 5 %, where images count each for
itself and where patients weigh alike; and, of patients, where all hazards are half too high.

| patients | censored | right, by image | right, by patient | hazards × 1.5 |
|---|---|---|---|---|
"""
    for patients, images in ((60, 4), (100, 1), (300, 1)):
        for censored in (0.2, 0.5, 0.7, 0.9):
            found = refuse_survival(patients, images, censored, simulations)
            cells = (f"{100 * each:.1f} %" for each in found)
            title = describe_patients(patients, images)
            text += f"| {title} | {100 * censored:g} % | {' | '.join(cells)} |\n"
    text += """
Numbers of new patients in their intervals of 90 %, on average and in the worst tenth of runs, where
images count each for itself and where patients weigh alike; seven tenths of an error's variance are
a patient's own.

| patients | by image | by image, worst tenth of runs | by patient | by patient, worst tenth \
of runs |
|---|---|---|---|---|
"""
    for patients, images in ((20, 1), (20, 10), (50, 4), (200, 3)):
        cells = (
            f"{100 * each:.1f} %" for each in cover_numbers(patients, images, simulations).flat
        )
        text += f"| {describe_patients(patients, images)} | {' | '.join(cells)} |\n"
    return f"""{text}
{describe_error(0.05, simulations)}
"""


if __name__ == "__main__":
    sys.stdout.write(measured_outcomes_section(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
