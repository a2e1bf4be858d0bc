"""One model under one plan: fits, folds, and the two designs of evaluation.

`Resampling.develop` is the step that both designs share: K patient-grouped folds give out-of-fold
scores, these give the calibration and the threshold, and one final fit on all its cases is ready
for cases never seen. A network's final fit sets no cases aside: the folds chose how long to train.
`holdout` develops once per repeat and scores the sealed test set;
`cross_validate` develops once in each outer fold and scores that fold's held-out patients (nested
cross-validation). Both are the same for every model of every arm.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from statistics import median
from typing import Annotated, Generic, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.calibration import (
    Calibration,
    CalibrationMethod,
    average_calibrations,
    fit_calibration,
    held_out_calibrations,
    threshold_at_sensitivity,
)
from skiagram.errors import DataError, ModelFailure
from skiagram.models.contract import FitContext, FitSummary, Fitted, I, Labelled, Model
from skiagram.options import STRICT
from skiagram.records import Design
from skiagram.seeding import derived_seed
from skiagram.splits import Partition, grouped_folds, inner_validation, leave_one_group_out

FINAL = -1
Part = Literal["training", "inner", "out_of_fold", "test"]


@options_class(**STRICT)
class Plan:
    """Repeats, folds and seed of one train stage.

    Attributes:
        repeats: Times the whole plan is repeated with another stream of the seed.
        folds: Folds for out-of-fold scores (outer folds under `cv`).
        fold_column: Covariate whose values are the outer folds under `cv`, for example `site`: each
            is scored by models that never saw it. Empty: as many folds as `folds` are drawn.
        inner_folds: Folds inside each outer fold; used under `cv` only.
        calibration: How out-of-fold scores become probabilities: `platt` (slope and intercept),
            `isotonic` (any rising curve; for hundreds of cases of each class) or `temperature`
            (slope alone; for scores that are log-odds).
        sensitivity: Share of the positive cases that thresholds are set to find on out-of-fold
            scores; unused with more than two classes.
        validation_fraction: Share of a fit's patients set aside for early stopping.
        seed: The run's seed.
        final_fit: What a network's fit on all cases learns from: `all_cases`, for as many epochs as
            the fits before it chose in the median, or until its learning rate fell to 0; or all but
            those of `early_stopping`, of the published validation set where there is one. Classical
            models learn from all.
    """

    repeats: Annotated[int, Field(ge=1)]
    folds: Annotated[int, Field(ge=2)]
    inner_folds: Annotated[int, Field(ge=2)]
    calibration: CalibrationMethod
    sensitivity: Annotated[float, Field(gt=0, le=1)]
    validation_fraction: Annotated[float, Field(gt=0, le=0.5)]
    seed: Annotated[int, Field(ge=0)]
    final_fit: Literal["all_cases", "early_stopping"] = "all_cases"
    fold_column: str = ""

    def count_fits(self, design: Design) -> int:
        """Return how many times a model is fitted, the final fits included."""
        if design == "holdout":
            return self.repeats * (self.folds + 1)
        return self.repeats * (self.folds * (self.inner_folds + 1) + 1)

    def make_folds(
        self, label: NDArray[np.int64], patient_id: NDArray[np.str_], count: int, *name: str
    ) -> list[Partition]:
        """Return folds of some cases; equal for every model.

        Raises:
            DataError: A class has too few patients.
        """
        return grouped_folds(label, patient_id, count, self.seed, "folds", *name)

    def check_folds(
        self, design: Design, label: NDArray[np.int64], patient_id: NDArray[np.str_]
    ) -> None:
        """Make all folds that training makes of the development cases, before it does.

        Raises:
            DataError: A class has too few patients for one of them.
        """
        for repeat in range(self.repeats):
            outer = self.make_folds(label, patient_id, self.folds, *repeat_name(repeat))
            for k, fold in enumerate(outer if design == "cv" else []):
                known = fold.training
                name = repeat_name(repeat, k)
                self.make_folds(label[known], patient_id[known], self.inner_folds, *name)


def repeat_name(repeat: int, outer_fold: int | None = None) -> tuple[str, ...]:
    """Return the name of the random streams of a repeat, or of an outer fold of it."""
    if outer_fold is None:
        return (f"repeat{repeat}",)
    return f"repeat{repeat}", f"outer{outer_fold}"


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
class CalibratedFit(Generic[I]):
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

    def fit(
        self,
        cases: Labelled[I],
        marked: NDArray[np.bool_] | None,
        *name: str,
        epochs: int | None = None,
    ) -> Fitted[I]:
        """Fit once; marked rows (else an inner grouped part) decide when training stops.

        Args:
            cases: Labelled cases.
            marked: (n,) True where the fit is to stop early; None for an inner part.
            *name: Name of the random streams.
            epochs: Epochs to train for on all cases, with nothing to decide when to stop.
        """
        title = "-".join(name)
        self.started(title)
        folder = self.work / title if self.work else None
        seed = derived_seed(self.plan.seed, "fit", *name)
        context = FitContext(seed, folder, positive=self.positive, epochs=epochs)
        if self.model.uses_validation and epochs is None:
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
                f"no cases left for early stopping: {error.found}", remedy=error.remedy
            ) from error

    def folds(self, cases: Labelled[I], count: int, *name: str) -> list[Partition]:
        """Return the plan's folds of some cases; equal for every model."""
        return self.plan.make_folds(cases.label, cases.patient_id, count, *name)

    def outer_folds(self, cases: Labelled[I], *name: str) -> list[Partition]:
        """Return the folds of a cross-validation: the cases' groups, or the plan's own."""
        if cases.group is None:
            return self.folds(cases, self.plan.folds, *name)
        return leave_one_group_out(cases.label, cases.patient_id, cases.group)

    def develop(
        self,
        cases: Labelled[I],
        marked: NDArray[np.bool_] | None,
        folds: list[Partition],
        *name: str,
        score_training: bool,
    ) -> tuple[CalibratedFit[I], list[Scored]]:
        """Get a calibrated final fit and each fold's scores of the cases it held out.

        Args:
            cases: Labelled cases.
            marked: (n,) True where the final fit is to stop early, if it does; None for an inner
                part.
            folds: Folds of the cases.
            *name: Name of the random streams.
            score_training: Whether each fold also scores the cases it was fitted on.
        """
        calibrations: list[Calibration] = []
        blind: list[NDArray[np.float64]] = []
        trained: list[Scored] = []
        summaries: list[FitSummary] = []
        for k, fold in enumerate(folds):
            training, rest = cases.select(fold.training), cases.select(fold.held_out)
            fitted = self.fit(training, None, *name, f"fold{k}")
            scores = finite(fitted.scores(rest.inputs))
            calibration = fit_calibration(self.plan.calibration, scores, rest.label)
            one = CalibratedFit(fitted, calibration, None)
            calibrations.append(calibration)
            blind.append(scores)
            summaries.append(fitted.summary)
            if score_training:
                trained.append(one.score(training.inputs, training.case_id, "training", 0, k))
        held_out = _held_out(cases, folds, blind, held_out_calibrations(calibrations))
        fitted = self.fit(cases, marked, *name, "final", epochs=self.chosen_epochs(summaries))
        threshold = self._threshold(cases, folds, held_out)
        return CalibratedFit(
            fitted, average_calibrations(calibrations), threshold
        ), held_out + trained

    def chosen_epochs(self, summaries: Sequence[FitSummary]) -> int | None:
        """Return for how many epochs a fit on all cases trains; None where it stops early.

        Args:
            summaries: Of the fits on parts of these cases.
        """
        if self.plan.final_fit == "early_stopping" or not all(one.epochs for one in summaries):
            return None
        return ceil(median(epochs for one in summaries for epochs in one.epochs))

    def _threshold(
        self, cases: Labelled[I], folds: list[Partition], held_out: list[Scored]
    ) -> float | None:
        if self.positive is None:
            return None
        rows = np.concatenate([fold.held_out for fold in folds])
        pooled = np.concatenate([scored.probabilities[:, self.positive] for scored in held_out])
        positive = cases.label[rows] == self.positive
        return threshold_at_sensitivity(pooled, positive, self.plan.sensitivity)


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


