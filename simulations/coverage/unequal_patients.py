"""What intervals hold where a few patients have most of the images.

Every 20th patient has 25 images, all others one; half of the noise is shared by the images of a
patient. Variances are the mean of a jackknife's and of an analysis of variance's estimate, with
Student's quantile on the effective patients.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

from skiagram.evaluation.calibration_assessment import calibration_slope, expected_to_observed
from skiagram.seeding import stream
from skiagram.statistics.bootstrap import PatientDraws, bootstrap_estimate, draw_patients
from skiagram.statistics.delong import auc_estimate, difference_estimate, placements
from skiagram.statistics.discrimination import balanced_accuracy
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import predictive_value_at_prevalence, proportion
from skiagram.statistics.variation import degrees_of_freedom

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
        of_images = generator.normal(size=len(self.patient))
        mixed: Floats = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * of_images
        return mixed


DESIGNS = tuple(UnequalDesign(patients, auc) for patients in (100, 200, 400) for auc in AUCS)


def held(one: Estimate, value: float) -> bool:
    """Return whether an interval holds a value."""
    return one.low is not None and one.high is not None and one.low <= value <= one.high


PREVALENCE = 0.1


def simulate_influences(design: UnequalDesign, simulations: int) -> Floats:
    """Return (3,) how often slope, expected over observed and a predictive value are held.

    Probabilities are those of the densities, so the slope is 1, and expected over observed for
    shares of the classes that are drawn anew.
    """
    generator = stream(0, "influences", str(design.patients), str(design.auc))
    patient, distance, counts = design.patient, design.distance, np.zeros(3)
    hit = float(norm.cdf(distance / 2))
    true = hit * PREVALENCE / (hit * PREVALENCE + (1 - hit) * (1 - PREVALENCE))
    for _ in range(simulations):
        positive = (generator.random(design.patients) < 0.5)[patient]
        score = design.noise(generator) + distance * positive
        probability = expit(distance * score - distance**2 / 2)[None]
        correct = ((score >= distance / 2) == positive).astype(np.float64)
        counts += (
            held(calibration_slope(probability, positive, patient), 1.0),
            held(expected_to_observed(probability, positive, patient), 1.0),
            held(predictive_value_at_prevalence(correct, positive, patient, PREVALENCE), true),
        )
    return counts / simulations


def simulate_unequal(design: UnequalDesign, simulations: int, replicates: int) -> Floats:
    """Return (4,) how often AUC, sensitivity, balanced accuracy and no difference are held."""
    generator = stream(0, "unequal patients", str(design.patients), str(design.auc))
    patient, counts = design.patient, np.zeros(4)
    pool = [draw_patients(patient, design.patients // 2, replicates, seed) for seed in range(POOL)]
    resampled = 0
    for number in range(simulations):
        positive = (generator.permutation(design.patients) < design.patients // 2)[patient]
        scores = [design.noise(generator) + design.distance * positive for _ in range(2)]
        found, other = (placements(one[None], positive, patient) for one in scores)
        called = scores[0] >= design.distance - norm.ppf(SENSITIVITY)
        share = proportion(called[positive].astype(np.float64), patient[positive])
        counts[0] += held(auc_estimate(found), design.auc)
        counts[1] += held(share, SENSITIVITY)
        counts[3] += held(difference_estimate(found, other), 0.0)
        if number % BOOTSTRAPPED == 0:
            resampled += 1
            halfway = scores[0] >= design.distance / 2
            draws = pool[resampled % POOL]
            counts[2] += _balanced_held(halfway, positive, draws, design.distance)
    counts[2] *= simulations / resampled
    return counts / simulations


def _balanced_held(
    called: NDArray[np.bool_], positive: NDArray[np.bool_], draws: PatientDraws, distance: float
) -> bool:
    label = positive.astype(np.int64)
    statistic = partial(balanced_accuracy, called.astype(np.int64), label, n_classes=2)
    freedom = degrees_of_freedom(draws.patient, positive)
    draws = PatientDraws(draws.counts, draws.patient, draws.smallest_class, freedom)
    return held(bootstrap_estimate(statistic, draws), float(norm.cdf(distance / 2)))


def unequal_patients_section(simulations: int, replicates: int) -> str:
    """Simulate every design and return the section of the page."""
    text = f"""
## Patients with unequal numbers of images

Every {EVERY}th patient has {IMAGES} images, all others one; {simulations:,} data sets per row, one
in {BOOTSTRAPPED} of them for the balanced accuracy. How often the interval contains the true value
(for the difference of two equal models: 0).

| patients | true AUC | AUC | sensitivity, Wilson | balanced accuracy, BCa | difference |
|---|---|---|---|---|---|
"""
    for design in DESIGNS:
        shares = 100 * simulate_unequal(design, simulations, replicates)
        cells = [f"{share:.1f} %" for share in shares]
        text += f"| {design.patients} | {design.auc:g} | {' | '.join(cells)} |\n"
    return text


def influences_section(simulations: int) -> str:
    """Simulate every design and return the section of the page."""
    text = f"""
## Calibration and predictive values where patients are unequal

Patients as before, {simulations:,} data sets per row. How often the interval, promised 95 %,
contains the true slope of calibration, the true expected over observed, and the true predictive
value at a prevalence of {PREVALENCE:g}.

| patients | true AUC | slope | expected over observed | predictive value |
|---|---|---|---|---|
"""
    for design in DESIGNS:
        cells = [f"{100 * share:.1f} %" for share in simulate_influences(design, simulations)]
        text += f"| {design.patients} | {design.auc:g} | {' | '.join(cells)} |\n"
    return f"""{text}
With the plain sum of squares over patients and a normal quantile they held 83 to 94 %.
"""
