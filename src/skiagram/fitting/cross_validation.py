"""One model under one plan: fits, folds, and the two designs of evaluation.

`CrossValidator.develop` is the step that both designs share: K patient-grouped folds give
out-of-fold scores, these give the calibration and the threshold, and one final fit on all its cases
is ready for cases never seen. A network's final fit sets no cases aside: the folds chose how long
to train. `holdout` develops once per repeat and scores the sealed test set; `cross_validate`
develops once in each outer fold and scores that fold's held-out patients (nested cross-validation).
Both are the same for every model of every arm. Fits that do not depend on one another are made
side by side.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Generic, Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.arrays import Flags, Texts, Whole
from skiagram.calibration import (
    Calibration,
    average_calibrations,
    carry_over,
    threshold_at_sensitivity,
)
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.errors import DataError, ModelFailure
from skiagram.fitting.contract import (
    FitContext,
    FitSummary,
    Fitted,
    Labelled,
    Model,
    TrainedByEpochs,
)
from skiagram.fitting.deployment import Decision, repeat_folder
from skiagram.fitting.fits import Fit, FitPieces, FitResult, fit_model, make_fit
from skiagram.fitting.reading import I
from skiagram.records.predictions import FINAL, Part, tabulate_scores
from skiagram.seeding import derived_seed
from skiagram.splits import (
    Partition,
    draw_subset,
    grouped_folds,
    inner_validation,
    leave_one_group_out,
)
from skiagram.strict import STRICT, OneOrMore, ShareAboveZero, TwoOrMore, ZeroOrMore
from skiagram.tasks.cases import Cases
from skiagram.tasks.choices import CalibrationMethod, Design


@options_class(**STRICT)
class Subset:
    """Some of the training cases, for learning curves.

    Attributes:
        cases: How many; as many more as keep patients whole.
        draw: Which. The smaller subsets of a draw lie within its larger ones.
    """

    cases: Annotated[int, Field(ge=10)]
    draw: ZeroOrMore


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
        subset: Some of the training cases to learn from; None for all. Under `cv` each outer fold
            has a subset of its own training cases and is scored whole.
    """

    repeats: OneOrMore
    folds: TwoOrMore
    inner_folds: TwoOrMore
    calibration: CalibrationMethod
    sensitivity: ShareAboveZero
    validation_fraction: Annotated[float, Field(gt=0, le=0.5)]
    seed: ZeroOrMore
    final_fit: Literal["all_cases", "early_stopping"] = "all_cases"
    fold_column: str = ""
    subset: Subset | None = None

    def count_fits(self, design: Design, group: Texts | None = None) -> int:
        """Count how many times a model is fitted, the final fits included.

        A holdout fits every fold and all cases; a nested cross-validation does so in each outer
        fold, and fits all cases once more.

        Args:
            design: `holdout` or `cv`.
            group: (n,) what outer folds hold out whole; None where they are drawn.
        """
        if design == "holdout":
            return self.repeats * (self.folds + 1)
        folds = self.folds if group is None else len(np.unique(group))
        return self.repeats * (folds * (self.inner_folds + 1) + 1)

    def count_images(self, design: Design, cases: int) -> tuple[float, float]:
        """Count the images that all fits of a network learn from, and those set aside in them.

        Args:
            design: `holdout` or `cv`.
            cases: Of the development set.

        Returns:
            Means over folds, in images of one epoch.
        """
        # Fits of folds leave out a fold, and set cases aside to stop by; final fits have all.
        folds, whole = cases * (self.folds - 1), cases
        if design == "cv":
            folds, whole = folds * (self.inner_folds - 1), cases + folds
        aside = self.repeats * folds * self.validation_fraction
        return self.repeats * (folds + whole) - aside, aside

    def make_folds(
        self, label: Whole, patient_id: Texts, count: int, *name: str
    ) -> list[Partition]:
        """Make folds of training cases, whole patients in each; equal for every model.

        Args:
            label: (n,) by which folds are alike.
            patient_id: (n,) patients.
            count: Folds.
            name: Of the random stream.

        Raises:
            DataError: A class has fewer patients than there are folds.
        """
        return grouped_folds(label, patient_id, count, self.seed, "folds", *self.stream(*name))

    def outer_folds(self, label: Whole, patient_id: Texts, repeat: int) -> list[Partition]:
        """Make the folds that `cv` scores; every subset has the same: their figures compare."""
        name = repeat_name(repeat)
        return grouped_folds(label, patient_id, self.folds, self.seed, "folds", *name)

    def stream(self, *name: str) -> tuple[str, ...]:
        """Name a random stream; every subset has its own."""
        if self.subset is None:
            return name
        # Published learning curves have these names.
        shown = (part for part in name if part not in {"repeat0", "final"})
        return ("crossover", str(self.subset.draw), str(self.subset.cases), *shown)

    def learned(self, label: Whole, patient_id: Texts, rows: Whole) -> Whole:
        """Choose those of some training rows that models learn from.

        Args:
            label: (n,) of all cases.
            patient_id: (n,) patients, who stay whole.
            rows: Training rows.

        Raises:
            OptionError: The subset is larger.
        """
        if self.subset is None:
            return rows
        cases, draw = self.subset.cases, self.subset.draw
        numbered = _number_patients(patient_id[rows])
        return rows[draw_subset(label[rows], numbered, cases, self.seed, draw)]

    def limit(self, cases: Cases) -> Cases:
        """Leave out development cases that no model learns from.

        Of a subset none is set aside by the source for early stopping.

        Args:
            cases: Of the data set; test cases stay.
        """
        # Without a subset all cases learn.
        if self.subset is None:
            return cases
        # Patients are numbered, as the subset is drawn by number.
        test, patient_id = cases.split == "test", cases.patient_id.astype(object)
        development_rows = np.flatnonzero(~test)
        patient_id[development_rows] = _number_patients(cases.patient_id[development_rows])
        learned_rows = self.learned(cases.label, cases.patient_id, development_rows)
        # Those drawn, and all test cases.
        split = np.where(test, cases.split, "train")
        numbered = replace(cases, patient_id=patient_id.astype(str), split=split)
        return numbered.select(np.union1d(np.flatnonzero(test), learned_rows))

    def check_folds(self, design: Design, label: Whole, patient_id: Texts) -> None:
        """Make all folds that training makes of the development set, before it does.

        Args:
            design: `holdout` or `cv`.
            label: (n,) of the development set.
            patient_id: (n,) patients.

        Raises:
            DataError: Folds cannot be made of so few patients.
            OptionError: The subset is larger than a fold's training cases.
        """
        # Folds that cannot be made are refused here and not after hours of training.
        for repeat in range(self.repeats):
            parts = {repeat_name(repeat): np.arange(len(label))}
            if design == "cv":
                outer = self.outer_folds(label, patient_id, repeat)
                parts = {repeat_name(repeat, k): fold.training for k, fold in enumerate(outer)}
            # The inner folds of each outer one.
            count = self.inner_folds if design == "cv" else self.folds
            for name, training in parts.items():
                rows = self.learned(label, patient_id, training)
                self.make_folds(label[rows], patient_id[rows], count, *name)