def holdout(
    resampling: Resampling[I],
    development: Labelled[I],
    marked: NDArray[np.bool_],
    test: I,
    test_id: NDArray[np.str_],
) -> Iterator[tuple[CalibratedFit[I], list[Scored]]]:
    """Develop once per repeat and score the sealed cases; yields the final fit and all scores.

    Args:
        resampling: Model and plan.
        development: Labelled development cases.
        marked: (n,) True for the published validation split; all False where there is none.
        test: Sealed cases.
        test_id: Their ids.
    """
    for repeat in range(resampling.plan.repeats):
        yield within_repeat(resampling, repeat, development, marked, test, test_id)


def within_repeat(
    resampling: Resampling[I],
    repeat: int,
    development: Labelled[I],
    marked: NDArray[np.bool_],
    test: I,
    test_id: NDArray[np.str_],
) -> tuple[CalibratedFit[I], list[Scored]]:
    """Do one repeat of `holdout`."""
    name = repeat_name(repeat)
    folds = resampling.folds(development, resampling.plan.folds, *name)
    developed, scored = resampling.develop(development, marked, folds, *name, score_training=True)
    rows = [replace(row, repeat=repeat) for row in scored]
    return developed, [*rows, developed.score(test, test_id, "test", repeat, FINAL)]


