"""How often intervals of errors of a number hold, and how often equal models are told apart.

Two models tell a number with errors, half of whose variance the images of a patient share; the
errors are normal, have heavier tails, or are now and then gross. True figures are those of many
patients with one image each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from simulation import (
    Patients,
    Row,
    Simulation,
    exceeds,
    holds,
    is_apart,
    name_shares,
)

from skiagram.seeding import stream
from skiagram.statistics.agreement import (
    absolute_error,
    agreement_limit,
    calibration_slope,
    intraclass_correlation,
    mean_difference,
    root_mean_square_error,
)
from skiagram.statistics.linearised import Linearised
from skiagram.tasks.number import Number

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
SHARED, SPREAD = 0.5, 2.0  # of the variance, by a patient's images; of the number, in errors
TRUTH_PATIENTS = 400_000
GROSS = "1 % gross"


def draw_gross(generator: np.random.Generator, size: int) -> Floats:
    """Return normal errors of which one in a hundred is ten times as large."""
    gross: Floats = generator.normal(size=size) * np.where(generator.random(size) < 0.01, 10, 1)
    return gross


ERRORS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda generator, size: generator.normal(size=size),
    "Laplace": lambda generator, size: generator.laplace(size=size) / np.sqrt(2),
    "t of 5": lambda generator, size: generator.standard_t(5, size=size) / np.sqrt(5 / 3),
    GROSS: draw_gross,
}


def _upper_limit(predicted: Floats, measured: Floats, patient: Labels) -> Linearised:
    return agreement_limit(predicted, measured, patient, 1)


FIGURES: dict[str, Callable[[Floats, Floats, Labels], Linearised]] = {
    "MAE": absolute_error,
    "RMSE": root_mean_square_error,
    "ICC": intraclass_correlation,
    "bias": mean_difference,
    "upper limit": _upper_limit,
    "slope": calibration_slope,
}


@dataclass(frozen=True)
class NumberDesign(Patients):
    """Patients with one or three images each, or of whom every 20th has 25."""

    errors: str

    @property
    def title(self) -> str:
        return f"{self.described}, {self.errors}"


DESIGNS = tuple(
    NumberDesign(patients, images, errors)
    for errors in ERRORS
    for patients, images in ((20, 1), (50, 1), (200, 1), (60, 3), (100, None), (400, None))
)


def draw(
    patient: Labels, errors: str, generator: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Return (n,) measured numbers, and what two models tell."""

    def mix(draw_noise: Callable[[np.random.Generator, int], Floats]) -> Floats:
        shared = draw_noise(generator, int(patient[-1]) + 1)[patient]
        mixed: Floats = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * draw_noise(
            generator, len(patient)
        )
        return mixed

    measured = 10 + SPREAD * mix(ERRORS["normal"])
    return measured, measured + mix(ERRORS[errors]), measured + mix(ERRORS[errors])


def simulate(design: NumberDesign, simulations: int, *again: str) -> Row:
    """Return shares: each figure held, equal models told apart, new numbers in their intervals."""
    generator = stream(0, "number errors", design.title, *again)
    true = find_truth(design.errors)
    patient, counts, covered = design.patient, np.zeros(len(FIGURES) + 1), 0.0
    for _ in range(simulations):
        measured, *models = draw(patient, design.errors, generator)
        for place, (name, figure) in enumerate(FIGURES.items()):
            estimate = figure(models[0], measured, patient).estimate()
            counts[place] += holds(estimate, true[name])
        first, second = (absolute_error(model, measured, patient) for model in models)
        counts[-1] += is_apart(first - second)
        covered += _new_numbers_covered(models[0], measured, design, generator)
    shares = name_shares((*FIGURES, "told apart", "new"), np.append(counts, covered) / simulations)
    return {"patients, errors": design.title, **shares}


def _new_numbers_covered(
    predicted: Floats, measured: Floats, design: NumberDesign, generator: np.random.Generator
) -> float:
    """Return the share of new patients' numbers in the intervals that these cases calibrate."""
    outcome = Number(column="number", centre=10.0, spread=SPREAD)
    no_group = np.zeros(len(predicted), dtype=np.int64)
    score = (predicted[:, None] - 10.0) / SPREAD
    calibration = outcome.calibrate(score, measured, no_group, design.patient)
    new, model, _ = draw(np.arange(200), design.errors, generator)
    _, low, high = calibration.probabilities((model[:, None] - 10.0) / SPREAD).T
    return float(((low <= new) & (new <= high)).mean())


@cache
def find_truth(errors: str) -> dict[str, float]:
    """Return the figures of many patients."""
    patient = np.arange(TRUTH_PATIENTS)
    measured, predicted, _ = draw(patient, errors, stream(0, "number errors", errors, "truth"))
    return {name: figure(predicted, measured, patient).value for name, figure in FIGURES.items()}


TABLES = tuple(
    Simulation(name, designs, simulate, part, exceeds(0.05, "told apart %"))
    for name, designs, part in (
        ("errors-of-a-number", [each for each in DESIGNS if each.errors != GROSS], 0.5),
        ("errors-of-a-number-2", [each for each in DESIGNS if each.errors == GROSS], 0.25),
    )
)
