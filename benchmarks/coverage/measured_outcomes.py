"""Trainings, D-calibration and intervals of numbers, of outcomes that are no classes.

Two procedures that are equally good, each trained several times, are compared on one sealed test
set by C, mean absolute error or κ; what a training is worth differs. Then how often D-calibration
refuses right survival, and how many numbers of new patients lie in their intervals.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from simulation import (
    Row,
    Simulation,
    describe_patients,
    draw_noise,
    name_shares,
    number_patients,
)

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
BY_PROCEDURE = tuple(
    f"{figure}, {way}"
    for figure in ("C", "mean error", "κ")
    for way in ("patients alone", "with trainings")
)
BY_SURVIVAL = ("right, by image", "right, by patient", "hazards × 1.5")
BY_NUMBER = tuple(
    f"by {unit}{worst}" for unit in ("image", "patient") for worst in ("", ", worst tenth of runs")
)
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


def compare_procedures(trainings: int, simulations: int) -> Row:
    """Return, by kind, how often equals are told apart, without and with s²/R."""
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
    return {"trainings": trainings, **name_shares(BY_PROCEDURE, (apart / simulations).flat)}


def refuse_survival(design: tuple[tuple[int, int], float], simulations: int) -> Row:
    """Return how often p < .05: of right survival by images and by patient, of hazards × 1.5."""
    (patients, images), censored = design
    generator = stream(0, "measured outcomes", "survival", f"{patients} {images} {censored}")
    counts, patient = np.zeros(3), number_patients(patients, images)
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
    return {
        "patients": describe_patients(patients, images),
        "censored %": f"{100 * censored:g}",
        **name_shares(BY_SURVIVAL, counts / simulations),
    }


def cover_numbers(design: tuple[int, int], simulations: int) -> Row:
    """Return the mean share of new numbers held, and that of the lowest tenth of runs.

    First where cases weigh alike, then where patients do.
    """
    patients, images = design
    generator = stream(0, "measured outcomes", "numbers", f"{patients} {images}")
    outcome = Number(column="number", centre=0.0, spread=1.0)
    patient, held = number_patients(patients, images), np.zeros((2, simulations))
    no_group = np.zeros(len(patient), dtype=np.int64)
    for run in range(simulations):
        error = draw_noise(patient, SHARED, generator)
        for row, whose in enumerate((np.arange(len(patient)), patient)):
            half = outcome.calibrate(error[:, None], np.zeros(len(error)), no_group, whose).half
            held[row, run] = norm.cdf(half) - norm.cdf(-half)
    shares = np.stack([held.mean(axis=1), np.quantile(held, 0.1, axis=1)], axis=1)
    return {"patients": describe_patients(patients, images), **name_shares(BY_NUMBER, shares.flat)}


TABLES = (
    Simulation(
        "trainings-and-patients-of-measured-outcomes", (2, 3, 5, 10), compare_procedures, 0.25
    ),
    Simulation(
        "trainings-and-patients-of-measured-outcomes-2",
        tuple(product(((60, 4), (100, 1), (300, 1)), (0.2, 0.5, 0.7, 0.9))),
        refuse_survival,
        0.25,
    ),
    Simulation(
        "trainings-and-patients-of-measured-outcomes-3",
        ((20, 1), (20, 10), (50, 4), (200, 3)),
        cover_numbers,
        0.25,
    ),
)
