"""One model under one plan: fits, folds, and the two designs of evaluation.

`Resampling.develop` is the step that both designs share: K patient-grouped folds give out-of-fold
scores, these give the calibration and the threshold, and one final fit on all its cases is ready
for cases never seen. A network's final fit sets no cases aside: the folds chose how long to train.
`holdout` develops once per repeat and scores the sealed test set;
`cross_validate` develops once in each outer fold and scores that fold's held-out patients (nested
cross-validation). Both are the same for every model of every arm.

All of these are `Steps` that ask for fits; `Resampling.run` has them made side by side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

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
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.errors import DataError, ModelFailure
from skiagram.models.contract import (
    ChoosesDevices,
    FitContext,
    FitSummary,
    Fitted,
    I,
    KnowsItsEpochs,
    Labelled,
    Model,
)
from skiagram.models.deployment import repeat_folder
from skiagram.models.fits import (
    Fit,
    FitResult,
    LazyInputs,
    Steps,
    as_lazy,
    finite,
    interleave,
)
from skiagram.options import STRICT
from skiagram.records import Design
from skiagram.seeding import derived_seed
from skiagram.splits import Partition, grouped_folds, inner_validation, leave_one_group_out

T = TypeVar("T")
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
class CalibratedResult:
    """What came of a final fit, with the calibration and threshold that its own folds gave.

    Attributes:
        result: Of the fit.
        calibration: Makes probabilities of its scores.
        threshold: Smallest probability that is called positive; None with more than two classes.
    """

    result: FitResult
    calibration: Calibration
    threshold: float | None

    def scored(
        self, which: int, case_id: NDArray[np.str_], part: Part, repeat: int, fold: int
    ) -> Scored:
        """Return the scores of the inputs of a number; calibration and threshold come from others.

        Args:
            which: Place among the inputs that the fit scored.
            case_id: (n,) their cases.
            part: What they are to the fit.
            repeat: Repeat of the plan.
            fold: Fold that held the cases out; `FINAL` for a final fit.
        """
        scores = self.result.scores[which]
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
        models: Folder for the fit on all cases of each repeat; None to keep none.
        compute: Where fits are made.
        under_way: Called with the names of the fits that are being made.
        finished: Called with the name and the cost of each fit, in the order of their asking.
    """

    model: Model[I]
    plan: Plan
    positive: int | None
    work: Path | None = None
    models: Path | None = None
    compute: Compute = IN_PROCESS
    under_way: Callable[[str], None] = lambda names: None
    finished: Callable[[str, FitSummary], None] = lambda name, summary: None

    def run(self, steps: Steps[T]) -> T:
        """Make all fits that some steps ask for and return what they come to.

        Raises:
            ModelFailure: A fit failed: the first one, in the order of their asking, that did.
            SkiagramError: A process was killed.
        """
        results: list[FitResult] | None = None
        while True:
            try:
                fits = next(steps) if results is None else steps.send(results)
            except StopIteration as end:
                return cast(T, end.value)
            results = self._make(fits)

    def _make(self, fits: list[Fit[Any]]) -> list[FitResult]:
        devices = self.model if isinstance(self.model, ChoosesDevices) else None
        compute = IN_PROCESS if devices is not None and devices.one_by_one else self.compute
        shared = {id(part.inputs): part.inputs for fit in fits for part in fit.parts}
        fitted = compute.map_fits(
            Fit.make,
            fits,
            shared=list(shared.values()),
            order=sorted(range(len(fits)), key=lambda number: -len(fits[number].training)),
            gpus=None if devices is None else devices.gpus,
            name=lambda fit: fit.title,
            describe=self.under_way,
        )
        results = []
        for fit, result in zip(fits, fitted, strict=True):
            self.finished(fit.title, result.summary)
            results.append(result)
        return results

    def fit(self, cases: Labelled[I], marked: NDArray[np.bool_] | None, *name: str) -> Fitted[I]:
        """Fit once, in this process; marked rows (else an inner part) decide when training stops.

        Args:
            cases: Labelled cases.
            marked: (n,) True where the fit is to stop early; None for an inner part.
            *name: Name of the random streams.
        """
        fit = replace(self.request_fit(as_lazy(cases), marked, name), returned=True)
        (result,) = replace(self, compute=IN_PROCESS)._make([fit])
        return cast(Fitted[I], result.fitted)

    def request_fit(
        self,
        cases: Labelled[LazyInputs[I]],
        marked: NDArray[np.bool_] | None,
        name: tuple[str, ...],
        scored: tuple[LazyInputs[I], ...] = (),
        epochs: int | None = None,
    ) -> Fit[I]:
        """Return a fit to make; marked rows (else an inner grouped part) decide when it stops.

        Args:
            cases: Labelled cases.
            marked: (n,) True where the fit is to stop early; None for an inner part.
            name: Name of the random streams.
            scored: What it is to score.
            epochs: Epochs to train for on all cases, with nothing to decide when to stop.
        """
        title = "-".join(name)
        folder = self.work / title if self.work else None
        seed = derived_seed(self.plan.seed, "fit", *name)
        context = FitContext(seed, folder, positive=self.positive, epochs=epochs)
        training, validation = cases, None
        if self.model.uses_validation and epochs is None:
            part = self._validation(cases, marked, *name)
            training, validation = cases.select(part.training), cases.select(part.held_out)
        return Fit(title, self.model, training, validation, context, scored)

    def _validation(
        self, cases: Labelled[LazyInputs[I]], marked: NDArray[np.bool_] | None, *name: str
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

    def folds(self, cases: Labelled[Any], count: int, *name: str) -> list[Partition]:
        """Return the plan's folds of some cases; equal for every model."""
        return self.plan.make_folds(cases.label, cases.patient_id, count, *name)

    def outer_folds(self, cases: Labelled[Any], *name: str) -> list[Partition]:
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
        """Do in this process what `development_steps` says; return the fitted model itself."""
        steps = self.development_steps(
            as_lazy(cases), marked, folds, *name, score_training=score_training, returned=True
        )
        developed, scored = replace(self, compute=IN_PROCESS).run(steps)
        fitted = cast(Fitted[I], developed.result.fitted)
        return CalibratedFit(fitted, developed.calibration, developed.threshold), scored

    def development_steps(
        self,
        cases: Labelled[LazyInputs[I]],
        marked: NDArray[np.bool_] | None,
        folds: list[Partition],
        *name: str,
        score_training: bool,
        scored: tuple[LazyInputs[I], ...] = (),
        saved: Path | None = None,
        returned: bool = False,
    ) -> Steps[tuple[CalibratedResult, list[Scored]]]:
        """Get a calibrated final fit and each fold's scores of the cases it held out.

        The final fit waits for the folds only where they choose for how long it trains.

        Args:
            cases: Labelled cases.
            marked: (n,) True where the final fit is to stop early, if it does; None for an inner
                part.
            folds: Folds of the cases.
            *name: Name of the random streams.
            score_training: Whether each fold also scores the cases it was fitted on.
            scored: What the final fit is to score.
            saved: Folder for the final fit; None to keep none.
            returned: Whether the final fit itself is asked for.
        """
        fits = []
        for k, fold in enumerate(folds):
            training, rest = cases.select(fold.training), cases.select(fold.held_out)
            seen = (training.inputs,) if score_training else ()
            fits.append(self.request_fit(training, None, (*name, f"fold{k}"), (rest.inputs, *seen)))

        def final(epochs: int | None) -> Fit[I]:
            request = self.request_fit(cases, marked, (*name, "final"), scored, epochs)
            return replace(request, saved=saved, returned=returned)

        if self._final_fit_waits():
            results = yield fits
            epochs = self.chosen_epochs([result.summary for result in results])
            (last,) = yield [final(epochs)]
        else:
            *results, last = yield [*fits, final(self._known_epochs())]
        return self._calibrated(cases, folds, results, last, score_training=score_training)

    def _calibrated(
        self,
        cases: Labelled[LazyInputs[I]],
        folds: list[Partition],
        results: list[FitResult],
        last: FitResult,
        *,
        score_training: bool,
    ) -> tuple[CalibratedResult, list[Scored]]:
        """Calibrate the folds and the final fit by what the folds scored."""
        blind = [result.scores[0] for result in results]
        calibrations = [
            fit_calibration(self.plan.calibration, scores, cases.label[fold.held_out])
            for fold, scores in zip(folds, blind, strict=True)
        ]
        trained = [
            CalibratedResult(result, calibration, None).scored(
                1, cases.case_id[fold.training], "training", 0, k
            )
            for k, (fold, result, calibration) in enumerate(
                zip(folds, results, calibrations, strict=True)
            )
            if score_training
        ]
        held_out = _held_out(cases, folds, blind, held_out_calibrations(calibrations))
        threshold = self._threshold(cases, folds, held_out)
        developed = CalibratedResult(last, average_calibrations(calibrations), threshold)
        return developed, held_out + trained

    def _final_fit_waits(self) -> bool:
        if not self.model.uses_validation or self.plan.final_fit == "early_stopping":
            return False
        return not (isinstance(self.model, KnowsItsEpochs) and self.model.knows_epochs)

    def _known_epochs(self) -> int | None:
        if not isinstance(self.model, KnowsItsEpochs) or self.plan.final_fit == "early_stopping":
            return None
        return self.model.final_epochs

    def chosen_epochs(self, summaries: Sequence[FitSummary]) -> int | None:
        """Return for how many epochs a fit on all cases trains; None where it stops early.

        Args:
            summaries: Of the fits on parts of these cases.
        """
        if self.plan.final_fit == "early_stopping" or not all(
            summary.epochs for summary in summaries
        ):
            return None
        return ceil(median(epochs for summary in summaries for epochs in summary.epochs))

    def _threshold(
        self, cases: Labelled[Any], folds: list[Partition], held_out: list[Scored]
    ) -> float | None:
        if self.positive is None:
            return None
        rows = np.concatenate([fold.held_out for fold in folds])
        pooled = np.concatenate([scored.probabilities[:, self.positive] for scored in held_out])
        positive = cases.label[rows] == self.positive
        return threshold_at_sensitivity(pooled, positive, self.plan.sensitivity)


def _held_out(
    cases: Labelled[Any],
    folds: list[Partition],
    scores: list[NDArray[np.float64]],
    calibrations: list[Calibration],
) -> list[Scored]:
    return [
        Scored(
            "out_of_fold", 0, k, cases.case_id[fold.held_out], raw, calibration.probabilities(raw)
        )
        for k, (fold, raw, calibration) in enumerate(zip(folds, scores, calibrations, strict=True))
    ]


def holdout(
    resampling: Resampling[I],
    development: Labelled[I],
    marked: NDArray[np.bool_],
    test: I,
    test_id: NDArray[np.str_],
) -> Steps[list[tuple[CalibratedResult, list[Scored]]]]:
    """Develop once per repeat and score the sealed cases; comes to the final fit and all scores.

    Args:
        resampling: Model and plan.
        development: Labelled development cases.
        marked: (n,) True for the published validation split; all False where there is none.
        test: Sealed cases.
        test_id: Their ids.
    """
    known, sealed = as_lazy(development), LazyInputs.of(test)
    repeats = range(resampling.plan.repeats)
    steps = [within_repeat(resampling, r, known, marked, sealed, test_id) for r in repeats]
    return (yield from interleave(steps))


def within_repeat(
    resampling: Resampling[I],
    repeat: int,
    development: Labelled[LazyInputs[I]],
    marked: NDArray[np.bool_],
    test: LazyInputs[I],
    test_id: NDArray[np.str_],
) -> Steps[tuple[CalibratedResult, list[Scored]]]:
    """Do one repeat of `holdout`."""
    name = repeat_name(repeat)
    folds = resampling.folds(development, resampling.plan.folds, *name)
    developed, scored = yield from resampling.development_steps(
        development, marked, folds, *name,
        score_training=True, scored=(test,), saved=_saved(resampling, repeat),
    )  # fmt: skip
    rows = [replace(row, repeat=repeat) for row in scored]
    return developed, [*rows, developed.scored(0, test_id, "test", repeat, FINAL)]


def _saved(resampling: Resampling[I], repeat: int) -> Path | None:
    return None if resampling.models is None else resampling.models / repeat_folder(repeat)


def cross_validate(
    resampling: Resampling[I], development: Labelled[I], folds: list[list[Partition]] | None = None
) -> Steps[list[tuple[CalibratedResult, list[Scored]]]]:
    """Nested cross-validation; comes to, for each repeat, a fit on all cases and all scores.

    Args:
        resampling: Model and plan.
        development: All labelled cases.
        folds: Outer folds of each repeat; the plan's own when None.
    """
    known = as_lazy(development)
    steps = [
        _nested(resampling, repeat, known, folds[repeat] if folds else None)
        for repeat in range(resampling.plan.repeats)
    ]
    return (yield from interleave(steps))


def _nested(
    resampling: Resampling[I],
    repeat: int,
    cases: Labelled[LazyInputs[I]],
    partitions: list[Partition] | None,
) -> Steps[tuple[CalibratedResult, list[Scored]]]:
    """Do one repeat of `cross_validate`."""
    outer = partitions or resampling.outer_folds(cases, *repeat_name(repeat))
    parts = [(cases.select(fold.training), cases.select(fold.held_out)) for fold in outer]
    folds = yield from interleave(
        [within_outer_fold(resampling, repeat, k, *part) for k, part in enumerate(parts)]
    )
    whole = yield from whole_fit(resampling, repeat, cases, [developed for developed, _ in folds])
    return whole, [row for _, rows in folds for row in rows]


def within_outer_fold(
    resampling: Resampling[I],
    repeat: int,
    k: int,
    known: Labelled[LazyInputs[I]],
    rest: Labelled[LazyInputs[I]],
) -> Steps[tuple[CalibratedResult, list[Scored]]]:
    """Develop on the training cases of an outer fold and score those it holds out."""
    name = repeat_name(repeat, k)
    inner = resampling.folds(known, resampling.plan.inner_folds, *name)
    developed, scored = yield from resampling.development_steps(
        known, None, inner, *name, score_training=False, scored=(rest.inputs, known.inputs)
    )
    rows = [replace(row, part="inner", repeat=repeat, fold=k) for row in scored]
    rows.append(developed.scored(0, rest.case_id, "out_of_fold", repeat, k))
    rows.append(developed.scored(1, known.case_id, "training", repeat, k))
    return developed, rows


def whole_fit(
    resampling: Resampling[I],
    repeat: int,
    cases: Labelled[LazyInputs[I]],
    folds: list[CalibratedResult],
) -> Steps[CalibratedResult]:
    """Fit on all cases; calibration and threshold are the means of the outer folds'."""
    epochs = resampling.chosen_epochs([fold.result.summary for fold in folds])
    request = resampling.request_fit(cases, None, (*repeat_name(repeat), "final"), epochs=epochs)
    (result,) = yield [replace(request, saved=_saved(resampling, repeat))]
    thresholds = [fold.threshold for fold in folds if fold.threshold is not None]
    threshold = float(np.mean(thresholds)) if thresholds else None
    return CalibratedResult(
        result, average_calibrations([fold.calibration for fold in folds]), threshold
    )
