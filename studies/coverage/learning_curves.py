"""What is said of two learning curves that cross, and of two that do not.

The AUC of either arm follows limit − scale · n^(−rate). Every draw adds noise that both arms share
in part and that falls with the number of cases; every test patient adds noise of his own, which the
fits share in part. "Before" is what the study did until it said "open": it drew as many draws as
there are with replacement, resampled each draw's test patients apart, and denied a crossing where
the fitted curves have none. `run.py` puts the section on the page; alone it prints it.
"""

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skiagram.seeding import stream
from skiagram.statistics.bootstrap import PatientDraws, draw_patients
from skiagram.studies.crossover.curves import (
    SURE,
    PowerLaw,
    ResampledModel,
    crossing,
    draw_multipliers,
    find_crossing,
    fit_power_law,
    select_draws,
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
UPPER = 0.975


@dataclass(frozen=True)
class CurvesDesign:
    """Two learning curves, measured.

    Attributes:
        place: Number of cases at which the network's curve overtakes; beyond `REACH`, it does not.
        draws: Draws of nested subsets.
        patients: Test patients of a draw.
        noise: Standard deviation of what a patient adds.
        part: Share of all patients that a draw tests; below 1 draws share patients by chance.
    """

    place: float
    draws: int
    patients: int
    noise: float
    part: float = 1.0

    @property
    def title(self) -> str:
        """Return the design in words."""
        tested = f"{self.patients} test patients"
        anew = " anew in each draw" if self.part < 1 else ""
        quiet = ", little test noise" if self.noise < 0.1 else ""
        return f"{self.draws} draws, {tested}{anew}{quiet}"

    @property
    def crosses(self) -> bool:
        """Return whether the network's curve overtakes within reach."""
        return self.place <= REACH

    @property
    def true_auc(self) -> Floats:
        """Return (arms, sizes) the AUC over all draws and patients, the baseline's first."""
        baseline = PowerLaw(*(np.array([value]) for value in BASELINE))
        there = float(baseline.at(np.array([self.place]))[0, 0])
        scale = (NETWORK_LIMIT - there) * self.place**NETWORK_RATE
        network = PowerLaw(*(np.array([one]) for one in (NETWORK_LIMIT, scale, NETWORK_RATE)))
        return np.stack([baseline.at(SIZES)[0], network.at(SIZES)[0]])


DESIGNS = tuple(
    CurvesDesign(place, *rest)
    for rest in ((5, 156, 0.4), (5, 156, 0.04), (10, 156, 0.04), (5, 100, 0.4, 0.2))
    for place in (300.0, 900.0, 2500.0)
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
        low: Lower bound of the crossing; infinite beyond reach.
        high: Upper bound.
        answer: `overtakes`, `does not overtake` or `open`.
    """

    low: float
    high: float
    answer: str

    def holds(self, design: CurvesDesign) -> bool:
        """Return whether the interval holds the truth."""
        true = design.place if design.crosses else np.inf
        return self.low <= true * GRID_STEP and true <= self.high * GRID_STEP


def say_now(measured: Measured, everyone: PatientDraws, multipliers: Floats) -> Said:
    """Return what the study says.

    Args:
        measured: The set.
        everyone: Resamples of all patients.
        multipliers: (replicates, draws) of the draws' deviations.
    """
    parts = [select_draws(everyone, rows).counts for rows in measured.tested]
    baseline, network = _models(measured, parts)
    found = find_crossing(network, baseline, SIZES, multipliers, REACH)
    if found is None:
        raise ValueError("a simulated curve was not fitted")
    bounds = (np.inf if bound is None else bound for bound in (found.low, found.high))
    return Said(*bounds, found.answer)


def say_before(measured: Measured, seed: int, counts: NDArray[np.int64]) -> Said:
    """Return what the study said before.

    Args:
        measured: The set.
        seed: Of the test patients' resamples.
        counts: (replicates, draws) how often a replicate takes each draw.
    """
    rows = np.arange(len(measured.tested[0]))
    apart = len({tuple(one) for one in measured.tested}) > 1
    parts = [
        draw_patients(rows, len(rows), len(counts), seed + number * apart).counts
        for number in range(len(measured.tested))
    ]
    laws = []
    for model in _models(measured, parts):
        point = model.areas[:, :, 0].mean(axis=1)
        resampled = np.einsum("sdb,bd->sb", model.areas[:, :, 1:], counts / counts.shape[1])
        weight = 1 / (resampled.var(axis=1) + 1e-6)
        laws.append(fit_power_law(SIZES, np.column_stack([point, resampled]).T, weight))
    found = crossing(laws[1], laws[0], float(SIZES[0]), REACH)
    low, high = np.quantile(found[1:], (1 - UPPER, UPPER), method="inverted_cdf")
    if not np.isfinite(found[0]):
        return Said(float(low), float(high), "does not overtake")
    sure = np.isfinite(found[1:]).mean() >= SURE
    return Said(float(low), float(high), "overtakes" if sure else "open")


def _models(measured: Measured, parts: list[NDArray[np.uint8]]) -> list[ResampledModel]:
    areas = np.stack([measured.areas(draw, one) for draw, one in enumerate(parts)], axis=2)
    return [
        ResampledModel(arm, arm, arm, one, ())
        for arm, one in zip(("classical", "deep"), areas, strict=True)
    ]


def simulate_curves(design: CurvesDesign, simulations: int, earlier: int) -> Floats:
    """Return (2, 4) shares of sets, before and now.

    Their columns: the interval holds the truth; then the answers "overtakes", "does not overtake"
    and "open".

    Args:
        design: The two curves.
        simulations: Sets that are judged as now.
        earlier: How many of them, the first ones, are judged as before too.
    """
    generator = stream(0, "learning curves", design.title, str(design.place))
    found = np.zeros((2, 4))
    for number in range(simulations):
        measured = measure(design, generator)
        people = np.arange(measured.added.shape[-1])
        everyone = draw_patients(people, len(people), REPLICATES, number)
        even = np.full(design.draws, 1 / design.draws)
        counts = generator.multinomial(design.draws, even, size=REPLICATES)
        multipliers = draw_multipliers(design.draws, REPLICATES, number)
        judged = {1: say_now(measured, everyone, multipliers)}
        if number < earlier:
            judged[0] = say_before(measured, number, counts)
        for row, said in judged.items():
            answers = ("overtakes", "does not overtake", "open")
            found[row] += [said.holds(design), *(said.answer == answer for answer in answers)]
    return found / [[earlier], [simulations]]


def learning_curves_section(simulations: int, earlier: int) -> str:
    """Simulate every design and return the section of the page.

    Args:
        simulations: Sets of every design.
        earlier: How many of them are judged as before too.
    """
    rows, denied = "", np.zeros((2, 2))
    for design in DESIGNS:
        shares = simulate_curves(design, simulations, earlier)
        place = f"{design.place:,.0f}" + ("" if design.crosses else ", beyond reach")
        cells = [f"{100 * before:.1f} → {100 * now:.1f} %" for before, now in shares.T]
        rows += f"| {design.title} | {place} | {' | '.join(cells)} |\n"
        sys.stderr.write(f"{design.title}, {place}: {cells}\n")
        if design.crosses:
            denied += [[one, 1.0] for one in shares[:, 2]]
    before, now = 100 * denied[:, 0] / denied[:, 1]
    return f"""
## Learning curves that cross

Two learning curves, each the mean of a few draws, at 50 to 600 training cases; statements go up to
{REACH:,.0f}. {simulations} sets per row, {REPLICATES} resamples each; a share near 95 % has a
standard error of {percent_error(simulations):.1f} percentage points. *Holds*: the 95 % interval
contains the number of cases at which the network overtakes. Where that is beyond reach no interval
can miss it on the far side, so nearly all hold. Then what the page says; all before → now. Before
(the first {earlier} of these sets), a crossing was denied wherever the fitted curves have none: in
{before:.1f} % of the sets in which the network does overtake, now in {now:.1f} %. The price is
"open" where the data cannot tell.

| draws and test patients | overtakes at | holds | "overtakes" | "does not overtake" | "open" |
|---|---|---|---|---|---|
{rows}"""


def percent_error(simulations: int) -> float:
    """Return the standard error of a share of 95 %, percentage points."""
    return 100 * float(np.sqrt(0.05 * 0.95 / simulations))


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    sys.stdout.write(learning_curves_section(*[*words, *(600, 125)[len(words) :]]))
