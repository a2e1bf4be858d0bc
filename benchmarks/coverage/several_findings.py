"""How often intervals of the mean AUC of several findings hold, and how often equal models differ.

Findings of an image go together, and a tenth of them is not known. Two models score each finding
with noise of which they share half; images of a patient share half of theirs. Every true AUC is
known: Φ(d / √2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from simulation import (
    Patients,
    Row,
    Simulation,
    exceeds,
    holds,
    is_apart,
    name_shares,
    separation,
)

from skiagram.seeding import stream
from skiagram.statistics.significance import correct_by_holm
from skiagram.tasks.findings import UNKNOWN, Findings
from skiagram.tasks.scored_cases import ScoredCases

Floats = NDArray[np.float64]
SHARED = 0.5  # of the noise, by both models, and by the images of a patient
TOGETHER = 0.3  # correlation of what two findings of an image follow
NOT_KNOWN = 0.1
SHARES: dict[str, tuple[float, ...]] = {
    "2 common": (0.5, 0.3),
    "3, one rare": (0.4, 0.2, 0.05),
    "8, most rare": (0.3, 0.2, 0.1, 0.05, 0.05, 0.03, 0.03, 0.03),
}


@dataclass(frozen=True)
class FindingsDesign(Patients):
    """Patients with one image each, with four, or of whom every 20th has 25."""

    shares: str
    auc: float

    @property
    def title(self) -> str:
        return f"{self.described}, {self.shares}"


DESIGNS = tuple(
    FindingsDesign(patients, images, shares, auc)
    for patients, images in ((100, 1), (300, 1), (1000, 1), (100, 4), (400, None))
    for shares in SHARES
    for auc in (0.7, 0.95)
    if (patients, shares) != (100, "8, most rare")
)


def draw(
    design: FindingsDesign, generator: np.random.Generator
) -> tuple[Findings, ScoredCases, ScoredCases]:
    """Return new patients, scored by either model."""
    share = np.array(SHARES[design.shares])
    patient, count = design.patient, len(share)
    names = tuple(f"finding {number}" for number in range(count))
    outcome = Findings(column="findings", findings=names)

    def mix() -> Floats:
        of_patient = generator.normal(size=(design.patients, count))[patient]
        own = generator.normal(size=(len(patient), count))
        mixed: Floats = np.sqrt(SHARED) * of_patient + np.sqrt(1 - SHARED) * own
        return mixed

    # Findings of an image follow a common trait, and each one of its own.
    common = generator.normal(size=(len(patient), 1))
    latent = np.sqrt(TOGETHER) * common + np.sqrt(1 - TOGETHER) * mix()
    present = latent > norm.ppf(1 - share)
    unknown = generator.uniform(size=present.shape) < NOT_KNOWN
    value = np.where(unknown, UNKNOWN, present).astype(np.float64)
    both, shift = mix(), separation(design.auc)
    nothing = np.zeros(len(patient), dtype=np.int64)
    scored = []
    for _ in range(2):
        score = shift * present + np.sqrt(SHARED) * both + np.sqrt(1 - SHARED) * mix()
        flat = np.full((1, *score.shape), 0.5)
        scored.append(ScoredCases(nothing, value, patient, score[None], flat, nothing[None]))
    return outcome, scored[0], scored[1]


def simulate(design: FindingsDesign, simulations: int, *again: str) -> Row:
    """Return shares: held, told apart by the mean, and by any finding after Holm."""
    generator = stream(0, "several findings", design.title, str(design.auc), *again)
    shares = np.zeros(3)
    for _ in range(simulations):
        outcome, first, second = draw(design, generator)
        means = [outcome.measure_primary(scored) for scored in (first, second)]
        held = np.mean([holds(mean.estimate(), design.auc) for mean in means])
        parts = [dict(outcome.measure_parts(scored)) for scored in (first, second)]
        corrected = correct_by_holm([(parts[0][name] - parts[1][name]).p() for name in parts[0]])
        any_apart = any(each is not None and each < 0.05 for each in corrected)
        shares += np.array([held, is_apart(means[0] - means[1]), any_apart])
    return {
        "patients, findings": design.title,
        "true macro AUC": f"{design.auc:.2f}",
        **name_shares(("held", "told apart", "any finding"), shares / simulations),
    }


TABLES = (
    Simulation(
        "several-findings-of-an-image",
        DESIGNS,
        simulate,
        0.25,
        exceeds(0.05, "told apart %", "any finding %"),
    ),
)
