"""Trials of one search: asked of Optuna round by round, fitted fold after fold, told to it.

All trials of a round are proposed from those of earlier rounds and then fitted side by side. Which
trial of a round ends first decides nothing, so no figure depends on the number of workers. Each
trial has a tree-structured Parzen estimator (Bergstra et al. 2011) with a seed of its own, so a
search that was stopped proposes the same trials again, whose fits are at hand as pieces.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from time import process_time
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import DataError, ModelFailure, installed
from skiagram.options import STRICT
from skiagram.records import read_record, write_record
from skiagram.seeding import derived_seed
from skiagram.splits import Partition
from skiagram.studies.candidates import Candidate
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.search.space import Choice, Space, apply_values

if TYPE_CHECKING:
    import optuna

End = Literal["finished", "pruned", "failed"]
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


def values_of(trial: "optuna.Trial", space: Space) -> dict[str, Any]:
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


# The trial's number and values, the model with these, and the bars of `Pruning`.
Task = tuple[CrossValidation, int, dict[str, Any], Candidate, tuple[float | None, ...]]


def run_trial(task: Task) -> tuple[Trial, float]:
    """Make a trial, or read what an earlier run left of it; return it with its seconds."""
    cv, trial, values, candidate, bars = task
    areas: list[float] = []
    seconds, reason = 0.0, ""
    end: End = "finished"
    for number, (fold, bar) in enumerate(zip(cv.folds(), bars, strict=True)):
        fit = fit_fold(cv, candidate, fold, f"fold{number}")
        seconds += fit.processor_seconds
        if fit.auc is None:
            end, reason = "failed", fit.reason
            break
        areas.append(fit.auc)
        if bar is not None and float(np.mean(areas)) < bar:
            end = "pruned"
            break
    return Trial(trial, values, tuple(areas), end, reason), seconds


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

    def having(self, values: Mapping[str, Any]) -> Candidate:
        """Return the model with other values of the options searched."""
        return self.candidate.having(apply_values(self.candidate.options, values))

    def begin(self) -> "optuna.Study":
        """Return a search without trials; its first one will have the option file's values."""
        study: optuna.Study = load_optuna().create_study(direction="maximize")
        of_any_kind = [name for name, one in self.space.options.items() if isinstance(one, Choice)]
        encoded = {name: _encode(self.defaults[name]) for name in of_any_kind}
        study.enqueue_trial(self.defaults | encoded)
        return study

    def ask(self, study: "optuna.Study", number: int, seed: int) -> "optuna.Trial":
        """Return the next trial, proposed by a sampler of its own."""
        study.sampler = load_optuna().samplers.TPESampler(
            n_startup_trials=self.budget.startup,
            seed=derived_seed(seed, self.candidate.name, number),
            constant_liar=True,
        )
        trial = study.ask()
        suggest(trial, self.space)
        return trial

    def bars(self, trials: Sequence[Trial], folds: int) -> tuple[float | None, ...]:
        """Return what finished trials of earlier rounds ask of a round's trials."""
        if self.budget.pruning is None:
            return (None,) * folds
        finished = [trial.fold_auc for trial in trials if trial.end == "finished"]
        return self.budget.pruning.bars(finished, folds)


def _tell(study: "optuna.Study", asked: "optuna.Trial", made: Trial) -> None:
    """Tell Optuna how a trial went."""
    states = load_optuna().trial.TrialState
    ends = {"finished": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}
    means = [total / k for k, total in enumerate(accumulate(made.fold_auc), start=1)]
    for step, mean in enumerate(means):
        asked.report(mean, step)
    study.tell(asked, means[-1] if made.end == "finished" else None, state=ends[made.end])


Found = tuple[tuple[Trial, ...], tuple[float, ...]]  # trials, and the seconds of each


def search(cv: CrossValidation, models: Sequence[ModelSearch]) -> list[Found]:
    """Make all trials that are not made yet and return each model's, with their seconds.

    All models go from round to round together: workers start once per round.
    """
    budget, folds = models[0].budget, cv.plan.repeats * cv.plan.folds
    studies = [model.begin() for model in models]
    made: list[list[tuple[Trial, float]]] = [[] for _ in models]
    for first in range(0, budget.trials, budget.together):
        numbers, asked, tasks = range(first, first + budget.together), [], []
        for model, study, earlier in zip(models, studies, made, strict=True):
            bars = model.bars([trial for trial, _ in earlier], folds)
            for number in numbers:
                trial = model.ask(study, number, cv.plan.seed)
                values = values_of(trial, model.space)
                asked.append((study, trial, earlier))
                tasks.append((cv, number, values, model.having(values), bars))
        title = f"search, trials {first + 1} to {numbers.stop}"
        done = cv.workspace.run(title, run_trial, tasks)
        for (study, trial, own), outcome in zip(asked, done, strict=True):
            _tell(study, trial, outcome[0])
            own.append(outcome)
    return [(tuple(t for t, _ in own), tuple(s for _, s in own)) for own in made]