def _number_patients(patient_id: Texts) -> Texts:
    """Name patients by numbers: the draws and folds of published learning curves follow these."""
    return np.unique(patient_id, return_inverse=True)[1].astype(str)


def repeat_name(repeat: int, *outer_fold: int) -> tuple[str, ...]:
    """Name the random streams of a repeat, or of an outer fold of it."""
    return f"repeat{repeat}", *(f"outer{fold}" for fold in outer_fold)


@dataclass(frozen=True)
class Development(Generic[I]):
    """A calibrated final fit to make.

    Attributes:
        outer: Outer fold whose training cases these are; None for none.
        marked: (known,) True where the final fit is to stop early; None for an inner part.
        scored: Inputs, and rows of them, that the final fit is to score.
        score_training: Whether each fold also scores the cases it was fitted on.
    """

    name: tuple[str, ...]
    cases: Labelled[I]
    rows: Whole
    folds: list[Partition]
    repeat: int = 0
    outer: int | None = None
    marked: Flags | None = None
    scored: tuple[tuple[I, Whole], ...] = ()
    score_training: bool = False
    saved: Path | None = None


class Developed(NamedTuple):
    """A final fit with the calibration and threshold that its own folds gave.

    Attributes:
        of_folds: What the fits of its folds say, a table a fit; see `Predictions.table`.
        marks: The same of a finder's marks; empty without.
    """

    result: FitResult
    decision: Decision
    of_folds: list[pd.DataFrame]
    marks: list[pd.DataFrame]

    def tabulate(
        self, place: int, case_id: Texts, part: Part, repeat: int, fold: int
    ) -> pd.DataFrame:
        """Tabulate the calibrated scores of inputs that the final fit scored.

        Args:
            place: Which of the inputs, in the order of `Development.scored`.
            case_id: (n,) cases of these.
            part: Which part of the scores they are.
            repeat: Of the plan.
            fold: Outer fold, or `FINAL`.
        """
        scores, calibration = self.result.scores[place], self.decision.calibration
        calibrated = calibration.probabilities(scores)
        threshold = self.decision.threshold
        return tabulate_scores(part, repeat, fold, case_id, scores, calibrated, threshold)


