"""What intervals hold where a class is rare, and where images of a patient are alike.

Probabilities are right: the log-odds of a positive and of a negative are normal with the same
variance, so every true figure has a closed form, but for average precision, which many cases tell.
Images of a patient share a part of their noise. `run.py` writes the rows as CSV;
`python benchmarks/coverage/rare_and_alike.py [SIMULATIONS]` prints them.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from again import describe_error, describe_patients, holds, number_patients
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from skiagram.calibration import threshold_at_sensitivity
from skiagram.evaluation.calibration_assessment import (
    THRESHOLDS,
    calibration_distance,
    calibration_intercept,
    calibration_slope,
    estimate_decision_curve,
    expected_to_observed,
)
from skiagram.evaluation.metrics import bootstrap, estimate_balanced_accuracy
from skiagram.seeding import stream
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.discrimination import average_precision
from skiagram.statistics.proportions import proportion

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
REPLICATES = 200
ACTED_AT = (0.1, 0.2, 0.3, 0.5)  # thresholds of the decision curve
MANY = 200_000  # cases that tell the true average precision
EVERY, MOST = 20, 25  # where few patients have most images
SENSITIVITY = 0.9


@dataclass(frozen=True)
class RareClass:
    """Patients of whom a share is positive, and how well their probabilities tell.

    Attributes:
        images: Of each patient; None: few have most.
        alike: Part of an image's noise that all images of the patient share.
    """

    patients: int
    share: float
    auc: float
    images: int | None = 1
    alike: float = 0.5

    @property
    def title(self) -> str:
        """Return the design in words."""
        return f"{100 * self.share:g} % of {describe_patients(self.patients, self.images)}"

    @property
    def distance(self) -> float:
        """Return how far the classes lie apart."""
        return float(np.sqrt(2) * norm.ppf(self.auc))

    def draw(self, generator: np.random.Generator) -> tuple[Floats, NDArray[np.bool_], Labels]:
        """Return probabilities, true classes and patients of images; two patients of each class."""
        patient = number_patients(self.patients, self.images, EVERY, MOST)
        while not 2 <= (ill := generator.random(self.patients) < self.share).sum() <= len(ill) - 2:
            pass
        noise = np.sqrt(self.alike) * generator.normal(size=self.patients)[patient]
        noise += np.sqrt(1 - self.alike) * generator.normal(size=len(patient))
        positive = ill[patient]
        return self.read(noise, positive), positive, patient

    def read(self, noise: Floats, positive: NDArray[np.bool_]) -> Floats:
        """Return the probabilities that right calibration gives to some noise."""
        odds = self.distance * (noise + self.distance * (positive - 0.5))
        probability: Floats = expit(logit(self.share) + odds)
        return probability

    def passing(self, threshold: float) -> tuple[float, float]:
        """Return the shares of positives and of negatives that reach a probability."""
        limit = (logit(threshold) - logit(self.share)) / self.distance
        return tuple(float(norm.sf(limit - side * self.distance / 2)) for side in (1, -1))

    def benefit(self, threshold: float) -> float:
        """Return the true net benefit at a threshold."""
        hit, false_alarm = self.passing(threshold)
        harm = threshold / (1 - threshold)
        return self.share * hit - (1 - self.share) * false_alarm * harm


RARE = (
    RareClass(300, 0.03, 0.75),
    RareClass(300, 0.03, 0.85),
    RareClass(300, 0.03, 0.97),
    RareClass(300, 0.1, 0.85),
    RareClass(300, 0.3, 0.85),
    RareClass(100, 0.1, 0.85),
    RareClass(1000, 0.03, 0.85),
    RareClass(100, 0.1, 0.85, 5),
    RareClass(300, 0.1, 0.85, None),
)
RARE_COLUMNS = (
    *(f"net benefit at {threshold:g}" for threshold in ACTED_AT),
    "balanced accuracy",
    "average precision",
    "intercept",
    "slope",
    "expected over observed",
    "ICI above chance",
)


def find_precision(design: RareClass) -> float:
    """Return the average precision of many cases."""
    generator = stream(0, "average precision", design.title, str(design.auc))
    positive = generator.random(MANY) < design.share
    probability = design.read(generator.normal(size=MANY), positive)
    return float(average_precision(probability, positive, np.ones((1, MANY)))[0])


def judge_rare_class(design: RareClass, simulations: int) -> Floats:
    """Return how often each figure of a rare class is held, and the ICI is above its chance."""
    generator = stream(0, "rare class", design.title, str(design.auc))
    places = [int(np.argmin(np.abs(THRESHOLDS - threshold))) for threshold in ACTED_AT]
    benefits = np.array([design.benefit(threshold) for threshold in ACTED_AT])
    sensitivity, false_alarm = design.passing(design.share)
    counts, precision = np.zeros(len(RARE_COLUMNS)), find_precision(design)
    for _ in range(simulations):
        probability, positive, patient = design.draw(generator)
        of_class = [len(np.unique(patient[side])) for side in (positive, ~positive)]
        seed = int(generator.integers(2**31))
        draws = draw_patients(patient, min(of_class), REPLICATES, seed)
        curve = estimate_decision_curve(probability[None], positive, draws)
        low, high = np.array(curve.low)[places], np.array(curve.high)[places]
        sample = probability[None], positive, patient
        called = (probability[None] >= design.share).astype(np.int64)
        balanced = estimate_balanced_accuracy(called, positive.astype(np.int64), 2, patient)
        distance = calibration_distance(*sample)
        counts += [
            *((low <= benefits) & (benefits <= high)),
            holds(balanced, (sensitivity + 1 - false_alarm) / 2),
            holds(bootstrap(average_precision, probability[None], positive, draws), precision),
            holds(calibration_intercept(*sample), 0.0),
            holds(calibration_slope(*sample), 1.0),
            holds(expected_to_observed(*sample), 1.0),
            (distance["ici"].value or 0.0) > (distance["ici_by_chance"].value or 0.0),
        ]
    shares: Floats = counts / simulations
    return shares


@dataclass(frozen=True)
class AlikeImages:
    """Patients with several images each, decided rightly by a share that differs between them."""

    patients: int
    images: int | None
    share: float


ALIKE = tuple(
    AlikeImages(patients, images, share)
    for patients, images in ((20, 10), (40, 3), (40, 10), (60, 20), (200, 5), (200, None))
    for share in (0.9, 0.95, 0.975)
)
CORRELATIONS = (0.0, 0.1, 0.3, 0.6, 0.9)


def judge_shares(design: AlikeImages, simulations: int) -> list[float]:
    """Return how often a share is held at each correlation of a patient's images."""
    patient = number_patients(design.patients, design.images, EVERY, MOST)
    held = []
    for correlation in CORRELATIONS:
        generator = stream(0, "alike images", *map(str, vars(design).values()), str(correlation))
        spread = (1 - correlation) / correlation if correlation else np.inf
        found = 0
        for _ in range(simulations):
            own = np.full(design.patients, design.share)
            if correlation:
                own = generator.beta(design.share * spread, (1 - design.share) * spread, len(own))
            right = (generator.random(len(patient)) < own[patient]).astype(np.float64)
            found += holds(proportion(right, patient), design.share)
        held.append(found / simulations)
    return held


