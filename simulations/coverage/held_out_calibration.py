"""What thresholds, sets and rankings of probabilities hold on new cases.

A linear discriminant is fitted, calibrated and given a threshold by the code of the pipeline, on
cases drawn from normal densities; then it meets new cases. A fold's out-of-fold probabilities come
from the other folds' calibrations.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skiagram.models.contract import Arm, FitContext, FitSummary, FittedToCases, Labelled
from skiagram.models.cross_validation import CrossValidator, Development, Plan
from skiagram.records.predictions import probabilities_of
from skiagram.seeding import stream

Floats = NDArray[np.float64]
SENSITIVITY = 0.9
LEVEL = 0.9  # of the prediction sets
NEW_CASES = 2000
NEGLIGIBLE_PENALTY = 0.1  # on the diagonal of the pooled covariance, whose own entries are about 1


@dataclass(frozen=True)
class CalibrationDesign:
    """Cases of two classes of equal size.

    Attributes:
        cases: Development cases, a patient each.
        folds: Folds of them.
        distance: Between the classes' means, in standard deviations; 0 is noise.
        features: Columns that share this distance.
    """

    cases: int
    folds: int
    distance: float
    features: int

    @property
    def title(self) -> str:
        """Return the design in words."""
        kind = "noise" if self.distance == 0 else f"distance {self.distance:g}"
        return f"{self.cases} patients, {self.folds} folds, {kind}, {self.features} features"

    def draw(self, positive: NDArray[np.bool_], generator: np.random.Generator) -> "Rows":
        """Draw the features of cases whose class is known."""
        shift = self.distance / np.sqrt(self.features)
        noise = generator.normal(size=(len(positive), self.features))
        return Rows(noise + shift * positive[:, None])


DESIGNS = (
    CalibrationDesign(60, 3, 0.0, 5),
    CalibrationDesign(60, 5, 0.0, 5),
    CalibrationDesign(24, 3, 1.5, 2),
    CalibrationDesign(40, 3, 1.5, 5),
    CalibrationDesign(100, 3, 1.5, 5),
    CalibrationDesign(300, 3, 1.5, 10),
)


@dataclass(frozen=True)
class Rows:
    """(n, k) features."""

    values: Floats

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.values)

    def select(self, rows: NDArray[np.int64]) -> "Rows":
        """Return some of the cases."""
        return Rows(self.values[rows])


@dataclass(frozen=True)
class FittedDiscriminant(FittedToCases[Rows]):
    """A direction and a constant."""

    weights: Floats
    constant: float
    summary: ClassVar[FitSummary] = FitSummary(0, None, 0)

    def scores(self, inputs: Rows) -> Floats:
        """Return (n, 2) minus and plus the discriminant."""
        value = inputs.values @ self.weights + self.constant
        return np.stack([-value, value], axis=1)

    def save(self, folder: Path) -> None:
        """Write nothing; a simulation keeps no model."""


@dataclass(frozen=True)
class Discriminant:
    """Fisher's linear discriminant."""

    arm: ClassVar[Arm] = "classical"
    uses_validation: ClassVar[bool] = False
    title: ClassVar[str] = "Linear discriminant"

    def fit(self, training: Labelled[Rows], context: FitContext) -> FittedDiscriminant:
        """Fit means and one covariance."""
        values, positive = training.inputs.values, training.label == 1
        means = values[positive].mean(axis=0), values[~positive].mean(axis=0)
        centred = values - np.where(positive[:, None], *means)
        covariance = centred.T @ centred / (len(values) - 2)
        penalised = covariance + NEGLIGIBLE_PENALTY * np.eye(values.shape[1])
        weights = np.linalg.solve(penalised, means[0] - means[1])
        return FittedDiscriminant(weights, float(-(means[0] + means[1]) @ weights / 2))


def simulate_calibration(design: CalibrationDesign, simulations: int) -> list[float]:
    """Return mean out-of-fold AUC, sensitivity on new cases and coverage of sets."""
    figures = [_simulate_once(design, str(number)) for number in range(simulations)]
    means: list[float] = np.mean(figures, axis=0).tolist()
    return means


def _simulate_once(design: CalibrationDesign, number: str) -> tuple[float, float, float]:
    generator = stream(0, "held-out calibration", design.title, number)
    positive = generator.permutation(design.cases) < design.cases // 2
    names = np.arange(design.cases).astype(str)
    cases = Labelled(design.draw(positive, generator), names, positive.astype(np.int64), names, 2)
    plan = Plan(
        repeats=1, folds=design.folds, inner_folds=design.folds, calibration="platt",
        sensitivity=SENSITIVITY, validation_fraction=0.15, seed=int(number),
    )  # fmt: skip
    validator = CrossValidator(Discriminant(), plan, positive=1)
    folds = plan.make_folds(cases.label, cases.patient_id, design.folds, number)
    new_label = np.arange(NEW_CASES) % 2
    inputs, rows = design.draw(new_label == 1, generator), np.arange(NEW_CASES)
    part = Development((number,), cases, np.arange(len(cases)), folds, scored=((inputs, rows),))
    (fit,) = validator.develop([part])
    known = np.concatenate([probabilities_of(rows) for rows in fit.of_folds])
    label = cases.label[np.concatenate([fold.held_out for fold in folds])]
    new = fit.decision.calibration.probabilities(fit.result.scores[0])
    sensitivity = float((new[new_label == 1, 1] >= fit.decision.threshold).mean())
    covered = [_coverage(known[label == k, k], new[new_label == k, k]) for k in (0, 1)]
    return float(roc_auc_score(label, known[:, 1])), sensitivity, float(np.mean(covered))


def _coverage(known: Floats, new: Floats) -> float:
    """Return the share of new cases whose true class is in the split-conformal set (Vovk 2012)."""
    rank = int(np.ceil((len(known) + 1) * LEVEL))
    if rank > len(known):
        return 1.0
    return float((1 - new <= np.sort(1 - known)[rank - 1]).mean())


def calibration_section(simulations: int) -> str:
    """Simulate every design and return the section of the page."""
    text = f"""
## Probabilities of held-out cases

A linear discriminant on normal features; {simulations} data sets per row. A fold's cases are
calibrated by the average of the other folds'. Out-of-fold AUC; sensitivity on new cases of the
threshold for {SENSITIVITY:.0%}; share of new cases whose prediction set (level {LEVEL:.0%}) holds
the true class.

| design | AUC | sensitivity | sets |
|---|---|---|---|
"""
    for design in DESIGNS:
        cells = [f"{value:.3f}" for value in simulate_calibration(design, simulations)]
        text += f"| {design.title} | {' | '.join(cells)} |\n"
    return text
