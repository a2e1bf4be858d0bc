"""Intervals where a class is rare or an order nearly perfect.

Scores are normal in each class. Of three models the second is as good as the first and the third
better by a gain. *No* is said of it where the whole interval of its difference from the first lies
below the margin of .02, *yes* where it lies above. A gain of the margin makes both wrong.
"""

import sys
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from again import STARRED, simulate_again
from numpy.typing import NDArray
from scipy.stats import norm

from skiagram.seeding import stream
from skiagram.statistics.delong import auc_estimate, difference_estimate, placements

MARGIN, SHARED = 0.02, 0.5
EVERY, IMAGES = 20, 25
PROMISED = (0.05, 0.025, 0.025)  # told apart, *no* and *yes*


@dataclass(frozen=True)
class Design:
    """Patients of either class, and how good the models are.

    Attributes:
        unequal: Whether a patient in 20 has 25 images, and shares half of their noise.
    """

    positives: int
    negatives: int
    auc: float
    gain: float = MARGIN
    unequal: bool = False

    @property
    def title(self) -> str:
        """Return the design in words."""
        patients = f"{self.positives} + {self.negatives}"
        return f"{patients}, few have most images" if self.unequal else patients

    def is_above(self, shares: list[float]) -> bool:
        """Return whether a share is above what is promised of a gain that is just the margin."""
        return self.gain == MARGIN and any(np.greater(shares[2:], PROMISED))


CLASSES = ((10, 90), (10, 300), (20, 180), (40, 60), (100, 400))
DESIGNS = (
    *(Design(*classes, auc) for classes, auc in product(CLASSES, (0.8, 0.95, 0.975))),
    Design(40, 60, 0.97, 0.025),
    *(Design(*classes, auc, unequal=True) for classes, auc in product(CLASSES, (0.95, 0.975))),
)


def simulate(design: Design, simulations: int, again: str = "") -> list[float]:
    """Return how often both AUCs are held, equal ones told apart, and *no* and *yes* said.

    Args:
        again: Name of a further draw of the same design.
    """
    names = design.title, str(design.auc), str(design.gain), *([again] if again else [])
    generator = stream(0, "rare classes", *names)
    patients = design.positives + design.negatives
    truth = (design.auc, design.auc, design.auc + design.gain)
    counts = np.zeros(5)
    for _ in range(simulations):
        images = np.ones(patients, dtype=np.int64)
        if design.unequal:
            images[generator.permutation(patients)[: patients // EVERY]] = IMAGES
        patient = np.repeat(np.arange(patients), images)
        positive = patient < design.positives
        shared = np.sqrt(SHARED) * _noise(patient, generator)
        models = [
            placements(
                (
                    shared
                    + np.sqrt(1 - SHARED) * _noise(patient, generator)
                    + np.sqrt(2) * norm.ppf(auc) * positive
                )[None],
                positive,
                patient,
            )
            for auc in truth
        ]
        first, best = (auc_estimate(models[k]) for k in (0, 2))
        equal, gap = (difference_estimate(models[k], models[0]) for k in (1, 2))
        counts += (
            (first.low or 0.0) <= truth[0] <= (first.high or 1.0),
            (best.low or 0.0) <= truth[2] <= (best.high or 1.0),
            not (equal.low or 0.0) <= 0 <= (equal.high or 0.0),
            (gap.high or 0.0) < MARGIN,
            (gap.low or 0.0) > MARGIN,
        )
    return [float(share) for share in counts / simulations]


def _noise(patient: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.float64]:
    of_images = generator.normal(size=len(patient))
    if patient[-1] + 1 == len(patient):
        return of_images
    mixed: NDArray[np.float64] = (
        of_images + generator.normal(size=patient[-1] + 1)[patient]
    ) / np.sqrt(2)
    return mixed


def rare_classes_section(simulations: int) -> str:
    """Simulate every design and return the section of the page."""
    text = f"""
## Rare classes and nearly perfect orders

{simulations:,} data sets per row, half as many of unequal patients (every {EVERY}th has {IMAGES}
images). *Held*, promised 95 %: of a model's AUC, and of that of a better one. *Told apart*,
promised at most 5 %: two equal models. *No* and *yes* of the better one, margin {MARGIN:g}: either
is wrong where it is better by just that (promised at most 2.5 %), *no* in the row of .025.
{STARRED}

| positive + negative patients | AUC, better by | held | better one | told apart | *no* | *yes* |
|---|---|---|---|---|---|---|
"""
    for design in DESIGNS:
        number = simulations // 2 if design.unequal else simulations
        shares, mark = simulate_again(partial(simulate, design), number, design.is_above)
        cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
        text += f"| {design.title} | {design.auc:g}, {design.gain:g}{mark} | {cells} |\n"
    return (
        text
        + """
Of a nearly perfect order a sample often shows next to no error, and its variance is far too small.
Where it says more than 5 independent cases a case of the smaller class (a patient, where few have
most images), the interval reaches at least as far as Wilson's on so many, and a difference is put
together from both intervals. Without that 10 + 300 patients held 89 % at .95, and *no* was wrong in
5.7 % of the row of .025. The price is length: the nearer to 1, the more. Where nothing is near 1,
as in 100 + 400 at .8, either error is at its 2.5 %: by 10,000 data sets, ± 0.3 points.
"""
    )


if __name__ == "__main__":
    sys.stdout.write(rare_classes_section(int(sys.argv[1]) if len(sys.argv) > 1 else 2000))
