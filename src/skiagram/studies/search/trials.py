"""Trials of one search: asked of Optuna round by round, fitted fold after fold, told to it.

All trials of a round are proposed from those of earlier rounds and then fitted side by side. Which
trial of a round ends first decides nothing, so no figure depends on the number of workers. One
process asks and tells; workers only fit. Each trial has a tree-structured Parzen estimator
(Bergstra et al. 2011) with a seed of its own, so a search that was stopped proposes what an
undisturbed one would; its database knows which trials have not ended.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from time import process_time
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import DataError, ModelFailure, OptionError, SkiagramError, installed
from skiagram.options import STRICT
from skiagram.records import read_record, write_record
from skiagram.seeding import derived_seed
from skiagram.splits import Partition
from skiagram.studies.candidates import Candidate
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.search.space import Choice, Space, apply_values

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

End = Literal["finished", "pruned", "failed"]
_FOLDS, _SECONDS, _REASON = "fold_auc", "processor_seconds", "reason"
_DIGITS = 3  # of a proposed number: more of them mean nothing and are hard to read


@dataclass(frozen=True)
class Trial:
    """One set of values.

    Attributes:
        number: Number of the trial; 0 has the values of the option file.
        end: `finished`; `pruned` when it lay too low after some folds; `failed`.
    """

    number: int
    values: dict[str, Any]
    fold_auc: tuple[float, ...]
    end: End
    reason: str = ""


@options_class(**STRICT)
class Pruning:
    """When a trial ends early: its mean AUC so far lies below that of most earlier trials.

    Attributes:
        percentile: A trial ends below this percentile of the means that finished trials of earlier
            rounds had after as many folds.
        trials: Finished trials that there must be.
        folds: Folds that every trial is fitted on.
    """

    percentile: Annotated[float, Field(ge=0, lt=100)]
    trials: Annotated[int, Field(ge=1)]
    folds: Annotated[int, Field(ge=1)]

    def bars(self, finished: Sequence[Sequence[float]], folds: int) -> tuple[float | None, ...]:
        """Return the least mean AUC after each fold with which a trial goes on; None for any.

        Args:
            finished: AUC of each fold of the finished trials of earlier rounds.
        """
        if len(finished) < self.trials:
            return (None,) * folds
        means = np.cumsum(finished, axis=1) / np.arange(1, folds + 1)
        least = np.percentile(means, self.percentile, axis=0).tolist()
        judged = range(self.folds, folds)  # after the last fold there is nothing to save
        return tuple(least[done - 1] if done in judged else None for done in range(1, folds + 1))


@options_class(**STRICT)
class Budget:
    """What every model is given.

    Attributes:
        trials: Trials, the first with the values of the option file; a multiple of `together`.
        together: Trials of a round: proposed at a time, fitted side by side.
        startup: Trials drawn at random before earlier ones guide the search.
        pruning: When a trial ends early; null fits every trial on all folds.
    """

    trials: Annotated[int, Field(ge=1)]
    together: Annotated[int, Field(ge=1)]
    startup: Annotated[int, Field(ge=1)]
    pruning: Pruning | None

    @model_validator(mode="after")
    def _whole_rounds(self) -> Self:
        if self.trials % self.together:
            raise ValueError("`trials` must be a multiple of `together`")
        return self


def load_optuna() -> ModuleType:
    """Import Optuna, whose messages stay off the terminal."""
    with installed("Optuna", "study", "pip install 'skiagram[search]'"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def open_storage(url: str | None, work: Path) -> "BaseStorage":
    """Open the database of all searches."""
    library = load_optuna()
    from sqlalchemy.exc import SQLAlchemyError

    work.mkdir(parents=True, exist_ok=True)
    try:
        return library.storages.RDBStorage(url or f"sqlite:///{(work / 'search.db').absolute()}")  # type: ignore[no-any-return]
    except (SQLAlchemyError, library.exceptions.OptunaError, ImportError) as error:
        raise OptionError(
            f"the database cannot be opened ({str(error).splitlines()[0]})",
            where="study.storage",
            allowed="null, or a URL such as postgresql://user:password@host/name",
        ) from error


def suggest(trial: "optuna.Trial", space: Space) -> None:
    """Let Optuna choose a trial's values; those that it has already stay as they are."""
    for name, dimension in space.options.items():
        if isinstance(dimension, Choice):  # of any kind, written as JSON
            trial.suggest_categorical(name, [_encode(value) for value in dimension.choices])
            continue
        log = dimension.scale == "log"
        if dimension.whole:
            trial.suggest_int(name, int(dimension.low), int(dimension.high), log=log)
        else:
            trial.suggest_float(name, dimension.low, dimension.high, log=log)


