"""What a finished search is worth: on the folds that chose, and on patients it never saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from skiagram.evaluation.results import Estimate
from skiagram.evaluation.stability.folds import corrected_mean
from skiagram.splits import Partition, grouped_folds
from skiagram.studies.ground import Ground
from skiagram.studies.search.results import Nested, Trial
from skiagram.studies.search.rounds import Budget, Searched, search
from skiagram.studies.search.space import applied
from skiagram.studies.search.trials import Fit, fitted

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """Return the finished trial of the highest mean AUC, the first of equal ones."""
    finished = [one for one in trials if one.end == "finished"]
    return max(finished, key=lambda one: (np.mean(one.fold_auc), -one.number), default=None)


def compared(
    default: Sequence[float], tuned: Sequence[float], folds: int
) -> tuple[Estimate, Estimate, Estimate]:
    """Return the mean AUC of each and of tuned minus default, paired by fold.

    Args:
        default: AUC of each fold with the values of the option file.
        tuned: AUC of each fold with those that the search found.
        folds: Folds of one repeat.
    """
    one, two, ratio = np.array(default), np.array(tuned), 1 / (folds - 1)
    return (
        corrected_mean(one, ratio, 0.0, 1.0),
        corrected_mean(two, ratio, 0.0, 1.0),
        corrected_mean(two - one, ratio, -1.0, 1.0),
    )


def unknown(reason: str) -> tuple[Estimate, Estimate, Estimate]:
    """Return three figures that cannot be computed."""
    missing = Estimate(None, reason=reason)
    return missing, missing, missing


def nested(
    ground: Ground, models: Sequence[Searched], budget: Budget, storage: "BaseStorage", outer: int
) -> dict[str, Nested]:
    """Repeat the whole search inside each outer fold and test what it chose on the held-out part.

    Args:
        ground: All development cases.
        models: Whose options are searched.
        budget: Trials of each search.
        storage: Database of all searches.
        outer: Outer folds, by patient.
    """
    seed = ground.plan.seed
    parts = grouped_folds(ground.label, ground.patient_id, outer, seed, "search", "outer")
    found: dict[str, list[_Outer]] = {model.name: [] for model in models}
    for number, part in enumerate(parts):
        ledgers = search(ground.select(part.training), models, budget, storage)
        for model in models:
            trials, _ = ledgers[model.name].results(budget.trials)
            found[model.name].append(_outer(ground, model, trials, part, f"outer{number}"))
    return {name: _nested(folds) for name, folds in found.items()}


@dataclass(frozen=True)
class _Outer:
    """One outer fold: what was chosen inside, the fits outside, and all fits made."""

    values: dict[str, Any]
    default: Fit
    tuned: Fit
    fits: int


def _outer(
    ground: Ground, model: Searched, trials: Sequence[Trial], part: Partition, name: str
) -> _Outer:
    best = best_trial(trials)
    values = best.values if best else model.defaults
    default, tuned = (
        fitted(ground, model.name, model.arm, applied(model.options, one), part, name)
        for one in (model.defaults, values)
    )
    return _Outer(values, default, tuned, 2 + sum(len(one.fold_auc) for one in trials))


def _nested(folds: Sequence[_Outer]) -> Nested:
    pairs = [(one.default.auc, one.tuned.auc) for one in folds]
    known = [(one, two) for one, two in pairs if one is not None and two is not None]
    if len(known) == len(folds):
        default, tuned = zip(*known, strict=True)
        figures = compared(default, tuned, len(folds))
    else:
        figures = unknown(next(r for f in folds for r in (f.default.reason, f.tuned.reason) if r))
    return Nested(*figures, tuple(one.values for one in folds), sum(one.fits for one in folds))
