"""Trials of one search: proposed round by round, fitted fold after fold, kept in a database.

All trials of a round are proposed from those of earlier rounds and then fitted side by side. Which
trial of a round ends first decides nothing, so no figure depends on the number of workers. One
process writes; workers only fit. A trial is written before it is fitted, and its end only when all
of its figures are known, so a search that was stopped can continue.

Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) proposes. Each trial has a sampler
with a seed of its own: its values are a pure function of the trials of earlier rounds and of its
number, and a search that was stopped proposes what an undisturbed one would.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.progress import Progress
from skiagram.errors import DataError, ModelFailure, OptionError, SkiagramError, installed
from skiagram.options import STRICT
from skiagram.records import read_record, write_record
from skiagram.seeding import derived_seed
from skiagram.splits import Partition
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.pipeline_steps import Arm
from skiagram.studies.search.space import Choice, Dimension, Space, apply_values

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


End = Literal["finished", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One set of values.

    Attributes:
        number: Number of the trial; 0 has the values of the option file.
        values: Option → value.
        fold_auc: AUC of each fold that was fitted, in the order of the folds.
        end: `finished`; `pruned` when it lay too low after some folds; `failed`.
        reason: Why it failed; else empty.
    """

    number: int
    values: dict[str, Any]
    fold_auc: tuple[float, ...]
    end: End
    reason: str = ""


_FOLDS, _SECONDS, _REASON = "fold_auc", "processor_seconds", "reason"


def open_storage(url: str | None, work: Path) -> "BaseStorage":
    """Open the database of all searches.

    Args:
        url: As SQLAlchemy takes it; None for a file of SQLite.
        work: Folder of that file.

    Raises:
        OptionError: Optuna is not installed, or the database cannot be opened.
    """
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


@dataclass(frozen=True)
class TrialOutcome:
    """How a trial went.

    Attributes:
        fold_auc: AUC of the folds that were fitted.
        end: How it ended.
        reason: Why it failed; else empty.
        processor_seconds: Taken by all its fits.
    """

    fold_auc: tuple[float, ...]
    end: End
    reason: str
    processor_seconds: float


@dataclass(frozen=True)
class Ledger:
    """One search of one model in an Optuna storage.

    Attributes:
        storage: The open database.
        study: Name of the search in it.
        space: What the model's search may change.
    """

    storage: "BaseStorage"
    study: str
    space: Space

    def trials(self) -> "list[FrozenTrial]":
        """Return all trials, by number."""
        trials: list[FrozenTrial] = self._study().get_trials()
        return trials

    def add(self, params: dict[str, Any]) -> None:
        """Write a trial that is about to be fitted.

        Args:
            params: Option → value as Optuna stores it.
        """
        trials = load_optuna().trial
        running = trials.create_trial(
            state=trials.TrialState.RUNNING, params=params, distributions=distributions(self.space)
        )
        self._study().add_trial(running)

    def add_first(self, defaults: dict[str, Any]) -> None:
        """Write the first trial, which has the values of the option file."""
        self.add(
            {name: encode(self.space.options[name], value) for name, value in defaults.items()}
        )

    def tell(self, trial: "FrozenTrial", done: TrialOutcome) -> None:
        """Write how a trial went.

        Raises:
            SkiagramError: Another process wrote it.
        """
        try:  # the database refuses what is written to a trial that has ended
            self._write_outcome(trial._trial_id, done)
        except load_optuna().exceptions.UpdateFinishedTrialError as error:
            raise SkiagramError(
                f"another process makes trial {trial.number} of {self.study} too",
                where="study.storage",
                remedy="let one process search a model and give it more `compute.workers`",
            ) from error

    def _write_outcome(self, number: int, done: TrialOutcome) -> None:
        states = load_optuna().trial.TrialState
        ends = {"finished": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}
        means = [sum(done.fold_auc[:k]) / k for k in range(1, len(done.fold_auc) + 1)]
        for step, mean in enumerate(means):
            self.storage.set_trial_intermediate_value(number, step, mean)
        noted = {_FOLDS: done.fold_auc, _SECONDS: done.processor_seconds, _REASON: done.reason}
        for name, value in noted.items():
            self.storage.set_trial_user_attr(number, name, value)
        values = None if done.end == "failed" else means[-1:]
        self.storage.set_trial_state_values(number, ends[done.end], values)

    def results(self, trials: int) -> tuple[tuple[Trial, ...], tuple[float, ...]]:
        """Return the first trials, all of which have ended, and the seconds that each took."""
        ended = self.trials()[:trials]
        seconds = tuple(float(trial.user_attrs[_SECONDS]) for trial in ended)
        return tuple(self._result(trial) for trial in ended), seconds

    def _result(self, trial: "FrozenTrial") -> Trial:
        ends: dict[str, End] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
        noted = trial.user_attrs
        values = decode(self.space, trial.params)
        folds = tuple(float(area) for area in noted[_FOLDS])
        return Trial(trial.number, values, folds, ends[trial.state.name], noted[_REASON])

    def _study(self) -> Any:
        return load_optuna().create_study(
            storage=self.storage, study_name=self.study, direction="maximize", load_if_exists=True
        )


