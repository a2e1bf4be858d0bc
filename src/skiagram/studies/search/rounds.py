"""The search: trials proposed round by round, so that no figure depends on workers.

All trials of a round are proposed from those of earlier rounds, then fitted side by side. Which
trial of a round ends first decides nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.options import STRICT
from skiagram.progress import Progress
from skiagram.studies.ground import Ground
from skiagram.studies.search.ledger import Ledger
from skiagram.studies.search.proposals import decoded, propose
from skiagram.studies.search.space import Space, applied
from skiagram.studies.search.trials import Attempt, Pruning, attempt

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


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
class Searched:
    """A model to search.

    Attributes:
        name: Name of its option file.
        arm: `classical` or `deep`.
        options: Its option file.
        space: What may be changed.
        defaults: The option file's own values of that.
    """

    name: str
    arm: str
    options: Mapping[str, Any]
    space: Space
    defaults: dict[str, Any]


def search(
    ground: Ground, models: Sequence[Searched], budget: Budget, storage: "BaseStorage"
) -> dict[str, Ledger]:
    """Make all trials that are not made yet and return each model's ledger.

    All models go from round to round together: workers start once a round.

    Args:
        ground: Cases and folds.
        models: Whose options are searched.
        budget: Trials and rounds of each.
        storage: Database of all searches.
    """
    ledgers = {model.name: _ledger(ground, model, budget, storage) for model in models}
    with Progress("search", budget.trials * len(models)) as progress:
        for first in range(0, budget.trials, budget.together):
            waiting = []
            for model in models:
                ledger = ledgers[model.name]
                _propose_round(ledger, model, budget, first, ground.plan.seed)
                own = _attempts(ledger, ground, model, budget, first)
                progress.advance(budget.together - len(own))
                waiting += [(ledger, *one) for one in own]
            attempts = [one for _, _, one in waiting]
            done = ground.place.compute.map(attempt, attempts)
            for (ledger, trial, _), found in zip(waiting, done, strict=True):
                ledger.tell(trial, found)
                progress.advance()
    return ledgers


def _ledger(ground: Ground, model: Searched, budget: Budget, storage: "BaseStorage") -> Ledger:
    inputs = ground.inputs(model.arm) | {
        "model": model.options, "space": asdict(model.space), "together": budget.together,
        "startup": budget.startup, "pruning": budget.pruning and asdict(budget.pruning),
    }  # fmt: skip
    return Ledger(storage, ground.place.digest(f"search-{model.name}", inputs), model.space)


def _propose_round(ledger: Ledger, model: Searched, budget: Budget, first: int, seed: int) -> None:
    for number in range(len(ledger.trials()), first + budget.together):
        if number == 0:
            ledger.add_first(model.defaults)
            continue
        earlier = ledger.trials()
        ledger.add(propose(model.space, earlier, budget.startup, seed, model.name, number))


def _attempts(
    ledger: Ledger, ground: Ground, model: Searched, budget: Budget, first: int
) -> "list[tuple[FrozenTrial, Attempt]]":
    """Return the trials of a round that have not ended, judged by those of earlier rounds."""
    trials = ledger.trials()
    folds = ground.plan.repeats * ground.plan.folds
    bars: tuple[float | None, ...] = (None,) * folds
    if budget.pruning is not None:
        earlier = [one for one in trials[:first] if one.state.name == "COMPLETE"]
        bars = budget.pruning.bars([one.user_attrs["fold_auc"] for one in earlier], folds)
    own = trials[first : first + budget.together]
    waiting = [one for one in own if one.state.name == "RUNNING"]
    values = [applied(model.options, decoded(model.space, one.params)) for one in waiting]
    return [
        (one, Attempt(ground, model.name, model.arm, options, bars))
        for one, options in zip(waiting, values, strict=True)
    ]
