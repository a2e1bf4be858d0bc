"""Study `search`: the options of every model searched with the same budget on the same folds.

What a search found is estimated twice: on the folds that chose it (optimistic), and by a nested
search on patients that it never saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.options import STRICT, build
from skiagram.splits import grouped_folds
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import corrected_mean
from skiagram.studies.candidates import EncoderStudyOptions, StudiedModel
from skiagram.studies.cross_validation import (
    CrossValidatedDataSet,
    CrossValidatedStudy,
    CrossValidation,
)
from skiagram.studies.search.space import rewrite_option_file
from skiagram.studies.search.trials import (
    Budget,
    ModelSearch,
    Trial,
    fit_fold,
    search,
)
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class NestedEstimate:
    """The search itself, judged on patients that it never saw.

    Attributes:
        default: AUC with the values of the option file, mean over outer folds.
        tuned: AUC with the values that a search within each outer fold's training cases found.
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
        default: AUC of the first trial over the folds.
        tuned: AUC of the best trial over the folds that chose it: optimistic.
        gain: Tuned minus default, paired by fold: optimistic.
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
        budget: Trials and rounds.
        outer_folds: Outer folds of the nested estimate, each with searches of its own; null for
            none.
    """

    budget: Budget
    outer_folds: Annotated[int, Field(ge=2)] | None

    def run(self, workspace: Workspace) -> SearchResult:
        models = []
        for candidate in self.candidates(workspace):
            where = f"conf/search/{candidate.name}.yaml"
            space = build(workspace.option_file("search", candidate.name), where)
            defaults = space.defaults(candidate.options, where)
            models.append(ModelSearch(candidate, space, defaults, self.budget))
        cv, data_set = self.cross_validation(workspace)
        trials, seconds = zip(*search(cv, models), strict=True)
        outer: list[NestedEstimate] | list[None] = [None] * len(models)
        if self.outer_folds is not None:
            outer = nested_search(cv, models, self.outer_folds)
        names = (model.candidate.name for model in models)
        return SearchResult(
            **vars(data_set),
            budget=self.budget.trials,
            outer=self.outer_folds,
            models=tuple(
                self._searched_model(cv, *each) for each in zip(models, trials, outer, strict=True)
            ),
            processor_seconds=dict(zip(names, seconds, strict=True)),
        )

    def _searched_model(
        self,
        cv: CrossValidation,
        model: ModelSearch,
        trials: tuple[Trial, ...],
        outer: NestedEstimate | None,
    ) -> SearchedModel:
        best, first, candidate = best_trial(trials), trials[0], model.candidate
        figures = (Estimate(None, reason=first.reason or "no trial finished"),) * 3
        if best is not None and first.end == "finished":
            figures = compare_folds(first.fold_auc, best.fold_auc, self.plan.folds)
        path = cv.workspace.conf / "model" / f"{candidate.name}.yaml"
        heading = f"{candidate.name} with the best of {len(trials)} trials on {self.dataset}"
        return SearchedModel(
            **vars(candidate.studied(cv.prepared)),
            trials=trials,
            best=None if best is None else best.number,
            default=figures[0],
            tuned=figures[1],
            gain=figures[2],
            nested=outer,
            option_file=rewrite_option_file(
                path.read_text(encoding="utf-8"),
                {} if best is None else best.values,
                f"{heading}; the folds that chose them flatter these values.",
            ),
        )


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """Return the finished trial of the highest mean AUC, the first of equal ones."""
    finished = [trial for trial in trials if trial.end == "finished"]
    return max(finished, key=lambda trial: (np.mean(trial.fold_auc), -trial.number), default=None)


def compare_folds(
    default: Sequence[float], tuned: Sequence[float], folds: int
) -> tuple[Estimate, Estimate, Estimate]:
    """Return the mean AUC of each and of tuned minus default, paired by fold."""
    default_auc, tuned_auc, ratio = np.array(default), np.array(tuned), 1 / (folds - 1)
    return (
        corrected_mean(default_auc, ratio, 0.0, 1.0),
        corrected_mean(tuned_auc, ratio, 0.0, 1.0),
        corrected_mean(tuned_auc - default_auc, ratio, -1.0, 1.0),
    )


def nested_search(
    cv: CrossValidation, models: Sequence[ModelSearch], outer: int
) -> list[NestedEstimate]:
    """Repeat the search inside each outer fold and test what it chose on the held-out part."""
    parts = grouped_folds(cv.label, cv.patient_id, outer, cv.plan.seed, "search", "outer")
    searches = [search(cv.select(part.training), models) for part in parts]
    estimates = []
    for model, found in zip(models, zip(*searches, strict=True), strict=True):
        chosen, pairs = [], []
        for number, (part, (trials, _)) in enumerate(zip(parts, found, strict=True)):
            best = best_trial(trials)
            chosen.append(best.values if best else model.defaults)
            pairs.append(
                [
                    fit_fold(cv, model.having(values), part, f"outer{number}")
                    for values in (model.defaults, chosen[-1])
                ]
            )
        reasons = [fit.reason for pair in pairs for fit in pair if fit.auc is None]
        if reasons:
            figures = (Estimate(None, reason=reasons[0]),) * 3
        else:
            default, tuned = zip(*([fit.auc or 0.0 for fit in pair] for pair in pairs), strict=True)
            figures = compare_folds(default, tuned, len(parts))
        fits = sum(2 + sum(len(trial.fold_auc) for trial in trials) for trials, _ in found)
        estimates.append(NestedEstimate(*figures, tuple(chosen), fits))
    return estimates
