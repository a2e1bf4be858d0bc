"""The AUC of several classes: how often the interval of its projection holds the truth.

A case has a normal score on each class's own axis, `apart` higher on that of its class. The true
macro AUC is that of 100,000 patients.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from skiagram.seeding import stream
from skiagram.statistics.delong import macro_placements

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
MANY, EVERY, IMAGES = 100_000, 20, 25


@dataclass(frozen=True)
class Design:
    """Patients of several classes.

    Attributes:
        shares: Of the classes.
        unequal: Whether every 20th patient has 25 images, and shares half of their noise.
    """

    shares: tuple[float, ...]
    patients: int
    apart: float
    unequal: bool = False

    @property
    def title(self) -> str:
        """Return the design in words."""
        mix = " + ".join(f"{100 * share:g}" for share in self.shares) + " %"
        return f"{self.patients} patients, {mix}{', few have most images' if self.unequal else ''}"

    def draw(self, generator: np.random.Generator) -> tuple[Floats, Whole, Whole]:
        """Draw (n, k) probabilities, (n,) classes and (n,) patients, two or more of each class."""
        classes = len(self.shares)
        label = generator.choice(classes, self.patients, p=self.shares)
        label[1 : 2 * classes + 1] = np.repeat(np.arange(classes), 2)
        images = np.ones(self.patients, dtype=np.int64)
        if self.unequal:
            images[::EVERY] = IMAGES
        patient = np.repeat(np.arange(self.patients), images)
        noise = generator.normal(size=(len(patient), classes))
        if self.unequal:
            common = generator.normal(size=(self.patients, classes))[patient]
            noise = (noise + common) / np.sqrt(2)
        label = label[patient]
        return softmax(noise + self.apart * np.eye(classes)[label], axis=1), label, patient


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
)


def simulate(design: Design, simulations: int) -> tuple[float, float]:
    """Return the true AUC and how often the interval holds it."""
    generator = stream(0, "several classes", design.title, str(design.apart))
    probability, label, patient = replace(design, patients=MANY, unequal=False).draw(generator)
    true, held = macro_placements(probability[None], label, patient).value, 0
    for _ in range(simulations):
        probability, label, patient = design.draw(generator)
        estimate = macro_placements(probability[None], label, patient).estimate()
        held += (estimate.low or 0.0) <= true <= (estimate.high or 1.0)
    return true, held / simulations


def several_classes_section(simulations: int) -> str:
    """Simulate every design and return the section of the page."""
    text = f"""
## The AUC of several classes

Macro one-vs-rest AUC, {simulations:,} data sets per row. How often the interval of the figure's
projection, promised 95 %, contains the true value.

| design | true AUC | held |
|---|---|---|
"""
    for design in DESIGNS:
        true, held = simulate(design, simulations)
        text += f"| {design.title} | {true:.3f} | {100 * held:.1f} % |\n"
    return text


if __name__ == "__main__":
    sys.stdout.write(several_classes_section(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
