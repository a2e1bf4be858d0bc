"""AUC and Brier score of several classes: how often their intervals hold the truth.

A case has a normal score on each class's own axis, `apart` higher on that of its class. The true
macro AUC and Brier score are those of 100,000 patients.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from simulation import Row, Simulation, holds, number_patients

from skiagram.evaluation.metrics import estimate_brier
from skiagram.seeding import stream
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.delong import macro_auc_of_scores
from skiagram.statistics.discrimination import brier
from skiagram.statistics.variation import degrees_of_freedom

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
MANY, GAIN = 100_000, 0.4
REPLICATES = 1000


@dataclass(frozen=True)
class Design:
    """Patients of several classes.

    Attributes:
        shares: Of the classes.
        unequal: Whether every 20th patient has 25 images, and shares half of their noise.
        mixed: Whether each image of a patient has a class of its own.
        by_chance: Whether a class may have no patient; else each has two.
    """

    shares: tuple[float, ...]
    patients: int
    apart: float
    unequal: bool = False
    mixed: bool = False
    by_chance: bool = False

    @property
    def title(self) -> str:
        """Return the design in words."""
        mix = " + ".join(f"{100 * share:g}" for share in self.shares) + " %"
        unequal = ", few have most images" if self.unequal else ""
        own = ", of classes of their own" if self.mixed else ""
        return f"{self.patients} patients, {mix}{unequal}{own}"

    def draw(
        self, generator: np.random.Generator, *gains: float
    ) -> tuple[list[Floats], Whole, Whole]:
        """Draw (n, k) probabilities of models, (n,) classes and (n,) patients.

        Args:
            gains: Of each model, how much further apart it has the classes; half of the variance of
                its noise is that of the others.
        """
        classes = len(self.shares)
        label = generator.choice(classes, self.patients, p=self.shares)
        if not self.by_chance:
            label[1 : 2 * classes + 1] = np.repeat(np.arange(classes), 2)
        patient = number_patients(self.patients, None if self.unequal else 1)
        label = label[patient]
        if self.mixed:
            label = generator.choice(classes, len(patient), p=self.shares)

        def draw_noise() -> Floats:
            noise = generator.normal(size=(len(patient), classes))
            if self.unequal:
                common = generator.normal(size=(self.patients, classes))[patient]
                noise = (noise + common) / np.sqrt(2)
            return noise

        shared = draw_noise()
        models = [
            softmax(
                (shared + draw_noise()) / np.sqrt(2) + (self.apart + gain) * np.eye(classes)[label],
                axis=1,
            )
            for gain in gains
        ]
        return models, label, patient


THREE, RARE = (0.5, 0.3, 0.2), (0.6, 0.3, 0.1)
DESIGNS = (
    Design(THREE, 60, 1.2),
    Design(THREE, 60, 2.0),
    Design(THREE, 60, 2.5),
    Design(RARE, 100, 2.0),
    Design(RARE, 150, 2.5),
    Design((0.1,) * 10, 200, 2.0),
    Design(THREE, 100, 1.2, unequal=True),
    Design(THREE, 200, 2.0, unequal=True),
    Design(THREE, 60, 1.2, unequal=True, mixed=True),
    Design(THREE, 200, 2.0, unequal=True, mixed=True),
)


def simulate(design: Design, simulations: int) -> Row:
    """Return true AUC and gain, and how often intervals hold: AUC, no gain, the gain."""
    generator = stream(0, "several classes", design.title, str(design.apart))
    many = replace(design, patients=MANY, unequal=False)
    models, label, patient = many.draw(generator, 0.0, GAIN)
    true, better = (macro_auc_of_scores(each[None], label, patient).value for each in models)
    held = np.zeros(3)
    for _ in range(simulations):
        models, label, patient = design.draw(generator, 0.0, 0.0, GAIN)
        area, equal, gaining = (macro_auc_of_scores(each[None], label, patient) for each in models)
        figures = ((area, true), (equal - area, 0.0), (gaining - area, better - true))
        for k, (figure, truth) in enumerate(figures):
            held[k] += holds(figure.estimate(), truth)
    area_held, equal_held, gain_held = held / simulations
    return {
        "design": design.title,
        "true AUC": f"{true:.3f}",
        "held %": area_held,
        "equal models held %": equal_held,
        "gain": f"{better - true:.3f}",
        "gain held %": gain_held,
    }


ONE_RARE, EIGHT = (0.7, 0.28, 0.02), (0.3, 0.2, 0.15, 0.1, 0.1, 0.08, 0.05, 0.02)
BRIER_DESIGNS = (
    Design(THREE, 60, 1.2, by_chance=True),
    Design(THREE, 60, 5.0, by_chance=True),
    Design(ONE_RARE, 100, 2.0, unequal=True, by_chance=True),
    Design(ONE_RARE, 200, 5.0, unequal=True, by_chance=True),
    Design(EIGHT, 60, 2.0, by_chance=True),
    Design(EIGHT, 100, 2.0, unequal=True, by_chance=True),
    Design(EIGHT, 100, 2.0, unequal=True, mixed=True, by_chance=True),
    Design(EIGHT, 200, 5.0, unequal=True, by_chance=True),
)


def simulate_brier(design: Design, simulations: int) -> Row:
    """Return the true Brier score, and how often its interval holds."""
    generator = stream(0, "brier of several classes", design.title, str(design.apart))
    many = replace(design, patients=MANY, unequal=False)
    (model,), label, _ = many.draw(generator, 0.0)
    true, held = float(brier(model, label, np.ones((1, len(label))), None)[0]), 0
    for seed in range(simulations):
        (model,), label, patient = design.draw(generator, 0.0)
        degrees = degrees_of_freedom(patient, label)
        draws = draw_patients(patient, 1, REPLICATES, seed, degrees)
        held += holds(estimate_brier(model[None], label, None, draws), true)
    return {
        "design": design.title,
        "true Brier score": f"{true:.3f}",
        "held %": held / simulations,
    }


TABLES = (
    Simulation("the-auc-of-several-classes", DESIGNS, simulate, 0.25),
    Simulation("the-brier-score-of-several-classes", BRIER_DESIGNS, simulate_brier, 0.5),
)
