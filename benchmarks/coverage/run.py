"""How often 95 % intervals hold the truth, and how often paired tests find what is not there.

    python benchmarks/coverage/run.py [SIMULATIONS [REPLICATES]]

Writes the rows to docs/results/coverage, a CSV for each table, in twenty minutes of one core;
docs/results/coverage.md says what they show. Data are drawn from
normal densities, so every true figure is known: a positive's score is shifted by d, AUC = Φ(d /
√2). Patients with several images share half of the variance. Each data set is new; resamples are
drawn `POOL` times a design and take turns, which leaves the chance of covering the truth as it is
and saves most of the time. Nothing is read. What subgroups, sites, readers, choices, folds, seeds
and lesions do, and other outcomes, stands in the modules beside this one.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from choosing_fits import choosing_fits_section
from concordance import concordance_section
from cumulative_incidence import cumulative_incidence_section
from decisions import decisions_section
from free_response import free_response_section
from grade_agreement import grade_agreement_section
from groups import groups_section
from means_over_draws import means_over_draws_section
from measured_outcomes import measured_outcomes_section
from near_bounds import near_bounds_section
from number_errors import number_errors_section
from numpy.typing import NDArray
from planned_times import planned_times_section
from procedures import procedures_section
from rare_and_alike import rare_and_alike_section
from rows import tables_of
from rules_of_tasks import rules_of_tasks_section
from scipy.stats import norm
from several_classes import several_classes_section
from several_findings import several_findings_section
from shifts_of_times import shifts_of_times_section
from within_fits import within_fits_section

from skiagram.evaluation.metrics import estimate_balanced_accuracy
from skiagram.seeding import stream
from skiagram.statistics.bootstrap import (
    LEVELS,
    PatientDraws,
    bca_interval,
    draw_patients,
)
from skiagram.statistics.delong import placements
from skiagram.statistics.discrimination import roc_auc
from skiagram.statistics.proportions import proportion
from skiagram.statistics.significance import mcnemar
from skiagram.statistics.variation import Z

Floats = NDArray[np.float64]
ROWS = Path(__file__).resolve().parents[2] / "docs/results/coverage"
AUCS = (0.7, 0.85, 0.95)
POOL = 10
SHARED = 0.5  # of the noise, by the images of a patient; by two models, of every image
METHODS = ("logit DeLong", "plain DeLong", "percentile", "BCa")
TESTS = ("paired DeLong", "bootstrap standard error", "McNemar")


@dataclass(frozen=True)
class Design:
    """Patients of either class and images of each; the positives stand first."""

    positives: int
    negatives: int
    images: int

    @property
    def title(self) -> str:
        """Return the design in words."""
        patients = f"{self.positives} + {self.negatives}"
        return f"{patients} patients, {self.images} images each" if self.images > 1 else patients

    @property
    def patient(self) -> NDArray[np.int64]:
        """Return (n,) the patient of each image."""
        return np.repeat(np.arange(self.positives + self.negatives), self.images)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return (n,) the true class of each image."""
        return self.patient < self.positives

    def noise(self, generator: np.random.Generator) -> Floats:
        """Draw (n,) standard normal noise."""
        of_images = generator.normal(size=len(self.patient))
        if self.images == 1:
            return of_images
        shared = generator.normal(size=self.positives + self.negatives)[self.patient]
        mixed: Floats = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * of_images
        return mixed


DESIGNS = (Design(10, 10, 1), Design(42, 114, 1), Design(100, 400, 1), Design(40, 60, 3))


def separation(auc: float) -> float:
    """Return d, the distance of the classes that gives an AUC."""
    return float(np.sqrt(2) * norm.ppf(auc))


def resamples(design: Design, replicates: int) -> list[PatientDraws]:
    """Return the pool of resamples of a design."""
    smallest = min(design.positives, design.negatives)
    return [draw_patients(design.patient, smallest, replicates, seed) for seed in range(POOL)]


def bootstrap_intervals(
    score: Floats, design: Design, draws: PatientDraws
) -> Iterator[tuple[float, float]]:
    """Yield the percentile and the BCa interval of an AUC; the former where BCa is undefined."""
    area = partial(roc_auc, score, design.positive)
    values = np.concatenate([area(block) for block in draws.weights()])
    values = values[np.isfinite(values)]
    jackknife = np.concatenate([area(block) for block in draws.left_out()])
    simple = tuple(np.quantile(values, LEVELS).tolist())
    yield simple
    yield bca_interval(float(area(np.ones((1, len(score))))[0]), values, jackknife) or simple


def auc_intervals(score: Floats, design: Design, draws: PatientDraws) -> Floats:
    """Return (4, 2) the intervals of `METHODS`."""
    placed = placements(score[None], design.positive, design.patient)
    logit, half = placed.estimate(), Z * np.sqrt(placed.variance())
    plain = (placed.value - half, placed.value + half)
    rows = [(logit.low, logit.high), plain, *bootstrap_intervals(score, design, draws)]
    return np.array(rows, dtype=np.float64)


def coverage(design: Design, auc: float, simulations: int, pool: list[PatientDraws]) -> Floats:
    """Return (4,) the share of intervals that hold the AUC."""
    generator = stream(0, "coverage", design.title, str(auc))
    held = np.zeros(len(METHODS))
    for k in range(simulations):
        score = design.noise(generator) + separation(auc) * design.positive
        low, high = auc_intervals(score, design, pool[k % POOL]).T
        held += (low <= auc) & (auc <= high)
    return held / simulations


