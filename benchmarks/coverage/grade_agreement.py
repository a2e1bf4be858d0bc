"""How often intervals of κ of grades hold, and how often equal models of a grade are told apart.

Two models score a hidden severity with noise, part of which the images of a patient share; grades
are its ranges, and each model's scores are cut such that its grades have the shares of the given
ones, as `Grade.calibrate` cuts them. The true κ is that of many patients with one image each.
`run.py` writes its rows as CSV; `python benchmarks/coverage/grade_agreement.py
[SIMULATIONS]` prints it alone.
"""

import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
from again import STARRED, describe_error, describe_patients, holds, number_patients, simulate_again
from numpy.typing import NDArray
from scipy.stats import norm

from skiagram.seeding import stream
from skiagram.statistics.agreement import quadratic_kappa
from skiagram.statistics.linearised import Linearised

Floats = NDArray[np.float64]
SHARED = 0.5  # of a score's noise, and of the severity, by the images of a patient
EVERY, IMAGES = 20, 25
TRUTH_PATIENTS = 400_000
SHARES: dict[str, tuple[float, ...]] = {
    "3 even grades": (1 / 3, 1 / 3, 1 / 3),
    "5 grades": (0.12, 0.21, 0.45, 0.13, 0.09),
    "4 grades, one rare": (0.5, 0.32, 0.15, 0.03),
}
STRENGTHS = ((0.6, 0.6), (0.9, 0.9), (0.7, 0.5))  # correlation of both scores with the severity


@dataclass(frozen=True)
class GradeDesign:
    """Patients with one image each, with three, or of whom every 20th has 25."""

    patients: int
    images: int | None
    shares: str
    strength: tuple[float, float]

    @property
    def title(self) -> str:
        models = "equal" if self.strength[0] == self.strength[1] else "one better"
        return f"{describe_patients(self.patients, self.images)}, {self.shares}, {models}"

    def is_above(self, simulated: tuple[Floats, tuple[float, float]]) -> bool:
        """Return whether equal models are told apart more often than is promised."""
        return self.strength[0] == self.strength[1] and bool(simulated[0][2] > 0.05)

    @property
    def patient(self) -> NDArray[np.int64]:
        """Return (n,) the patient of each image."""
        return number_patients(self.patients, self.images, EVERY, IMAGES)


DESIGNS = tuple(
    GradeDesign(patients, images, shares, strength)
    for patients, images in ((50, 1), (100, 1), (300, 1), (60, 3), (100, None), (400, None))
    for shares in SHARES
    for strength in STRENGTHS
)


def draw(
    patient: NDArray[np.int64], design: GradeDesign, generator: np.random.Generator
) -> tuple[Linearised, Linearised]:
    """Return κ of both models on new patients."""

    def mix() -> Floats:
        shared = generator.normal(size=int(patient[-1]) + 1)[patient]
        mixed: Floats = np.sqrt(SHARED) * shared + np.sqrt(1 - SHARED) * generator.normal(
            size=len(patient)
        )
        return mixed

    cuts = norm.ppf(np.cumsum(SHARES[design.shares])[:-1])
    severity = mix()
    given: Floats = 1.0 + np.searchsorted(cuts, severity).astype(np.float64)
    kappas = []
    for strength in design.strength:
        score = strength * severity + np.sqrt(1 - strength**2) * mix()
        predicted: Floats = 1.0 + np.searchsorted(cuts, score).astype(np.float64)
        kappas.append(quadratic_kappa(predicted, given, patient))
    return kappas[0], kappas[1]


def simulate(
    design: GradeDesign, simulations: int, again: str = ""
) -> tuple[Floats, tuple[float, float]]:
    """Return shares (held, held of the difference, told apart), and both true κ."""
    further = [again] if again else []
    generator = stream(0, "grade agreement", design.title, str(design.strength), *further)
    first, second = draw(np.arange(TRUTH_PATIENTS), design, generator)
    true = first.value, second.value
    if design.strength[0] == design.strength[1]:
        true = (sum(true) / 2,) * 2
    shares = np.zeros(3)
    for _ in range(simulations):
        kappas = draw(design.patient, design, generator)
        held = [holds(kappa.estimate(), value) for kappa, value in zip(kappas, true, strict=True)]
        gap = kappas[0] - kappas[1]
        p = gap.p()
        apart = p is not None and p < 0.05
        shares += np.array([np.mean(held), holds(gap.estimate(), true[0] - true[1]), apart])
    return shares / simulations, true


def grade_agreement_section(simulations: int) -> str:
    """Simulate every design and return its title, what it asks, and its rows."""
    text = f"""
## Agreement of grades

{simulations} data sets per row; every {EVERY}th patient has {IMAGES} images where few have most.
*Held*: the interval of κ by squares (Fisher's z, jackknife by patient) contains the true one, mean
of two models; *difference*: that of the paired difference does; *told apart*: p below .05, which
is promised of equal models in at most 5 %.
{STARRED}

| patients, grades, models | true κ | held | difference | told apart |
|---|---|---|---|---|
"""
    for design in DESIGNS:
        (shares, true), mark = simulate_again(
            partial(simulate, design), simulations, design.is_above
        )
        cells = " | ".join(f"{100 * share:.1f} %" for share in shares)
        known = " and ".join(f"{value:.2f}" for value in true)
        text += f"| {design.title}{mark} | {known} | {cells} |\n"
    return f"""{text}
{describe_error(0.05, simulations)}
"""


if __name__ == "__main__":
    sys.stdout.write(grade_agreement_section(int(sys.argv[1]) if len(sys.argv) > 1 else 1000))
