"""Trials of a search: proposed round by round, fitted fold after fold.

All trials of a round are proposed from those of earlier rounds and then fitted side by side. Which
trial of a round ends first decides nothing, so no figure depends on the number of workers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.progress import Progress
from skiagram.errors import DataError, ModelFailure
from skiagram.options import STRICT
from skiagram.records import read_record, write_record
from skiagram.splits import Partition
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.pipeline_steps import Arm
from skiagram.studies.search.ledger import Ledger, TrialOutcome, decode, propose
from skiagram.studies.search.space import Space, apply_values

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial


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
        model: Name of the model's option file.
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
        model: Name of the model's option file.
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
        name: Name of its option file.
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
            done = cv.workspace.compute.map(run_trial, tasks)
            for (ledger, trial, _), found in zip(waiting, done, strict=True):
                ledger.tell(trial, found)
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
