"""Study `search`: the options of every model searched with the same budget on the same folds.

What a search found is estimated twice: on the folds that chose it (optimistic), and by a nested
search on patients that it never saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.options import STRICT, build
from skiagram.splits import Partition, grouped_folds
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import corrected_mean
from skiagram.studies.cross_validation import CrossValidatedStudy, CrossValidation
from skiagram.studies.pipeline_steps import (
    Arm,
    CrossValidatedDataSet,
    EncoderStudyOptions,
    StudiedModel,
)
from skiagram.studies.search.space import apply_values, rewrite_option_file
from skiagram.studies.search.trials import (
    Budget,
    FoldFit,
    ModelSearch,
    Trial,
    fit_fold,
    open_storage,
    search,
)
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class NestedEstimate:
    """The search itself, judged on patients that it never saw.

    Attributes:
        default: AUC with the values of the option file, mean over outer folds.
        tuned: AUC with the values that a search within each outer fold's training cases found.
        gain: Tuned minus default, paired by outer fold.
        values: What the search of each outer fold chose.
        fits: Fits made for it.
    """

    default: Estimate
    tuned: Estimate
    gain: Estimate
    values: tuple[dict[str, Any], ...]
    fits: int


@dataclass(frozen=True)
class SearchedModel(StudiedModel):
    """One model's search.

    Attributes:
        trials: All trials in the order of their numbers.
        best: Number of the best finished trial; None where none finished.
        default: AUC of the first trial over the folds.
        tuned: AUC of the best trial over the folds that chose it: optimistic.
        gain: Tuned minus default, paired by fold: optimistic.
        nested: The estimate on patients that the search never saw; None where not asked for.
        option_file: The model's option file with the best trial's values.
    """

    trials: tuple[Trial, ...]
    best: int | None
    default: Estimate
    tuned: Estimate
    gain: Estimate
    nested: NestedEstimate | None
    option_file: str


@dataclass(frozen=True)
class SearchResult(CrossValidatedDataSet):
    """What the study found on one data set.

    Attributes:
        budget: Trials of every model.
        outer: Outer folds of the nested estimate; None without one.
        models: One per model.
        processor_seconds: Model → seconds that each of its trials took, as measured on the
            machine that fitted it; the one figure here that another machine changes.
    """

    budget: int
    outer: int | None
    models: tuple[SearchedModel, ...]
    processor_seconds: dict[str, tuple[float, ...]] = field(default_factory=dict)


@options_class(**STRICT)
class Search(EncoderStudyOptions, CrossValidatedStudy):
    """The same number of trials for every model of all arms, on development cases alone.

    Attributes:
        baselines: Option files of classical models; each has a space in conf/search.
        networks: Option files of networks; each has a space in conf/search.
        heads: Option files of classical models; each has a space in conf/search.
        budget: Trials and rounds.
        outer_folds: Outer folds of the nested estimate, each with searches of its own; null for
            none.
        storage: Database of the trials, a URL as SQLAlchemy takes it; null for a file of SQLite
            under .work/studies.
    """

    budget: Budget
    outer_folds: Annotated[int, Field(ge=2)] | None
    storage: str | None

    def run(self, workspace: Workspace) -> SearchResult:
        """Make all trials that are not made yet and judge what they found."""
        models = [
            _model_search(workspace, name, arm) for name, arm in self.members(workspace).items()
        ]
        storage = open_storage(self.storage, workspace.work)
        cv, data_set = self.cross_validation(workspace)
        ledgers = search(cv, models, self.budget, storage)
        outer: dict[str, NestedEstimate] = {}
        if self.outer_folds is not None:
            outer = nested_search(cv, models, self.budget, storage, self.outer_folds)
        searched, seconds = [], {}
        for model in models:
            trials, seconds[model.name] = ledgers[model.name].results(self.budget.trials)
            searched.append(self._searched_model(cv, model, trials, outer.get(model.name)))
        return SearchResult(
            **vars(data_set),
            budget=self.budget.trials,
            outer=self.outer_folds,
            models=tuple(searched),
            processor_seconds=seconds,
        )

    def _searched_model(
        self,
        cv: CrossValidation,
        model: ModelSearch,
        trials: tuple[Trial, ...],
        outer: NestedEstimate | None,
    ) -> SearchedModel:
        best, first = best_trial(trials), trials[0]
        figures = missing_estimates(first.reason or "no trial finished")
        if best is not None and first.end == "finished":
            figures = compare_folds(first.fold_auc, best.fold_auc, self.plan.folds)
        file = model.arm.option_file(model.name)
        heading = f"{model.name} with the best of {len(trials)} trials on {self.dataset}"
        return SearchedModel(
            model.name,
            model.arm.model(model.options, cv.workspace.compute.threads).title,
            model.arm.name,
            trials,
            None if best is None else best.number,
            *figures,
            outer,
            rewrite_option_file(
                (cv.workspace.conf / "model" / f"{file}.yaml").read_text(encoding="utf-8"),
                {} if best is None else best.values,
                f"{heading}; the folds that chose them flatter these values.",
            ),
        )


def _model_search(workspace: Workspace, name: str, arm: Arm) -> ModelSearch:
    options, file = arm.options(workspace, name), arm.option_file(name)
    space = build(workspace.option_file("search", file), f"conf/search/{file}.yaml")
    defaults = space.defaults(options, f"conf/search/{file}.yaml")
    return ModelSearch(name, arm, options, space, defaults)


if TYPE_CHECKING:
    from optuna.storages import BaseStorage


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """Return the finished trial of the highest mean AUC, the first of equal ones."""
    finished = [trial for trial in trials if trial.end == "finished"]
    return max(finished, key=lambda trial: (np.mean(trial.fold_auc), -trial.number), default=None)


def compare_folds(
    default: Sequence[float], tuned: Sequence[float], folds: int
) -> tuple[Estimate, Estimate, Estimate]:
    """Return the mean AUC of each and of tuned minus default, paired by fold.

    Args:
        default: AUC of each fold with the values of the option file.
        tuned: AUC of each fold with those that the search found.
        folds: Folds of one repeat.
    """
    default_auc, tuned_auc, ratio = np.array(default), np.array(tuned), 1 / (folds - 1)
    return (
        corrected_mean(default_auc, ratio, 0.0, 1.0),
        corrected_mean(tuned_auc, ratio, 0.0, 1.0),
        corrected_mean(tuned_auc - default_auc, ratio, -1.0, 1.0),
    )


def missing_estimates(reason: str) -> tuple[Estimate, Estimate, Estimate]:
    """Return three figures that cannot be computed."""
    missing = Estimate(None, reason=reason)
    return missing, missing, missing


def nested_search(
    cv: CrossValidation,
    models: Sequence[ModelSearch],
    budget: Budget,
    storage: "BaseStorage",
    outer: int,
) -> dict[str, NestedEstimate]:
    """Repeat the whole search inside each outer fold and test what it chose on the held-out part.

    Args:
        cv: All development cases.
        models: Whose options are searched.
        budget: Trials of each search.
        storage: Database of all searches.
        outer: Outer folds, by patient.
    """
    seed = cv.plan.seed
    parts = grouped_folds(cv.label, cv.patient_id, outer, seed, "search", "outer")
    folds_of: dict[str, list[_OuterFold]] = {model.name: [] for model in models}
    for number, part in enumerate(parts):
        ledgers = search(cv.select(part.training), models, budget, storage)
        for model in models:
            trials, _ = ledgers[model.name].results(budget.trials)
            folds_of[model.name].append(_run_outer_fold(cv, model, trials, part, f"outer{number}"))
    return {name: _nested_estimate(folds) for name, folds in folds_of.items()}


@dataclass(frozen=True)
class _OuterFold:
    """One outer fold: what was chosen inside, the fits outside, and all fits made."""

    values: dict[str, Any]
    default: FoldFit
    tuned: FoldFit
    fits: int


def _run_outer_fold(
    cv: CrossValidation, model: ModelSearch, trials: Sequence[Trial], part: Partition, name: str
) -> _OuterFold:
    best = best_trial(trials)
    values = best.values if best else model.defaults
    default, tuned = (
        fit_fold(cv, model.name, model.arm, apply_values(model.options, chosen), part, name)
        for chosen in (model.defaults, values)
    )
    return _OuterFold(values, default, tuned, 2 + sum(len(trial.fold_auc) for trial in trials))


def _nested_estimate(folds: Sequence[_OuterFold]) -> NestedEstimate:
    pairs = [(fold.default.auc, fold.tuned.auc) for fold in folds]
    known = [
        (default, tuned) for default, tuned in pairs if default is not None and tuned is not None
    ]
    if len(known) == len(folds):
        default, tuned = zip(*known, strict=True)
        figures = compare_folds(default, tuned, len(folds))
    else:
        figures = missing_estimates(
            next(r for f in folds for r in (f.default.reason, f.tuned.reason) if r)
        )
    return NestedEstimate(
        *figures, tuple(fold.values for fold in folds), sum(fold.fits for fold in folds)
    )
