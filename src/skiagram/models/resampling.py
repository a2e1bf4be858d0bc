"""One model under one plan: fits, folds, and the step that both designs of evaluation share.

`Resampling.develop` is that step: K patient-grouped folds give out-of-fold scores, these give the
calibration and the threshold, and one final fit on all its cases is ready for cases never seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.calibration.methods import Calibration, average, fit_calibration, of_held_out
from skiagram.calibration.threshold import threshold_at_sensitivity
from skiagram.errors import DataError, ModelFailure
from skiagram.models.contract import FitContext, FitSummary, Fitted, I, Labelled, Model
from skiagram.models.plan import Plan
from skiagram.seeding import derived_seed
from skiagram.splits import Partition, grouped_folds, inner_validation

FINAL = -1
OPERATING_SENSITIVITY = 0.9
Part = Literal["training", "inner", "out_of_fold", "test"]


@dataclass(frozen=True)
class Scored:
    """Scores of some cases by one fit.

    Attributes:
        part: `training` (the fit saw them), `inner` (out-of-fold within an outer fold),
            `out_of_fold` or `test`.
        repeat: Repeat of the plan.
        fold: Fold that held the cases out; `FINAL` for a final fit.
        case_id: (n,) str.
        scores: (n, n_classes) float64.
        probabilities: (n, n_classes) float64, rows sum to 1.
        threshold: Threshold fixed on other cases' out-of-fold scores; None where none is.
    """

    part: Part
    repeat: int
    fold: int
    case_id: NDArray[np.str_]
    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    threshold: float | None = None


@dataclass(frozen=True)
class Developed(Generic[I]):
    """A final fit with the calibration and threshold that its own folds gave."""

    fitted: Fitted[I]
    calibration: Calibration
    threshold: float | None

    def score(
        self, inputs: I, case_id: NDArray[np.str_], part: Part, repeat: int, fold: int
    ) -> Scored:
        """Score cases; the calibration and the threshold come from others."""
        scores = finite(self.fitted.scores(inputs))
        probabilities = self.calibration.probabilities(scores)
        return Scored(part, repeat, fold, case_id, scores, probabilities, self.threshold)


@dataclass(frozen=True)
class Resampling(Generic[I]):
    """One model under one plan.

    Attributes:
        model: The untrained model.
        plan: Repeats, folds and seed.
        positive: Label that thresholds look for; None when there are more than two classes.
        work: Folder for checkpoints; None to keep none.
        started: Called with the name of each fit before it starts.
        finished: Called with the name and the cost of each fit.
    """

    model: Model[I]
    plan: Plan
    positive: int | None
    work: Path | None = None
    started: Callable[[str], None] = lambda name: None
    finished: Callable[[str, FitSummary], None] = lambda name, summary: None

    def fit(self, cases: Labelled[I], marked: NDArray[np.bool_] | None, *name: str) -> Fitted[I]:
        """Fit once; marked rows (else an inner grouped part) decide when training stops."""
        title = "-".join(name)
        self.started(title)
        folder = self.work / title if self.work else None
        seed = derived_seed(self.plan.seed, "fit", *name)
        context = FitContext(seed, folder, positive=self.positive)
        if self.model.uses_validation:
            part = self._validation(cases, marked, *name)
            training, validation = cases.select(part.training), cases.select(part.held_out)
            fitted = self.model.fit(training, validation, context)
        else:
            fitted = self.model.fit(cases, None, context)
        self.finished(title, fitted.summary)
        return fitted

    def _validation(
        self, cases: Labelled[I], marked: NDArray[np.bool_] | None, *name: str
    ) -> Partition:
        if marked is not None and marked.any():
            return Partition(np.flatnonzero(~marked), np.flatnonzero(marked))
        fraction, seed = self.plan.validation_fraction, self.plan.seed
        try:
            return inner_validation(
                cases.label, cases.patient_id, fraction, seed, "validation", *name
            )
        except DataError as error:  # the other arm needs no such cases and can still be trained
            raise ModelFailure(
                f"no cases to stop early on: {error.found}", remedy=error.remedy
            ) from error

    def folds(self, cases: Labelled[I], count: int, *name: str) -> list[Partition]:
        """Return the plan's folds of some cases; equal for every model."""
        return grouped_folds(cases.label, cases.patient_id, count, self.plan.seed, "folds", *name)

    def develop(
        self,
        cases: Labelled[I],
        marked: NDArray[np.bool_] | None,
        folds: list[Partition],
        *name: str,
        score_training: bool,
    ) -> tuple[Developed[I], list[Scored]]:
        """Get a calibrated final fit and each fold's scores of the cases it held out.

        Args:
            cases: Labelled cases.
            marked: (n,) True where the final fit is to stop early; None for an inner part.
            folds: Folds of the cases.
            *name: Name of the random streams.
            score_training: Whether each fold also scores the cases it was fitted on.
        """
        calibrations: list[Calibration] = []
        blind: list[NDArray[np.float64]] = []
        trained: list[Scored] = []
        for k, fold in enumerate(folds):
            training, rest = cases.select(fold.training), cases.select(fold.held_out)
            fitted = self.fit(training, None, *name, f"fold{k}")
            scores = finite(fitted.scores(rest.inputs))
            calibration = fit_calibration(self.plan.calibration, scores, rest.label)
            one = Developed(fitted, calibration, None)
            calibrations.append(calibration)
            blind.append(scores)
            if score_training:
                trained.append(one.score(training.inputs, training.case_id, "training", 0, k))
        held_out = _held_out(cases, folds, blind, of_held_out(calibrations))
        fitted = self.fit(cases, marked, *name, "final")
        threshold = self._threshold(cases, folds, held_out)
        return Developed(fitted, average(calibrations), threshold), held_out + trained

    def _threshold(
        self, cases: Labelled[I], folds: list[Partition], held_out: list[Scored]
    ) -> float | None:
        if self.positive is None:
            return None
        rows = np.concatenate([fold.held_out for fold in folds])
        pooled = np.concatenate([one.probabilities[:, self.positive] for one in held_out])
        positive = cases.label[rows] == self.positive
        return threshold_at_sensitivity(pooled, positive, OPERATING_SENSITIVITY)


def _held_out(
    cases: Labelled[I],
    folds: list[Partition],
    scores: list[NDArray[np.float64]],
    calibrations: list[Calibration],
) -> list[Scored]:
    return [
        Scored(
            "out_of_fold", 0, k, cases.case_id[fold.held_out], one, calibration.probabilities(one)
        )
        for k, (fold, one, calibration) in enumerate(zip(folds, scores, calibrations, strict=True))
    ]


def finite(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scores, or refuse those that are not finite.

    Raises:
        ModelFailure: A score is NaN or infinite.
    """
    if not np.isfinite(scores).all():
        raise ModelFailure(
            f"scores of {int((~np.isfinite(scores)).any(axis=1).sum())} cases are not finite",
            remedy="lower the learning rate or strengthen the regularisation",
        )
    return scores