if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_DIGITS = 3  # of a proposed number: more of them mean nothing and are hard to read


def load_optuna() -> ModuleType:
    """Import Optuna, whose messages stay off the terminal.

    Raises:
        OptionError: It is not installed.
    """
    with installed("Optuna", "study", "pip install 'skiagram[search]'"):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """Return a space as Optuna knows it; values to choose from are written as JSON."""
    return {name: _distribution(dimension) for name, dimension in space.options.items()}


def _distribution(dimension: Dimension) -> "BaseDistribution":
    load_optuna()
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(dimension, Choice):
        return CategoricalDistribution([encode(dimension, value) for value in dimension.choices])
    log = dimension.scale == "log"
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=log)
    return FloatDistribution(dimension.low, dimension.high, log=log)


def encode(dimension: Dimension, value: Any) -> Any:
    """Return an option's value as Optuna stores it."""
    return json.dumps(value, sort_keys=True) if isinstance(dimension, Choice) else value


def decode(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options' values that Optuna stored, in the space's order."""
    return {
        name: json.loads(params[name]) if isinstance(dimension, Choice) else params[name]
        for name, dimension in space.options.items()
    }


def propose(
    space: Space, earlier: "Sequence[FrozenTrial]", startup: int, seed: int, *name: str | int
) -> dict[str, Any]:
    """Return the values, as Optuna stores them, that the next trial tries.

    Args:
        space: What may be chosen.
        earlier: All trials before it; those of its own round count as under way.
        startup: Trials drawn at random before earlier ones guide the search.
        seed: The study's seed.
        *name: Name of the random stream, with the trial's number.
    """
    library = load_optuna()
    sampler = library.samplers.TPESampler(
        n_startup_trials=startup, seed=derived_seed(seed, *name), constant_liar=True
    )
    memory = library.create_study(direction="maximize", sampler=sampler)
    memory.add_trials(earlier)
    params = memory.ask(distributions(space)).params
    return {option: _rounded(params[option]) for option in space.options}


def _rounded(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


@dataclass(frozen=True)
class FoldFit:
    """One fit, kept as a piece.

    Attributes:
        auc: On the held-out cases; None after a failure.
        reason: Why there is none.
        processor_seconds: Taken by fit and scoring.
    """

    auc: float | None
    reason: str
    processor_seconds: float


@dataclass(frozen=True)
class TrialTask:
    """A trial to make.

    Attributes:
        cv: Cases and folds.
        model: Name of the model.
        arm: Its arm.
        options: The model's options with the trial's values.
        bars: Least mean AUC after each fold with which the trial goes on; None for any.
    """

    cv: CrossValidation
    model: str
    arm: Arm
    options: Mapping[str, Any]
    bars: tuple[float | None, ...]


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
            folds: Folds of a whole trial.
        """
        if len(finished) < self.trials:
            return (None,) * folds
        means = np.cumsum(finished, axis=1) / np.arange(1, folds + 1)
        least = np.percentile(means, self.percentile, axis=0).tolist()
        judged = range(self.folds, folds)  # after the last fold there is nothing to save
        return tuple(least[done - 1] if done in judged else None for done in range(1, folds + 1))


def run_trial(task: TrialTask) -> TrialOutcome:
    """Make a trial, or read what an earlier run left of it."""
    areas: list[float] = []
    seconds = 0.0
    for number, fold in enumerate(task.cv.folds()):
        fit = fit_fold(task.cv, task.model, task.arm, task.options, fold, f"fold{number}")
        seconds += fit.processor_seconds
        if fit.auc is None:
            return TrialOutcome(tuple(areas), "failed", fit.reason, seconds)
        areas.append(fit.auc)
        bar = task.bars[number]
        if bar is not None and float(np.mean(areas)) < bar:
            return TrialOutcome(tuple(areas), "pruned", "", seconds)
    return TrialOutcome(tuple(areas), "finished", "", seconds)


def fit_fold(
    cv: CrossValidation,
    model: str,
    arm: Arm,
    options: Mapping[str, Any],
    fold: Partition,
    name: str,
) -> FoldFit:
    """Fit one fold, or read what an earlier run left of it.

    Args:
        cv: Cases.
        model: Name of the model.
        arm: Its arm.
        options: The model's options.
        fold: Rows of the cases.
        name: Name of the fold.
    """

    def make(folder: Path) -> None:
        started = process_time()
        auc, reason = None, ""
        try:
            auc = cv.held_out_auc(arm, options, fold, "search", name)
        except (ModelFailure, DataError) as error:
            reason = str(error)
        write_record(FoldFit(auc, reason, process_time() - started), folder / "fit.json")

    inputs = cv.inputs(arm) | {"model": options, "held_out": fold.held_out.tolist()}
    piece = cv.workspace.make_once(f"trial-{model}", inputs | {"name": name}, make, type(arm))
    return read_record(FoldFit, piece / "fit.json")


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


@dataclass(frozen=True)
class ModelSearch:
    """A model to search.

    Attributes:
        name: Its name.
        arm: Its arm.
        options: Its option file.
        space: What may be changed.
        defaults: The option file's own values of that.
    """

    name: str
    arm: Arm
    options: Mapping[str, Any]
    space: Space
    defaults: dict[str, Any]


def search(
    cv: CrossValidation, models: Sequence[ModelSearch], budget: Budget, storage: "BaseStorage"
) -> dict[str, Ledger]:
    """Make all trials that are not made yet and return each model's ledger.

    All models go from round to round together: workers start once per round.

    Args:
        cv: Cases and folds.
        models: Whose options are searched.
        budget: Trials and rounds of each.
        storage: Database of all searches.
    """
    ledgers = {model.name: _ledger(cv, model, budget, storage) for model in models}
    with Progress("search", budget.trials * len(models)) as progress:
        for first in range(0, budget.trials, budget.together):
            waiting = []
            for model in models:
                ledger = ledgers[model.name]
                _propose_round(ledger, model, budget, first, cv.plan.seed)
                own = _attempts(ledger, cv, model, budget, first)
                progress.advance(budget.together - len(own))
                waiting += [(ledger, *pair) for pair in own]
            tasks = [task for _, _, task in waiting]
            done = cv.workspace.map_fits(run_trial, tasks)
            for (ledger, trial, _), outcome in zip(waiting, done, strict=True):
                ledger.tell(trial, outcome)
                progress.advance()
    return ledgers


def _ledger(
    cv: CrossValidation, model: ModelSearch, budget: Budget, storage: "BaseStorage"
) -> Ledger:
    inputs = cv.inputs(model.arm) | {
        "model": model.options, "space": asdict(model.space), "together": budget.together,
        "startup": budget.startup, "pruning": budget.pruning and asdict(budget.pruning),
    }  # fmt: skip
    return Ledger(
        storage,
        cv.workspace.digest(f"search-{model.name}", inputs, search, type(model.arm)),
        model.space,
    )


def _propose_round(
    ledger: Ledger, model: ModelSearch, budget: Budget, first: int, seed: int
) -> None:
    for number in range(len(ledger.trials()), first + budget.together):
        if number == 0:
            ledger.add_first(model.defaults)
            continue
        earlier = ledger.trials()
        ledger.add(propose(model.space, earlier, budget.startup, seed, model.name, number))


def _attempts(
    ledger: Ledger, cv: CrossValidation, model: ModelSearch, budget: Budget, first: int
) -> "list[tuple[FrozenTrial, TrialTask]]":
    """Return the trials of a round that have not ended, judged by those of earlier rounds."""
    trials = ledger.trials()
    folds = cv.plan.repeats * cv.plan.folds
    bars: tuple[float | None, ...] = (None,) * folds
    if budget.pruning is not None:
        earlier = [trial for trial in trials[:first] if trial.state.name == "COMPLETE"]
        bars = budget.pruning.bars([trial.user_attrs["fold_auc"] for trial in earlier], folds)
    own = trials[first : first + budget.together]
    waiting = [trial for trial in own if trial.state.name == "RUNNING"]
    values = [apply_values(model.options, decode(model.space, trial.params)) for trial in waiting]
    return [
        (trial, TrialTask(cv, model.name, model.arm, options, bars))
        for trial, options in zip(waiting, values, strict=True)
    ]
