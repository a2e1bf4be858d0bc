"""The trials of one search in a database, so that a search that was stopped goes on.

One process writes; workers only fit. A trial is written whole before it is fitted, and its end only
when all of its figures are known.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiagram.errors import OptionError, SkiagramError
from skiagram.studies.search.proposals import decoded, distributions, encoded, optuna
from skiagram.studies.search.results import End, Trial
from skiagram.studies.search.space import Space
from skiagram.studies.search.trials import Attempted

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

_FOLDS, _SECONDS, _REASON = "fold_auc", "processor_seconds", "reason"


def opened_storage(url: str | None, work: Path) -> "BaseStorage":
    """Open the database of all searches.

    Args:
        url: As SQLAlchemy takes it; None for a file of SQLite.
        work: Folder of that file.

    Raises:
        OptionError: Optuna is not installed, or the database cannot be opened.
    """
    library = optuna()
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
        trials = optuna().trial
        running = trials.create_trial(
            state=trials.TrialState.RUNNING, params=params, distributions=distributions(self.space)
        )
        self._study().add_trial(running)

    def add_first(self, defaults: dict[str, Any]) -> None:
        """Write the first trial, which has the values of the option file."""
        self.add({name: encoded(self.space.options[name], one) for name, one in defaults.items()})

    def tell(self, trial: "FrozenTrial", done: Attempted) -> None:
        """Write how a trial went.

        Raises:
            SkiagramError: Another process wrote it.
        """
        states = optuna().trial.TrialState
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
        found = self.trials()[:trials]
        seconds = tuple(float(one.user_attrs[_SECONDS]) for one in found)
        return tuple(self._result(one) for one in found), seconds

    def _result(self, one: "FrozenTrial") -> Trial:
        ends: dict[str, End] = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed"}
        noted = one.user_attrs
        values = decoded(self.space, one.params)
        folds = tuple(float(area) for area in noted[_FOLDS])
        return Trial(one.number, values, folds, ends[one.state.name], noted[_REASON])

    def _study(self) -> Any:
        return optuna().create_study(
            storage=self.storage, study_name=self.study, direction="maximize", load_if_exists=True
        )