class Repeat(NamedTuple):
    """What one repeat of the plan leaves, in tables that `Predictions` has whole.

    Attributes:
        decision: Of the fit on all cases.
    """

    decision: Decision
    scores: list[pd.DataFrame]
    marks: list[pd.DataFrame]


InnerCases = Callable[[int, int, Whole], tuple[Labelled[I], Whole]]


@dataclass(frozen=True)
class CrossValidator(Generic[I]):
    """One model under one plan.

    Attributes:
        pieces: Where fits under way are kept; None to keep none.
        models: Folder for the fit on all cases of each repeat; None to keep none.
        finished: Called with the name and the cost of each fit, in the order of their asking.
    """

    model: Model[I]
    plan: Plan
    positive: int | None
    pieces: FitPieces | None = None
    models: Path | None = None
    compute: Compute = IN_PROCESS
    under_way: Callable[[str], None] = lambda names: None
    finished: Callable[[str, FitSummary], None] = lambda name, summary: None

    def holdout(
        self,
        repeats: Sequence[tuple[Labelled[I], I]],
        marked: Flags,
        test_id: Texts,
    ) -> list[Repeat]:
        """Develop once per repeat and score the sealed cases.

        Args:
            repeats: Development cases and inputs of the sealed ones, as each repeat sees them.
            marked: (n,) True for the published validation split; all False where there is none.
            test_id: Sealed cases, in the order of their inputs.

        Raises:
            ModelFailure: A fit failed.
        """
        # One development per repeat, scored on the test cases.
        parts = []
        for repeat, (cases, test) in enumerate(repeats):
            name = repeat_name(repeat)
            parts.append(
                Development(
                    name,
                    cases,
                    np.arange(len(cases)),
                    self.plan.make_folds(cases.label, cases.patient_id, self.plan.folds, *name),
                    repeat,
                    marked=marked,
                    scored=((test, np.arange(len(test))),),
                    score_training=True,
                    saved=self.models and self.models / repeat_folder(repeat),
                )
            )
        # Scores of the folds, then those of the final fit.
        return [
            Repeat(
                done.decision,
                [*done.of_folds, done.tabulate(0, test_id, "test", repeat, FINAL)],
                [*done.marks, *_place_marks(done.result, "test", repeat, FINAL)],
            )
            for repeat, done in enumerate(self.develop(parts))
        ]

    def cross_validate(
        self, repeats: Sequence[Labelled[I]], inner_cases: InnerCases[I] | None = None
    ) -> list[Repeat]:
        """Do a nested cross-validation; each repeat ends with a fit on all cases.

        Its calibration and threshold are the means of the outer folds'.

        Args:
            repeats: All cases, as each repeat sees them.
            inner_cases: Gives, for a repeat and an outer fold, what the folds inside it see of its
                training rows, and their rows in that; None for the repeat's own cases.

        Raises:
            ModelFailure: A fit failed.
        """
        # Each outer fold is developed on its training cases, and scores those held out.
        outer = [self._outer_folds(cases, repeat) for repeat, cases in enumerate(repeats)]
        parts, wholes = [], []
        for repeat, cases in enumerate(repeats):
            for k, fold in enumerate(outer[repeat]):
                # Cases of the inner folds may be read anew from what the outer fold leaves.
                inner, rows = cases, fold.training
                if inner_cases is not None:
                    inner, rows = inner_cases(repeat, k, fold.training)
                # The inner folds, and what their final fit is to score.
                name, count = repeat_name(repeat, k), self.plan.inner_folds
                folds = self.plan.make_folds(
                    inner.label[rows], inner.patient_id[rows], count, *name
                )
                scored = ((cases.inputs, fold.held_out), (inner.inputs, rows))
                parts.append(Development(name, inner, rows, folds, repeat, k, scored=scored))
            # A fit on all cases, which scores none of them.
            name, saved = repeat_name(repeat), self.models and self.models / repeat_folder(repeat)
            rows = self.plan.learned(cases.label, cases.patient_id, np.arange(len(cases)))
            wholes.append(Development(name, cases, rows, [], repeat, saved=saved))
        developed = iter(self.develop(parts, wholes))
        # The tables of the outer folds.
        results: list[Repeat] = []
        for repeat, cases in enumerate(repeats):
            done = [next(developed) for _ in outer[repeat]]
            # The decision of a fit on all cases is the mean of those of the outer folds.
            decisions = [part.decision for part in done]
            thresholds = [each.threshold for each in decisions if each.threshold is not None]
            mean = average_calibrations([each.calibration for each in decisions])
            threshold = float(np.mean(thresholds)) if thresholds else None
            tables = Repeat(Decision(mean, threshold), [], [])
            for k, (fold, part) in enumerate(zip(outer[repeat], done, strict=True)):
                held_out, training_id = cases.case_id[fold.held_out], cases.case_id[fold.training]
                tables.scores.extend(part.of_folds)
                tables.scores.append(part.tabulate(0, held_out, "out_of_fold", repeat, k))
                tables.scores.append(part.tabulate(1, training_id, "training", repeat, k))
                tables.marks.extend(part.marks)
                tables.marks.extend(_place_marks(part.result, "out_of_fold", repeat, k))
            results.append(tables)
        return results

    def develop(
        self, parts: Sequence[Development[I]], wholes: Sequence[Development[I]] = ()
    ) -> list[Developed]:
        """Make all folds' fits and the calibrated final fits.

        Final fits wait for the folds only where these choose for how long they train.

        Args:
            wholes: All cases of each repeat, without folds: their final fits are made beside those
                of the parts, for as many epochs as these train for in the median.

        Raises:
            ModelFailure: A fit failed: the first one, in the order of their asking, that did.
        """
        # Final fits train for so many epochs, for as many as the folds choose, or stop early.
        epochs: int | Literal["chosen"] | None = None
        if self.model.uses_validation and self.plan.final_fit != "early_stopping":
            epochs = "chosen"
            if isinstance(self.model, TrainedByEpochs):
                epochs = self.model.final_epochs
        fits: list[Fit[I]] = []
        # The fits of all folds, each scored on what it held out.
        for part in parts:
            for k, fold in enumerate(part.folds):
                training, held_out = part.rows[fold.training], part.rows[fold.held_out]
                scored = [held_out, *([training] if part.score_training else [])]
                inputs = tuple((part.cases.inputs, rows) for rows in scored)
                fit = self._request(part.cases, training, (*part.name, f"fold{k}"))
                fits.append(replace(fit, scored=inputs))
        # Final fits that wait for nothing are made beside them.
        if epochs != "chosen":
            fits += [self._final_fit(each, epochs) for each in (*parts, *wholes)]
            made = self.make(fits)
        # Those whose epochs are chosen follow the folds, or train ahead where places are idle.
        else:
            made = self.make([*fits, *self._fits_ahead(parts, len(fits))])
            # The folds of a part choose for it; for all cases the parts of their repeat do.
            chosen, asked = [], []
            for part in parts:
                of_folds = [each.summary.epochs for each in _of_folds(part, made)]
                chosen.append((part, _median_epochs(of_folds)))
            for whole in wholes:
                of_parts = [each for part, each in chosen if part.repeat == whole.repeat]
                asked.append((whole, _median_epochs(of_parts)))
            # The longest come first, so that no place is left with one of them.
            made |= self.make([self._final_fit(part, *each) for part, each in asked + chosen])
        return [self._calibrated(part, made) for part in parts]

    def fit(self, cases: Labelled[I], *name: str) -> Fitted[I]:
        """Fit once, in this process; an inner part of the cases decides when training ends.

        Args:
            cases: To learn from.
            name: Of the fit, from which its seed follows.

        Raises:
            ModelFailure: The model cannot be trained.
        """
        with IN_PROCESS.limit():
            return fit_model(self._request(cases, np.arange(len(cases)), name))

    def _request(
        self,
        cases: Labelled[I],
        rows: Whole,
        name: tuple[str, ...],
        marked: Flags | None = None,
        epochs: int | None = None,
    ) -> Fit[I]:
        """Say what a fit learns from, what it stops by, its seed and where its weights are kept.

        Args:
            cases: Development cases.
            rows: Those that it is fitted on, cases to stop by among them.
            name: Of the fit in the plan; its seed follows from it.
            marked: (n,) True for cases that the data set keeps for stopping; None for none.
            epochs: How long it trains where no cases decide; None to set some aside.

        Raises:
            ModelFailure: No cases are left to stop by.
        """
        # The name gives the folder and the random numbers of a fit.
        title = "-".join(name)
        checkpoints = None if self.pieces is None else self.pieces.checkpoints
        folder = None if checkpoints is None else checkpoints / title
        random_name = self.plan.stream(*name)
        seed = derived_seed(self.plan.seed, "fit", *random_name)
        context = FitContext(seed, folder, positive=self.positive, epochs=epochs)
        # No cases are set aside where nothing is stopped early.
        if not self.model.uses_validation or epochs is not None:
            return Fit(title, self.model, cases, rows, None, context, pieces=self.pieces)
        # Cases to stop by: those that the data set marks, or a share of the training.
        if marked is not None and marked.any():
            part = Partition(np.flatnonzero(~marked), np.flatnonzero(marked))
        else:
            label, patient_id = cases.label[rows], cases.patient_id[rows]
            fraction, seeded = self.plan.validation_fraction, self.plan.seed
            try:
                part = inner_validation(
                    label, patient_id, fraction, seeded, "validation", *random_name
                )
            except DataError as error:  # the other arm needs no such cases and can be trained
                fault = f"no cases left for early stopping: {error.found}"
                raise ModelFailure(fault, remedy=error.remedy) from error
        training, held_out = rows[part.training], rows[part.held_out]
        return Fit(title, self.model, cases, training, held_out, context, pieces=self.pieces)

    def _final_fit(self, part: Development[I], epochs: int | None = None) -> Fit[I]:
        """Say how the cases of a part are fitted together, scored and saved."""
        name = (*part.name, "final")
        fit = self._request(part.cases, part.rows, name, part.marked, epochs)
        return replace(fit, scored=part.scored, saved=part.saved)

    def _fits_ahead(self, parts: Sequence[Development[I]], others: int) -> list[Fit[I]]:
        """List final fits that train beside the last folds, where places would stand idle.

        They keep the weights after each epoch; the final fits take those that the folds choose.
        """
        # Only a training that leaves its epochs can be taken up again.
        model, keeps = self.model, self.pieces is not None and self.pieces.checkpoints is not None
        if not keeps or not isinstance(model, TrainedByEpochs) or model.epochs_ahead is None:
            return []
        # Elsewhere no place here is idle.
        if model.one_by_one or self.compute.backend != "local":
            return []
        # As many as fill the last round of folds.
        idle = -others % self.compute.fits_at_a_time(model.gpus)
        fits = [self._final_fit(part, model.epochs_ahead) for part in parts[:idle]]
        return [
            replace(fit, scored=(), saved=None, context=replace(fit.context, ahead=True))
            for fit in fits
        ]

    def held_out_fits(
        self, cases: Labelled[I], design: Design, epochs: Mapping[str, int]
    ) -> list[Fit[I]]:
        """List the fits to make that score each development case unseen, repeat after repeat.

        They are those whose scores training calls out-of-fold. Each is to be saved, in a folder of
        its title below `models`.

        Args:
            cases: Development cases.
            design: `holdout` or `cv`.
            epochs: Title of a fit → epochs that it trains for, where other fits chose them.
        """
        # Each outer fold again, by its name, so that kept fits are found.
        fits = []
        for repeat in range(self.plan.repeats):
            for k, fold in enumerate(self._outer_folds(cases, repeat)):
                whole = (*repeat_name(repeat, k), "final")
                name = whole if design == "cv" else (*repeat_name(repeat), f"fold{k}")
                # The number of epochs that the first training chose.
                chosen = epochs.get("-".join(name)) if self.model.uses_validation else None
                fit = self._request(cases, fold.training, name, None, chosen)
                saved = None if self.models is None else self.models / fit.title
                fits.append(replace(fit, scored=((cases.inputs, fold.held_out),), saved=saved))
        return fits

    def make(self, fits: Sequence[Fit[I]]) -> dict[str, FitResult]:
        """Make fits, side by side where there is room.

        Args:
            fits: In the order in which failures and costs are told.

        Returns:
            Title → what came of each, without those that only trained ahead.

        Raises:
            ModelFailure: A fit failed: the first one in that order.
        """
        # Networks that take the whole machine follow one another.
        by_epochs = self.model if isinstance(self.model, TrainedByEpochs) else None
        compute = IN_PROCESS if by_epochs is not None and by_epochs.one_by_one else self.compute
        results = compute.map_fits(
            make_fit,
            fits,
            gpus=None if by_epochs is None else by_epochs.gpus,
            short=by_epochs is None,
            name=lambda fit: fit.title,
            describe=self.under_way,
        )
        # Those made ahead report nothing: they are asked for again.
        made = {}
        for fit, result in zip(fits, results, strict=True):
            if not fit.context.ahead:
                self.finished(fit.title, result.summary)
                made[fit.title] = result
        return made

    def _calibrated(self, part: Development[I], made: dict[str, FitResult]) -> Developed:
        """Calibrate a final fit by the fits of its folds, and set its threshold.

        Scores of a fold are calibrated by the other folds, those of the final fit by all of them.
        """
        # The results of this part's folds.
        label, case_id = part.cases.label[part.rows], part.cases.case_id[part.rows]
        results = _of_folds(part, made)
        # Each fold's held-out cases calibrate its scores.
        calibrations: list[Calibration] = []
        for fold, result in zip(part.folds, results, strict=True):
            learned, scores = part.cases.select(part.rows[fold.held_out]), result.scores[0]
            truth = (*learned.truth, learned.patient_id)
            calibrate = learned.predicted.calibrate_by
            calibrations.append(calibrate(self.plan.calibration, scores, *truth))
        # A fold's scores are calibrated by the other folds, which have not seen its labels.
        held_out, training, marks = [], [], []
        labels = [label[fold.held_out] for fold in part.folds]
        blind, whole = carry_over(calibrations, [result.scores[0] for result in results], labels)
        kind: Part = "out_of_fold" if part.outer is None else "inner"
        for k, (fold, result) in enumerate(zip(part.folds, results, strict=True)):
            outer, inner = (k, FINAL) if part.outer is None else (part.outer, k)
            scores, rows = result.scores[0], case_id[fold.held_out]
            fold_key, calibrated = (kind, part.repeat, outer), blind[k].probabilities(scores)
            held_out.append(tabulate_scores(*fold_key, rows, scores, calibrated, inner_fold=inner))
            marks += _place_marks(result, *fold_key)
            if part.score_training:
                fitted = Developed(result, Decision(calibrations[k], None), [], [])
                rows = case_id[fold.training]
                training.append(fitted.tabulate(1, rows, "training", part.repeat, k))
        # The threshold at which the pooled held-out cases reach the planned sensitivity.
        threshold = None
        if self.positive is not None:
            truth = np.concatenate(labels) == self.positive
            pooled = pd.concat(held_out)[f"probability_{self.positive}"].to_numpy()
            patient_id = part.cases.patient_id[part.rows]
            patient = np.concatenate([patient_id[fold.held_out] for fold in part.folds])
            threshold = threshold_at_sensitivity(pooled, truth, self.plan.sensitivity, patient)
        last = made["-".join((*part.name, "final"))]
        return Developed(last, Decision(whole, threshold), [*held_out, *training], marks)

    def _outer_folds(self, cases: Labelled[I], repeat: int) -> list[Partition]:
        """Make what a repeat holds out in turn: folds of patients, or groups such as sites."""
        if cases.group is not None:
            folds = leave_one_group_out(cases.label, cases.patient_id, cases.group)
        else:
            folds = self.plan.outer_folds(cases.label, cases.patient_id, repeat)
        learned = partial(self.plan.learned, cases.label, cases.patient_id)
        return [Partition(learned(fold.training), fold.held_out) for fold in folds]


def _median_epochs(epochs: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Choose for how many epochs a final fit trains; none, to stop early, where a fit says none."""
    return (ceil(median(each for fit in epochs for each in fit)),) if all(epochs) else ()


def _of_folds(part: Development[Any], made: dict[str, FitResult]) -> list[FitResult]:
    """Take the results of a part's own folds, in their order, from all that were made."""
    return [made["-".join((*part.name, f"fold{k}"))] for k in range(len(part.folds))]


def _place_marks(result: FitResult, part: Part, repeat: int, fold: int) -> list[pd.DataFrame]:
    """Give a finder's marks the place of their fit in the plan; nothing without marks."""
    if result.marks is None:
        return []
    return [result.marks.assign(part=part, repeat=repeat, fold=fold)]
