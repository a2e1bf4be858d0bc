"""What a finished search is worth: on the folds that chose, and on patients it never saw."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from skiagram.evaluation.results import Estimate
from skiagram.evaluation.stability.folds import corrected_mean
from skiagram.splits import grouped_folds
from skiagram.studies.ground import Ground
from skiagram.studies.search.results import Nested, Trial
from skiagram.studies.search.rounds import Budget, Searched, search
from skiagram.studies.search.space import applied
from skiagram.studies.search.trials import fitted

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
    ground: Ground, model: Searched, budget: Budget, storage: "BaseStorage", outer: int
) -> Nested:
    """Repeat the whole search inside each outer fold and test what it chose on the held-out part.

    Args:
        ground: All development cases.
        model: Whose options are searched.
        budget: Trials of each search.
        storage: Database of all searches.
        outer: Outer folds, by patient.
    """
    seed = ground.plan.seed
    parts = grouped_folds(ground.label, ground.patient_id, outer, seed, "search", "outer")
    chosen: list[dict[str, Any]] = []
    areas: list[tuple[float, float]] = []
    reason, fits = "", 0
    for number, part in enumerate(parts):
        ledger = search(ground.select(part.training), model, budget, storage)
        trials, _ = ledger.results(budget.trials)
        best = best_trial(trials)
        chosen.append(best.values if best else model.defaults)
        fits += sum(len(one.fold_auc) for one in trials)
        pair = [
            fitted(
                ground,
                model.name,
                model.arm,
                applied(model.options, values),
                part,
                f"outer{number}",
            )
            for values in (model.defaults, chosen[-1])
        ]
        fits += len(pair)
        reason = reason or next((fit.reason for fit in pair if fit.auc is None), "")
        areas.append((pair[0].auc or 0.0, pair[1].auc or 0.0))
    default, tuned = zip(*areas, strict=True)
    figures = unknown(reason) if reason else compared(default, tuned, outer)
    return Nested(*figures, tuple(chosen), fits)