def decisions_covered(design: Design, simulations: int) -> Floats:
    """Return (2,) how often intervals of sensitivity and of balanced accuracy hold the truth.

    Cases are called positive halfway between classes of AUC .85; both figures are then Φ(d / 2).
    """
    generator = stream(0, "decisions", design.title)
    distance = separation(0.85)
    true, positive = float(norm.cdf(distance / 2)), design.positive
    label, held = positive.astype(np.int64), np.zeros(2)
    for _ in range(simulations):
        called = design.noise(generator) + distance * positive >= distance / 2
        right = called[positive].astype(np.float64)
        estimates = (
            proportion(right, design.patient[positive]),
            estimate_balanced_accuracy(called[None].astype(np.int64), label, 2, design.patient),
        )
        held += [(one.low or 0.0) <= true <= (one.high or 0.0) for one in estimates]
    return held / simulations


def false_positives(design: Design, simulations: int, pool: list[PatientDraws]) -> Floats:
    """Return (3,) how often `TESTS` call two equal models of AUC .85 different at 5 %."""
    generator = stream(0, "null", design.title)
    rejected = np.zeros(len(TESTS))
    distance = separation(0.85)
    for k in range(simulations):
        shared = design.noise(generator)
        one, two = (
            np.sqrt(SHARED) * shared
            + np.sqrt(1 - SHARED) * design.noise(generator)
            + distance * design.positive
            for _ in range(2)
        )
        rejected += _told_apart(one, two, distance / 2, design, pool[k % POOL])
    return rejected / simulations


def _told_apart(
    one: Floats, two: Floats, limit: float, design: Design, draws: PatientDraws
) -> list[bool]:
    positive, patient = design.positive, design.patient
    first, second = (placements(each[None], positive, patient) for each in (one, two))
    exact = (first - second).estimate()
    areas = [
        np.concatenate([roc_auc(each, positive, block) for block in draws.weights()])
        for each in (one, two)
    ]
    spread = float(np.nanstd(areas[0] - areas[1], ddof=1))
    right, other = ((each >= limit) == positive for each in (one, two))
    p = mcnemar(right, other, patient).p
    return [
        not (exact.low or 0.0) <= 0 <= (exact.high or 0.0),
        abs(first.value - second.value) > Z * spread,
        p is not None and p < 0.05,
    ]


FIRST = """
## Intervals of an AUC

How often the 95 % interval contains the true AUC; {simulations:,} data sets per row, {replicates:,}
resamples each.

| positive + negative patients | true AUC | {methods} |
|---|---|---|---|---|---|
"""
SECOND = """
## Decisions at a fixed threshold, AUC .85

| positive + negative patients | sensitivity, Wilson by patient | balanced accuracy, of Wilson’s |
|---|---|---|
"""
THIRD = """
## Differences found between two equal models, AUC .85

| positive + negative patients | {tests} |
|---|{rules}|
"""


def row(*cells: str) -> str:
    """Return one line of a Markdown table."""
    return f"| {' | '.join(cells)} |\n"


def percent(share: float) -> str:
    """Write a share as per cent."""
    return f"{100 * share:.1f} %"


def simulate_all(simulations: int, replicates: int) -> str:
    """Simulate every design and return all sections."""
    pools = {design: resamples(design, replicates) for design in DESIGNS}
    text = FIRST.format(simulations=simulations, replicates=replicates, methods=" | ".join(METHODS))
    for design, pool in pools.items():
        for auc in AUCS:
            shares = coverage(design, auc, simulations, pool)
            text += row(design.title, f"{auc:g}", *map(percent, shares))
    text += SECOND
    for design in DESIGNS:
        text += row(design.title, *map(percent, decisions_covered(design, simulations)))
    text += THIRD.format(tests=" | ".join(TESTS), rules="|".join("---" for _ in TESTS))
    for design, pool in pools.items():
        text += row(design.title, *map(percent, false_positives(design, simulations, pool)))
    text += groups_section(max(1, simulations // 2))
    text += several_classes_section(max(1, simulations // 4))
    text += procedures_section(max(1, 3 * simulations // 4), simulations)
    text += within_fits_section(max(1, simulations // 2))
    text += free_response_section(max(1, simulations // 4))
    text += concordance_section(max(1, simulations // 4))
    text += cumulative_incidence_section(max(1, simulations // 4))
    text += planned_times_section(max(1, simulations // 4))
    text += shifts_of_times_section(max(1, simulations // 4))
    text += number_errors_section(max(1, simulations // 2))
    text += grade_agreement_section(max(1, simulations // 2))
    text += several_findings_section(max(1, simulations // 4))
    text += near_bounds_section(max(1, simulations // 4))
    text += measured_outcomes_section(max(1, simulations // 4))
    text += means_over_draws_section(max(1, simulations // 4))
    text += choosing_fits_section(max(1, simulations // 4))
    text += rare_and_alike_section(max(1, simulations // 4))
    text += rules_of_tasks_section(max(1, simulations // 8))
    return text + decisions_section(max(1, simulations // 4))


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    made = simulate_all(*[*words, *(2000, 1000)[len(words) :]])
    for name, rows in tables_of(made).items():
        (ROWS / name).write_text(rows, encoding="utf-8")