def values_of(trial: "optuna.Trial | FrozenTrial", space: Space) -> dict[str, Any]:
    """Return the options' values of a trial, in the space's order; the first has all its digits."""
    values: dict[str, Any] = {}
    for name, dimension in space.options.items():
        value = trial.params[name]
        if isinstance(dimension, Choice):
            value = json.loads(value)
        elif isinstance(value, float) and trial.number > 0:
            value = float(f"{value:.{_DIGITS}g}")
        values[name] = value
    return values


def _encode(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@dataclass(frozen=True)
class FoldFit:
    """One fit, kept as a piece: AUC on the held-out cases, or why there is none."""

    auc: float | None
    reason: str
    processor_seconds: float


class TrialOutcome(NamedTuple):
    """How a trial went."""

    fold_auc: tuple[float, ...]
    end: End
    reason: str
    processor_seconds: float


class TrialTask(NamedTuple):
    """A trial to make: a model with the trial's values, and the bars of `Pruning`."""

    cv: CrossValidation
    candidate: Candidate
    bars: tuple[float | None, ...]


def run_trial(task: TrialTask) -> TrialOutcome:
    """Make a trial, or read what an earlier run left of it."""
    areas: list[float] = []
    seconds = 0.0
    for number, fold in enumerate(task.cv.folds()):
        fit = fit_fold(task.cv, task.candidate, fold, f"fold{number}")
        seconds += fit.processor_seconds
        if fit.auc is None:
            return TrialOutcome(tuple(areas), "failed", fit.reason, seconds)
        areas.append(fit.auc)
        bar = task.bars[number]
        if bar is not None and float(np.mean(areas)) < bar:
            return TrialOutcome(tuple(areas), "pruned", "", seconds)
    return TrialOutcome(tuple(areas), "finished", "", seconds)


def fit_fold(cv: CrossValidation, candidate: Candidate, fold: Partition, name: str) -> FoldFit:
    """Fit one fold, or read what an earlier run left of it."""

    def make(folder: Path) -> None:
        started = process_time()
        auc, reason = None, ""
        try:
            auc = cv.held_out_auc(candidate, fold, "search", name)
        except (ModelFailure, DataError) as error:
            reason = str(error)
        write_record(FoldFit(auc, reason, process_time() - started), folder / "fit.json")

    inputs = cv.inputs(candidate) | {"held_out": fold.held_out.tolist(), "name": name}
    piece = cv.workspace.make_once(f"trial-{candidate.name}", inputs, make, type(candidate))
    return read_record(FoldFit, piece / "fit.json")


@dataclass(frozen=True)
class ModelSearch:
    """The search of one model's options."""

    candidate: Candidate
    space: Space
    defaults: dict[str, Any]
    budget: Budget
    storage: "BaseStorage"

    def having(self, values: Mapping[str, Any]) -> Candidate:
        """Return the model with other values of the options searched."""
        return self.candidate.having(apply_values(self.candidate.options, values))

    def study(self, cv: CrossValidation) -> "optuna.Study":
        """Open the search on some cases; its first trial has the option file's values."""
        budget = asdict(self.budget)
        del budget["trials"]  # more of them go on from those there are
        inputs = cv.inputs(self.candidate) | {"space": asdict(self.space)} | budget
        name = cv.workspace.digest(f"search-{self.candidate.name}", inputs, search)
        study: optuna.Study = load_optuna().create_study(
            storage=self.storage, study_name=name, direction="maximize", load_if_exists=True
        )
        if not study.get_trials():
            study.enqueue_trial(
                {
                    name: _encode(value) if isinstance(self.space.options[name], Choice) else value
                    for name, value in self.defaults.items()
                }
            )
        return study

    def ask(self, study: "optuna.Study", first: int, seed: int) -> "list[optuna.Trial]":
        """Return the trials of a round that have not ended, asked for or left by an earlier run."""
        library = load_optuna()
        waiting = []
        for number in range(first, first + self.budget.together):
            known = study.get_trials()
            if number < len(known) and known[number].state.is_finished():
                continue
            study.sampler = library.samplers.TPESampler(
                n_startup_trials=self.budget.startup,
                seed=derived_seed(seed, self.candidate.name, number),
                constant_liar=True,
            )
            begun = number < len(known) and known[number].state.name == "RUNNING"
            trial = library.Trial(study, known[number]._trial_id) if begun else study.ask()
            suggest(trial, self.space)
            waiting.append(trial)
        return waiting

    def bars(self, study: "optuna.Study", first: int, folds: int) -> tuple[float | None, ...]:
        """Return what finished trials of earlier rounds ask of a round's trials."""
        if self.budget.pruning is None:
            return (None,) * folds
        earlier = [
            trial.user_attrs[_FOLDS]
            for trial in study.get_trials()[:first]
            if trial.state.name == "COMPLETE"
        ]
        return self.budget.pruning.bars(earlier, folds)

    def results(self, study: "optuna.Study") -> tuple[tuple[Trial, ...], tuple[float, ...]]:
        """Return the trials, all of which have ended, and the seconds that each took."""
        ends: dict[str, End] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
        trials, seconds = [], []
        for ended in study.get_trials()[: self.budget.trials]:
            noted = ended.user_attrs
            values = values_of(ended, self.space)
            folds = tuple(float(area) for area in noted[_FOLDS])
            trials.append(
                Trial(ended.number, values, folds, ends[ended.state.name], noted[_REASON])
            )
            seconds.append(float(noted[_SECONDS]))
        return tuple(trials), tuple(seconds)


def _tell(study: "optuna.Study", trial: "optuna.Trial", done: TrialOutcome) -> None:
    """Write how a trial went."""
    library = load_optuna()
    states = library.trial.TrialState
    ends = {"finished": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}
    means = [total / k for k, total in enumerate(accumulate(done.fold_auc), start=1)]
    noted = {_FOLDS: done.fold_auc, _SECONDS: done.processor_seconds, _REASON: done.reason}
    try:  # the database refuses what is written to a trial that has ended
        for step, mean in enumerate(means):
            trial.report(mean, step)
        for name, value in noted.items():
            trial.set_user_attr(name, value)
        value = means[-1] if done.end == "finished" else None
        study.tell(trial, value, state=ends[done.end])
    except (library.exceptions.UpdateFinishedTrialError, ValueError) as error:
        raise SkiagramError(
            f"another process makes trial {trial.number} of {study.study_name} too",
            where="study.storage",
            remedy="let one process search a model and give it more `compute.workers`",
        ) from error


Found = tuple[tuple[Trial, ...], tuple[float, ...]]  # trials, and the seconds of each


def search(cv: CrossValidation, models: Sequence[ModelSearch]) -> list[Found]:
    """Make all trials that are not made yet and return each model's, with their seconds.

    All models go from round to round together: workers start once per round.
    """
    budget, folds = models[0].budget, cv.plan.repeats * cv.plan.folds
    studies = [model.study(cv) for model in models]
    for first in range(0, budget.trials, budget.together):
        waiting = []
        for model, study in zip(models, studies, strict=True):
            bars = model.bars(study, first, folds)
            for trial in model.ask(study, first, cv.plan.seed):
                values = values_of(trial, model.space)
                waiting.append((study, trial, TrialTask(cv, model.having(values), bars)))
        title = f"search, trials {first + 1} to {first + budget.together}"
        tasks = [task for _, _, task in waiting]
        done = cv.workspace.run(title, run_trial, tasks)
        for (study, trial, _), outcome in zip(waiting, done, strict=True):
            _tell(study, trial, outcome)
    return [model.results(study) for model, study in zip(models, studies, strict=True)]
