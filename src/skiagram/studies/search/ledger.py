"""The trials of one search in a database, and the proposal of the next one.

One process writes; workers only fit. A trial is written before it is fitted, and its end only when
all of its figures are known, so a search that was stopped can continue.

Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) proposes. Each trial has a sampler
with a seed of its own: its values are a pure function of the trials of earlier rounds and of its
number, and a search that was stopped proposes what an undisturbed one would.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from skiagram.errors import OptionError, SkiagramError
from skiagram.seeding import derived_seed
from skiagram.studies.search.results import End, Trial
from skiagram.studies.search.space import Choice, Dimension, Space

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

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
        found: list[FrozenTrial] = self._study().get_trials()
        return found

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
        self.add({name: encode(self.space.options[name], one) for name, one in defaults.items()})

    def tell(self, trial: "FrozenTrial", done: TrialOutcome) -> None:
        """Write how a trial went.

        Raises:
            SkiagramError: Another process wrote it.
        """
        states = load_optuna().trial.TrialState
        ends = {"finished": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}
        number = trial._trial_id
        if self.storage.get_trial(number).state.is_finished():
            raise SkiagramError(
                f"another process makes trial {trial.number} of {self.study} too",
                where="study.storage",
                remedy="let one process search a model and give it more `compute.workers`",
            )
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
    try:
        import optuna
    except ImportError as error:
        raise OptionError(
            "Optuna is not installed", where="study", remedy="pip install 'skiagram[search]'"
        ) from error
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
