"""How often intervals of errors of a number hold, and how often equal models are told apart.

Two models tell a number with errors, half of whose variance the images of a patient share; the
errors are normal, have heavier tails, or are now and then gross. True figures are those of many
patients with one image each. `run.py` writes its rows as CSV; `python
benchmarks/coverage/number_errors.py [SIMULATIONS]` prints it alone.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from again import STARRED, describe_error, describe_patients, number_patients, simulate_again
from numpy.typing import NDArray

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
EVERY, IMAGES = 20, 25
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
class NumberDesign:
    """Patients with one or three images each, or of whom every 20th has 25."""

    patients: int
    images: int | None
    errors: str

    @property
    def title(self) -> str:
        return f"{describe_patients(self.patients, self.images)}, {self.errors}"

    @property
    def patient(self) -> Labels:
        """Return (n,) the patient of each image."""
        return number_patients(self.patients, self.images, EVERY, IMAGES)


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


def simulate(
    design: NumberDesign, true: dict[str, float], simulations: int, again: str = ""
) -> list[float]:
    """Return shares: each figure held, equal models told apart, new numbers in their intervals."""
    generator = stream(0, "number errors", design.title, *([again] if again else []))
    patient, counts, covered = design.patient, np.zeros(len(FIGURES) + 1), 0.0
    for _ in range(simulations):
        measured, *models = draw(patient, design.errors, generator)
        for place, (name, figure) in enumerate(FIGURES.items()):
            estimate = figure(models[0], measured, patient).estimate()
            low, high = estimate.low, estimate.high
            counts[place] += low is not None and high is not None and low <= true[name] <= high
        first, second = (absolute_error(model, measured, patient) for model in models)
        p = (first - second).p()
        counts[-1] += p is not None and p < 0.05
        covered += _new_numbers_covered(models[0], measured, design, generator)
    return [*(counts / simulations).tolist(), covered / simulations]


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


def _is_above(shares: list[float]) -> bool:
    """Return whether equal models are told apart more often than is promised."""
    return shares[len(FIGURES)] > 0.05


def find_truth(errors: str) -> dict[str, float]:
    """Return the figures of many patients."""
    patient = np.arange(TRUTH_PATIENTS)
    measured, predicted, _ = draw(patient, errors, stream(0, "number errors", errors, "truth"))
    return {name: figure(predicted, measured, patient).value for name, figure in FIGURES.items()}


def number_errors_section(simulations: int) -> str:
    """Simulate every design and return its title, what it asks, and its rows."""
    text = f"""
## Errors of a number

{simulations} data sets per row; every 20th patient has 25 images where few have most. Shares of
intervals (jackknife by patient; of errors on the logarithm, of the ICC on Fisher's z) that hold the
true figure, promised 95 %; *told apart*: two equal models by their mean absolute errors, promised
at most 5 %; *new*: numbers of new patients in the intervals of 90 % that the cases calibrate.
{STARRED}

| patients, errors | {" | ".join(FIGURES)} | told apart | new |
|---|{"---|" * len(FIGURES)}---|---|
"""
    true = {errors: find_truth(errors) for errors in ERRORS}

    def tabulate(designs: Iterable[NumberDesign], number: int) -> str:
        rows = ""
        for design in designs:
            shares, mark = simulate_again(
                partial(simulate, design, true[design.errors]), number, _is_above
            )
            cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
            rows += f"| {design.title}{mark} | {cells} |\n"
        return rows

    text += tabulate((each for each in DESIGNS if each.errors != GROSS), simulations)
    return f"""{text}
{describe_error(0.05, simulations)}

One error in a hundred is ten times as large:

| patients, errors | {" | ".join(FIGURES)} | told apart | new |
|---|{"---|" * len(FIGURES)}---|---|
{tabulate((each for each in DESIGNS if each.errors == GROSS), max(1, simulations // 2))}"""


if __name__ == "__main__":
    sys.stdout.write(number_errors_section(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