THRESHOLD_DESIGNS = tuple(
    (patients, images, alike)
    for patients, images in ((20, 1), (20, 5), (40, 5), (40, None), (100, 10))
    for alike in (0.5, 0.9)
)


def reach_sensitivity(
    patients: int, images: int | None, alike: float, simulations: int
) -> tuple[float, float]:
    """Return the mean sensitivity on new patients of thresholds by patient, and by image."""
    generator = stream(0, "thresholds", str(patients), str(images), str(alike))
    patient = number_patients(patients, images, EVERY, MOST)
    positive, reached = np.ones(len(patient), dtype=np.bool_), np.zeros(2)
    for _ in range(simulations):
        score = np.sqrt(alike) * generator.normal(size=patients)[patient]
        score += np.sqrt(1 - alike) * generator.normal(size=len(patient))
        for k, whose in enumerate((patient, np.arange(len(patient)))):
            reached[k] += norm.sf(threshold_at_sensitivity(score, positive, SENSITIVITY, whose))
    by_patient, by_image = reached / simulations
    return float(by_patient), float(by_image)


def describe_row(*cells: str, shares: Sequence[float]) -> str:
    """Return one line of a table: what is simulated, then shares as per cent."""
    return f"| {' | '.join([*cells, *(f'{100 * share:.1f} %' for share in shares)])} |\n"


def rare_and_alike_section(simulations: int) -> str:
    """Simulate every design and return the sections."""
    text = f"""
## Rare classes: decisions and calibration

{simulations:,} data sets a row.

| patients | true AUC | {" | ".join(RARE_COLUMNS)} |
|{"---|" * (2 + len(RARE_COLUMNS))}
"""
    for rare in RARE:
        shares = judge_rare_class(rare, simulations)
        text += describe_row(rare.title, f"{rare.auc:g}", shares=shares.tolist())
    columns = " | ".join(f"correlation {correlation:g}" for correlation in CORRELATIONS)
    text += f"""
## Shares of images that are alike

{simulations:,} data sets a row. {describe_error(0.05, simulations)}

| patients | share | {columns} |
|{"---|" * (2 + len(CORRELATIONS))}
"""
    for alike in ALIKE:
        title = describe_patients(alike.patients, alike.images)
        shares = judge_shares(alike, simulations)
        text += describe_row(title, f"{alike.share:g}", shares=shares)
    text += """
## Thresholds where patients have several images

| positive patients | part of the noise shared | reached | reached by images |
|---|---|---|---|
"""
    for patients, images, part in THRESHOLD_DESIGNS:
        shares = reach_sensitivity(patients, images, part, simulations)
        text += describe_row(describe_patients(patients, images), f"{part:g}", shares=shares)
    return text


if __name__ == "__main__":
    sys.stdout.write(rare_and_alike_section(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
