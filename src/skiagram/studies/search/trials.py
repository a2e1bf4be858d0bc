"""One trial: a model with some values, fitted fold after fold until it lies too low."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import DataError, ModelFailure
from skiagram.options import STRICT
from skiagram.records import read_record, write_record
from skiagram.splits import Partition
from skiagram.studies.ground import Ground
from skiagram.studies.search.results import End


@dataclass(frozen=True)
class Fit:
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
class Attempt:
    """A trial to make.

    Attributes:
        ground: Cases and folds.
        model: Name of the model's option file.
        arm: `classical` or `deep`.
        options: The model's options with the trial's values.
        bars: Least mean AUC after each fold with which the trial goes on; None for any.
    """

    ground: Ground
    model: str
    arm: str
    options: Mapping[str, Any]
    bars: tuple[float | None, ...]


@dataclass(frozen=True)
class Attempted:
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


def attempt(one: Attempt) -> Attempted:
    """Make a trial, or read what an earlier run left of it."""
    areas: list[float] = []
    seconds = 0.0
    for number, fold in enumerate(one.ground.folds()):
        fit = fitted(one.ground, one.model, one.arm, one.options, fold, f"fold{number}")
        seconds += fit.processor_seconds
        if fit.auc is None:
            return Attempted(tuple(areas), "failed", fit.reason, seconds)
        areas.append(fit.auc)
        bar = one.bars[number]
        if bar is not None and float(np.mean(areas)) < bar:
            return Attempted(tuple(areas), "pruned", "", seconds)
    return Attempted(tuple(areas), "finished", "", seconds)


def fitted(
    ground: Ground, model: str, arm: str, options: Mapping[str, Any], fold: Partition, name: str
) -> Fit:
    """Fit one fold, or read what an earlier run left of it.

    Args:
        ground: Cases.
        model: Name of the model's option file.
        arm: `classical` or `deep`.
        options: The model's options.
        fold: Rows of the cases.
        name: Name of the fold.
    """

    def make(folder: Path) -> None:
        started = process_time()
        auc, reason = None, ""
        try:
            auc = ground.held_out_auc(arm, options, fold, "search", name)
        except (ModelFailure, DataError) as error:
            reason = str(error)
        write_record(Fit(auc, reason, process_time() - started), folder / "fit.json")

    inputs = ground.inputs(arm) | {"model": options, "held_out": fold.held_out.tolist()}
    piece = ground.place.made(f"trial-{model}", inputs | {"name": name}, make)
    return read_record(Fit, piece / "fit.json")
