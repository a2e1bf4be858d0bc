"""What is said of two learning curves, whichever shape the second has.

The baseline's AUC follows limit − scale · n^(−rate); the network's does too, or takes off late,
levels out just beyond what is tried, or rises in two phases. Every draw adds noise that both arms
share in part and that falls with the number of cases; every test patient adds noise of his own,
which the fits share in part. `run.py` puts the section on
the page; alone it prints it.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skiagram.seeding import stream
from skiagram.statistics.bootstrap import PatientDraws, draw_patients
from skiagram.sweeps.learning_curves import (
    PowerLaw,
    ResampledModel,
    draw_multipliers,
    find_crossing,
)

Floats = NDArray[np.float64]
SIZES = np.array([50.0, 100, 200, 400, 600])
REACH = 2 * float(SIZES[-1])
REPLICATES = 200
ARMS = 2
DRAW_NOISE = 0.03  # standard deviation at 50 cases; it falls with the root of the number
DRAW_PARTS = (0.25, 0.25, 0.25, 0.25)  # by a draw: of all, of an arm, of a size, of a fit
PATIENT_PARTS = (0.5, 0.3, 0.1, 0.1)  # the same, by a patient
BASELINE = (0.92, 3.0, 0.783)  # AUC .78 with 50 cases, .90 with 600
NETWORK_LIMIT, NETWORK_RATE = 0.96, 0.7
GRID_STEP = 1.005  # half a step of the grid on which crossings are looked for
FALSE = ("overtakes", "does not overtake")


def _law(limit: float, scale: float, rate: float) -> Callable[[Floats], Floats]:
    law = PowerLaw(*(np.array([value]) for value in (limit, scale, rate)))
    return lambda cases: law.at(cases)[0]


baseline_auc = _law(*BASELINE)


def _crossing_law(place: float) -> Callable[[Floats], Floats]:
    """Return the network's power law that meets the baseline's at some number of cases."""
    below = NETWORK_LIMIT - float(baseline_auc(np.array([place]))[0])
    return _law(NETWORK_LIMIT, below * place**NETWORK_RATE, NETWORK_RATE)


def _rise(cases: Floats, middle: float, width: float) -> Floats:
    """Return (k,) a step from 0 to 1 in the logarithm of the number of cases."""
    step: Floats = 1 / (1 + (middle / cases) ** (1 / width))
    return step


SHAPES: dict[str, Callable[[Floats], Floats]] = {
    "power law, overtakes at 300": _crossing_law(300),
    "power law, at 900": _crossing_law(900),
    "power law, at 2,500": _crossing_law(2500),
    "late take-off, at 1,019": lambda cases: 0.6 + 0.33 * _rise(cases, 535, 0.25),
    "plateau below, never": lambda cases: _crossing_law(700)(np.minimum(cases, SIZES[-1])),
    "two phases, at 450": lambda cases: (
        _crossing_law(450)(cases) - 0.08 * (1 - _rise(cases, 220, 0.12))
    ),
}


@dataclass(frozen=True)
class CurvesDesign:
    """Two learning curves, measured.

    Attributes:
        shape: Of the network's curve, a name of `SHAPES`.
        draws: Draws of nested subsets.
        patients: Test patients of a draw.
        noise: Standard deviation of what a patient adds.
        part: Share of all patients that a draw tests; below 1 draws share patients by chance.
    """

    shape: str
    draws: int
    patients: int
    noise: float
    part: float = 1.0

    @property
    def title(self) -> str:
        """Return the design in words."""
        tested = f"{self.patients} patients"
        anew = " anew in each draw" if self.part < 1 else ""
        quiet = ", little noise" if self.noise < 0.1 else ""
        return f"{self.draws} draws, {tested}{anew}{quiet}"

    @cached_property
    def place(self) -> float:
        """Return the number of cases from which the network's curve stays above, up to `REACH`."""
        grid = np.geomspace(SIZES[0], REACH, 4000)
        below = np.flatnonzero(SHAPES[self.shape](grid) <= baseline_auc(grid))
        last = int(below[-1]) if len(below) else -1
        return np.inf if last == len(grid) - 1 else float(grid[last + 1])

    @property
    def true_auc(self) -> Floats:
        """Return (arms, sizes) the AUC over all draws and patients, the baseline's first."""
        return np.stack([baseline_auc(SIZES), SHAPES[self.shape](SIZES)])


DESIGNS = tuple(
    CurvesDesign(shape, *rest)
    for rest in ((5, 156, 0.4), (5, 156, 0.04), (5, 100, 0.4, 0.2))
    for shape in SHAPES
)


@dataclass(frozen=True)
class Measured:
    """One simulated set.

    Attributes:
        auc: (arms, sizes, draws) on endless test patients.
        added: (arms, sizes, draws, all patients) what each would add.
        tested: (k,) patients that each draw tests.
    """

    auc: Floats
    added: Floats
    tested: list[NDArray[np.int64]]

    def areas(self, draw: int, counts: NDArray[np.uint8]) -> Floats:
        """Return (arms, sizes, 1 + replicates) the AUC of a draw, then of its resamples.

        Args:
            draw: The draw.
            counts: (replicates, k) how often each of its patients is drawn.
        """
        weights = np.vstack([np.ones((1, counts.shape[1])), counts.astype(np.float64)])
        total = self.added[:, :, draw, self.tested[draw]] @ weights.T
        areas: Floats = self.auc[:, :, draw, None] + total / weights.sum(axis=1)
        return areas