def cross_validate(
    resampling: Resampling[I], development: Labelled[I], folds: list[list[Partition]] | None = None
) -> Iterator[tuple[CalibratedFit[I], list[Scored]]]:
    """Nested cross-validation; yields, once per repeat, a fit on all cases and all scores.

    Args:
        resampling: Model and plan.
        development: All labelled cases.
        folds: Outer folds of each repeat; the plan's own when None.
    """
    plan = resampling.plan
    for repeat in range(plan.repeats):
        given = folds[repeat] if folds else None
        outer = given or resampling.outer_folds(development, *repeat_name(repeat))
        rows: list[Scored] = []
        fits: list[CalibratedFit[I]] = []
        for k, fold in enumerate(outer):
            known, rest = development.select(fold.training), development.select(fold.held_out)
            developed, scored = within_outer_fold(resampling, repeat, k, known, rest)
            fits.append(developed)
            rows += scored
        yield whole_fit(resampling, repeat, development, fits), rows


def within_outer_fold(
    resampling: Resampling[I], repeat: int, k: int, known: Labelled[I], rest: Labelled[I]
) -> tuple[CalibratedFit[I], list[Scored]]:
    """Develop on the training cases of an outer fold and score those it holds out."""
    name = repeat_name(repeat, k)
    inner = resampling.folds(known, resampling.plan.inner_folds, *name)
    developed, scored = resampling.develop(known, None, inner, *name, score_training=False)
    rows = [replace(row, part="inner", repeat=repeat, fold=k) for row in scored]
    rows.append(developed.score(rest.inputs, rest.case_id, "out_of_fold", repeat, k))
    rows.append(developed.score(known.inputs, known.case_id, "training", repeat, k))
    return developed, rows


def whole_fit(
    resampling: Resampling[I], repeat: int, cases: Labelled[I], folds: list[CalibratedFit[I]]
) -> CalibratedFit[I]:
    """Fit on all cases; calibration and threshold are the means of the outer folds'."""
    epochs = resampling.chosen_epochs([fold.fitted.summary for fold in folds])
    fitted = resampling.fit(cases, None, *repeat_name(repeat), "final", epochs=epochs)
    thresholds = [fold.threshold for fold in folds if fold.threshold is not None]
    threshold = float(np.mean(thresholds)) if thresholds else None
    return CalibratedFit(
        fitted, average_calibrations([fold.calibration for fold in folds]), threshold
    )
