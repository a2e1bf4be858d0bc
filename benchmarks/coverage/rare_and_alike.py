"""What intervals hold where a class is rare, and where images of a patient are alike.

Probabilities are right: the log-odds of a positive and of a negative are normal with the same
variance, so every true figure has a closed form, but for average precision, which many cases tell.
Images of a patient share a part of their noise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm
from simulation import (
    Row,
    Simulation,
    describe_patients,
    draw_noise,
    holds,
    name_shares,
    number_patients,
    separation,
)

from skiagram.calibration import threshold_at_sensitivity
from skiagram.evaluation.calibration_assessment import (
    THRESHOLDS,
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
        return separation(self.auc)

    def draw(self, generator: np.random.Generator) -> tuple[Floats, NDArray[np.bool_], Labels]:
        """Return probabilities, true classes and patients of images; two patients of each class."""
        patient = number_patients(self.patients, self.images)
        while not 2 <= (ill := generator.random(self.patients) < self.share).sum() <= len(ill) - 2:
            pass
        noise, positive = draw_noise(patient, self.alike, generator), ill[patient]
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
)


def find_precision(design: RareClass) -> float:
    """Return the average precision of many cases."""
    generator = stream(0, "average precision", design.title, str(design.auc))
    positive = generator.random(MANY) < design.share
    probability = design.read(generator.normal(size=MANY), positive)
    return float(average_precision(probability, positive, np.ones((1, MANY)))[0])


def judge_rare_class(design: RareClass, simulations: int) -> Row:
    """Return how often each figure of a rare class is held."""
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
        counts += [
            *((low <= benefits) & (benefits <= high)),
            holds(balanced, (sensitivity + 1 - false_alarm) / 2),
            holds(bootstrap(average_precision, probability[None], positive, draws), precision),
            holds(calibration_intercept(*sample), 0.0),
            holds(calibration_slope(*sample), 1.0),
            holds(expected_to_observed(*sample), 1.0),
        ]
    return {
        "patients": design.title,
        "true AUC": f"{design.auc:g}",
        **name_shares(RARE_COLUMNS, counts / simulations),
    }


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


def judge_shares(design: AlikeImages, simulations: int) -> Row:
    """Return how often a share is held at each correlation of a patient's images."""
    patient = number_patients(design.patients, design.images)
    held = {}
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
        held[f"correlation {correlation:g} %"] = found / simulations
    patients = describe_patients(design.patients, design.images)
    return {"patients": patients, "share": f"{design.share:g}", **held}


THRESHOLD_DESIGNS = tuple(
    (patients, images, alike)
    for patients, images in ((20, 1), (20, 5), (40, 5), (40, None), (100, 10))
    for alike in (0.5, 0.9)
)


def reach_sensitivity(design: tuple[int, int | None, float], simulations: int) -> Row:
    """Return the mean sensitivity on new patients of thresholds by patient, and by image."""
    patients, images, alike = design
    generator = stream(0, "thresholds", str(patients), str(images), str(alike))
    patient = number_patients(patients, images)
    positive, reached = np.ones(len(patient), dtype=np.bool_), np.zeros(2)
    for _ in range(simulations):
        score = draw_noise(patient, alike, generator)
        for k, whose in enumerate((patient, np.arange(len(patient)))):
            reached[k] += norm.sf(threshold_at_sensitivity(score, positive, SENSITIVITY, whose))
    return {
        "positive patients": describe_patients(patients, images),
        "part of the noise shared": f"{alike:g}",
        **name_shares(("reached", "reached by images"), reached / simulations),
    }


TABLES = (
    Simulation("rare-classes-decisions-and-calibration", RARE, judge_rare_class, 0.25),
    Simulation("shares-of-images-that-are-alike", ALIKE, judge_shares, 0.25),
    Simulation(
        "thresholds-where-patients-have-several-images", THRESHOLD_DESIGNS, reach_sensitivity, 0.25
    ),
)