def measure(design: CurvesDesign, generator: np.random.Generator) -> Measured:
    """Simulate one set."""
    everyone = round(design.patients / design.part)
    falling = DRAW_NOISE * np.sqrt(SIZES[0] / SIZES)[:, None]
    drawn = _mixture(DRAW_PARTS, (design.draws,), design.draws, generator)
    added = design.noise * _mixture(PATIENT_PARTS, (1, everyone), design.draws, generator)
    tested = [
        np.sort(generator.permutation(everyone)[: design.patients]) for _ in range(design.draws)
    ]
    return Measured(design.true_auc[:, :, None] + falling * drawn, added, tested)


def _mixture(
    parts: tuple[float, ...], units: tuple[int, ...], draws: int, generator: np.random.Generator
) -> Floats:
    """Return (arms, sizes, …) normal noise of variance 1 in four parts: see `DRAW_PARTS`."""
    sizes = len(SIZES)
    fit = (draws, *units[1:]) if len(units) > 1 else units
    shapes = ((1, 1, *units), (ARMS, 1, *units), (1, sizes, *units), (ARMS, sizes, *fit))
    noise = [
        np.sqrt(part) * generator.normal(size=shape)
        for part, shape in zip(parts, shapes, strict=True)
    ]
    mixed: Floats = sum(noise[1:], noise[0])
    return mixed


@dataclass(frozen=True)
class Said:
    """What is said of one set.

    Attributes:
        low: Lower bound of the fitted curves' crossing; infinite beyond reach.
        high: Upper bound.
        answer: Up to the most cases tried.
    """

    low: float
    high: float
    answer: str

    def holds(self, design: CurvesDesign) -> bool:
        """Return whether the interval holds the truth."""
        return self.low <= design.place * GRID_STEP and design.place <= self.high * GRID_STEP


def say(measured: Measured, everyone: PatientDraws, multipliers: Floats) -> Said:
    """Return what the learning curves say.

    Args:
        measured: The set.
        everyone: Resamples of all patients.
        multipliers: (replicates, draws) of the draws' deviations.
    """
    parts = [everyone.counts[:, rows] for rows in measured.tested]
    areas = np.stack([measured.areas(draw, one) for draw, one in enumerate(parts)], axis=2)
    baseline, network = (
        ResampledModel(arm, arm, arm, one, ())
        for arm, one in zip(("classical", "deep"), areas, strict=True)
    )
    crossing = find_crossing(network, baseline, SIZES, multipliers, REACH)
    if crossing is None:
        raise ValueError("a simulated curve was not fitted")
    low, high = (np.inf if bound is None else bound for bound in (crossing.low, crossing.high))
    return Said(low, high, crossing.answer)


def simulate_curves(design: CurvesDesign, simulations: int) -> tuple[Floats, float]:
    """Return how often the interval holds and each answer is given, and how often one is false.

    Returns:
        (3,) shares: the interval holds the truth, "overtakes" and "does not overtake" are said; the
        share of answers that the truth contradicts.
    """
    generator = stream(0, "learning curves", repr(design))
    counts, false = np.zeros(3), 0
    for number in range(simulations):
        measured = measure(design, generator)
        people = np.arange(measured.added.shape[-1])
        everyone = draw_patients(people, len(people), REPLICATES, number)
        answered = say(measured, everyone, draw_multipliers(design.draws, REPLICATES, number))
        counts += [answered.holds(design), *(answered.answer == one for one in FALSE)]
        false += answered.answer == FALSE[int(design.place <= SIZES[-1])]
    return counts / simulations, false / simulations


def learning_curves_section(simulations: int) -> str:
    """Simulate every design and return the section of the page."""
    rows, worst = "", 0.0
    for design in DESIGNS:
        shares, false = simulate_curves(design, simulations)
        worst = max(worst, false)
        cells = [f"{100 * share:.1f} %" for share in shares]
        title = design.title if design.shape == next(iter(SHAPES)) else ""
        rows += f"| {title} | {design.shape} | {' | '.join(cells)} |\n"
        sys.stderr.write(f"{design.title}, {design.shape}: {cells} false {false}\n")
    error = 100 * float(np.sqrt(0.025 * 0.975 / simulations))
    return f"""
## Learning curves that cross

Two learning curves, each the mean of a few draws, at 50 to {SIZES[-1]:,.0f} training cases.
{simulations} sets per row, {REPLICATES} resamples each; a share near 2.5 % has a standard error of
{error:.1f} percentage points. *Holds*: the 95 % interval of the fitted power laws contains the
number of cases at which the network overtakes, which is promised of power laws alone. Then what
the page says firmly up to {SIZES[-1]:,.0f} cases, by what was measured there. The truth contradicts
a firm answer in up to {100 * worst:.1f} % of the sets of a row. Else the answer is "open".

| draws, test patients | network's curve | holds | "overtakes" | "does not overtake" |
|---|---|---|---|---|
{rows}"""


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    sys.stdout.write(learning_curves_section(*[*words, *(500,)[len(words) :]]))
