"""What intervals hold where a few patients have most of the images.

Every 20th patient has 25 images, all others one; half of the noise is shared by the images of a
patient. *Before*: the variance of the patients' sums with a normal quantile. *Now*: the mean of a
jackknife and an analysis of variance with Student's quantile on the effective patients.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from skiagram.seeding import stream
from skiagram.statistics.bootstrap import (
    PatientDraws,
    bca_interval,
    bootstrap_estimate,
    draw_patients,
    percentile_interval,
)
from skiagram.statistics.delong import (
    Placements,
    auc_estimate,
    combination,
    difference_estimate,
    placements,
)
from skiagram.statistics.discrimination import balanced_accuracy
from skiagram.statistics.proportions import proportion, wilson_interval
from skiagram.statistics.variation import Z, degrees_of_freedom

Floats = NDArray[np.float64]
EVERY, IMAGES, SHARED = 20, 25, 0.5
AUCS = (0.7, 0.95)
SENSITIVITY = 0.85
POOL = 10
BOOTSTRAPPED = 4  # one data set in so many is also resampled, as that takes most of the time


@dataclass(frozen=True)
class UnequalDesign:
    """Patients, of whom every 20th has 25 images.

    Attributes:
        patients: Number of patients, half of them positive at random.
        auc: True AUC.
    """

    patients: int
    auc: float

    @property
    def patient(self) -> NDArray[np.int64]:
        """Return (n,) the patient of each image."""
        images = np.ones(self.patients, dtype=np.int64)
        images[::EVERY] = IMAGES
        return np.repeat(np.arange(self.patients), images)

    @property
    def distance(self) -> float:
        """Return the distance of the classes, in standard deviations."""
        return float(np.sqrt(2) * norm.ppf(self.auc))

    def noise(self, generator: np.random.Generator) -> Floats:
        """Draw (n,) standard normal noise."""
        shared = generator.normal(size=self.patients)[self.patient]
        own = generator.normal(size=len(self.patient))
        mixed: Floats = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * own
        return mixed


DESIGNS = tuple(UnequalDesign(patients, auc) for patients in (100, 200, 400) for auc in AUCS)


def sums_variance(value: Floats, patient: NDArray[np.int64]) -> float:
    """Return the variance of a mean by the patients' sums, as it was before."""
    patients = len(np.unique(patient))
    sums = np.bincount(patient, weights=value - value.mean())
    return patients / (patients - 1) * float((sums**2).sum()) / len(value) ** 2


def former_half(found: Placements) -> float:
    """Return half the former interval of an AUC or a difference; no patient has both classes."""
    sides = (found.positive, ~found.positive)
    variance = sum(sums_variance(found.value[side], found.patient[side]) for side in sides)
    return Z * float(np.sqrt(variance))


def former_wilson(success: Floats, patient: NDArray[np.int64]) -> tuple[float, float]:
    """Return Wilson's interval on the cases over the former design effect."""
    value, n = float(success.mean()), len(success)
    independent = value * (1 - value) / (n - 1)
    if independent == 0:
        return wilson_interval(value, len(np.unique(patient)))
    effect = sums_variance(success, patient) / independent
    return wilson_interval(value, n / max(effect, 1.0))


def held(low: float | None, value: float, high: float | None) -> bool:
    """Return whether an interval holds a value."""
    return low is not None and high is not None and low <= value <= high


def simulate_unequal(design: UnequalDesign, simulations: int, replicates: int) -> Floats:
    """Return (8,) shares: AUC, sensitivity, balanced accuracy, no difference; each before, now."""
    generator = stream(0, "unequal patients", str(design.patients), str(design.auc))
    patient, counts = design.patient, np.zeros(8)
    pool = [draw_patients(patient, design.patients // 2, replicates, seed) for seed in range(POOL)]
    resampled = 0
    for number in range(simulations):
        positive = (generator.permutation(design.patients) < design.patients // 2)[patient]
        scores = [design.noise(generator) + design.distance * positive for _ in range(2)]
        found, other = (placements(one[None], positive, patient) for one in scores)
        counts[0:2] += _areas_held(found, design.auc)
        counts[6:8] += _no_difference(found, other)
        called = scores[0] >= design.distance - norm.ppf(SENSITIVITY)
        right, whose = called[positive].astype(np.float64), patient[positive]
        low, high = former_wilson(right, whose)
        now = proportion(right, whose)
        counts[2:4] += held(low, SENSITIVITY, high), held(now.low, SENSITIVITY, now.high)
        if number % BOOTSTRAPPED == 0:
            resampled += 1
            halfway = scores[0] >= design.distance / 2
            draws = pool[resampled % POOL]
            counts[4:6] += _balanced_held(halfway, positive, draws, design.distance)
    counts[4:6] *= simulations / resampled
    return counts / simulations


def _areas_held(found: Placements, auc: float) -> tuple[bool, bool]:
    half = former_half(found) / (found.mean * (1 - found.mean))
    bounds = expit(logit(found.mean) + np.array([-half, half]))
    now = auc_estimate(found)
    return held(float(bounds[0]), auc, float(bounds[1])), held(now.low, auc, now.high)


def _no_difference(found: Placements, other: Placements) -> tuple[bool, bool]:
    paired = combination([(1.0, found), (-1.0, other)])
    now = difference_estimate(found, other)
    return abs(paired.mean) <= former_half(paired), held(now.low, 0.0, now.high)


def _balanced_held(
    called: NDArray[np.bool_], positive: NDArray[np.bool_], draws: PatientDraws, distance: float
) -> tuple[bool, bool]:
    true = float(norm.cdf(distance / 2))
    label = positive.astype(np.int64)
    statistic = partial(balanced_accuracy, called.astype(np.int64), label, n_classes=2)
    own = degrees_of_freedom(draws.patient[positive], draws.patient[~positive])
    draws = PatientDraws(draws.counts, draws.patient, draws.smallest_class, own)
    now = bootstrap_estimate(statistic, draws)
    values = np.concatenate([statistic(block) for block in draws.weights()])
    values = values[np.isfinite(values)]
    left_out = np.concatenate([statistic(block) for block in draws.left_out()])
    value = float(statistic(np.ones((1, len(label))))[0])
    low, high = bca_interval(value, values, left_out) or percentile_interval(values)
    return held(low, true, high), held(now.low, true, now.high)


def unequal_patients_section(simulations: int, replicates: int) -> str:
    """Simulate every design and return the section of the page."""
    text = f"""
## Patients with unequal numbers of images

Every {EVERY}th patient has {IMAGES} images, all others one; {simulations:,} data sets per row, one
in {BOOTSTRAPPED} of them for the balanced accuracy. How often the interval contains the true value
(for the difference of two equal models: 0), before → now. *Before*: variance of the patients' sums,
normal quantile. *Now*: mean of the jackknife's and of an analysis of variance's estimate, Student's
quantile on the effective patients.

| patients | true AUC | AUC | sensitivity, Wilson | balanced accuracy, BCa | difference |
|---|---|---|---|---|---|
"""
    for design in DESIGNS:
        shares = 100 * simulate_unequal(design, simulations, replicates)
        cells = [f"{shares[k]:.1f} → {shares[k + 1]:.1f} %" for k in (0, 2, 4, 6)]
        text += f"| {design.patients} | {design.auc:g} | {' | '.join(cells)} |\n"
    return text
