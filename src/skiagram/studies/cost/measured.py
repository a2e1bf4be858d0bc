"""One model fitted on every fold and timed, in this process alone: nothing runs beside it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from skiagram.errors import DataError, ModelFailure
from skiagram.evaluation.stability.folds import corrected_mean
from skiagram.models.contract import Fitted
from skiagram.models.resampling import finite
from skiagram.records import read_record, write_record
from skiagram.splits import Partition
from skiagram.studies.contenders import inputs_of, untrained
from skiagram.studies.cost.results import ModelCost, Timing, Uncosted
from skiagram.studies.cost.timing import Clock, summary
from skiagram.studies.ground import Ground
from skiagram.studies.passes import Options


@dataclass(frozen=True)
class Measured:
    """A model's costs but for its features, kept as a piece; one of the two is None."""

    cost: ModelCost | None
    failure: Uncosted | None


def measured(
    ground: Ground, model: str, arm: str, options: Options, clock: Clock
) -> ModelCost | Uncosted:
    """Fit a model on every fold and take its times, without those of features.

    Args:
        ground: Cases and folds.
        model: Name of its option file.
        arm: `classical` or `deep`.
        options: Its options.
        clock: How times are taken.
    """

    def make(folder: Path) -> None:
        title = untrained(ground.place, arm, options, ground.trainer).title
        try:
            found = Measured(_measured(ground, model, title, arm, options, clock), None)
        except (ModelFailure, DataError) as error:
            found = Measured(None, Uncosted(title, str(error)))
        write_record(found, folder / "cost.json")

    inputs = ground.inputs(arm) | clock.inputs() | {"model": options}
    inputs["threads"] = ground.place.compute.threads
    piece = ground.place.made(f"cost-{model}", inputs, make)
    found = read_record(Measured, piece / "cost.json")
    if found.cost is not None:
        return found.cost
    return found.failure or Uncosted(model, "")


def _measured(
    ground: Ground, model: str, title: str, arm: str, options: Options, clock: Clock
) -> ModelCost:
    of = inputs_of(ground.prepared, arm, options)

    def fit(number: int, fold: Partition) -> tuple[Fitted[Any], float]:
        return clock.timed(lambda: ground.fit(arm, options, fold.training, "cost", f"fold{number}"))

    areas: list[float] = []
    taken: list[float] = []
    for number, fold in enumerate(ground.folds()):
        fitted, seconds = fit(number, fold)
        taken.append(seconds)
        scores = finite(fitted.scores(of(ground.case_id[fold.held_out])))
        areas.append(ground.auc(scores, fold.held_out))
    few = of(ground.case_id[: clock.images])
    with ground.place.compute.limit():
        scoring = clock.repeated(lambda: fitted.scores(few), len(few))
    auc = corrected_mean(np.array(areas), 1 / (ground.plan.folds - 1), 0.0, 1.0)
    cost = fitted.summary
    return ModelCost(
        model, title, arm, auc, cost.parameters, cost.multiply_adds, summary(taken), scoring, None
    )


def with_features(cost: ModelCost, features: Timing, training_cases: float) -> ModelCost:
    """Add the time that the features of a classical model take.

    Args:
        cost: The model's costs without it.
        features: Milliseconds a case of all its features.
        training_cases: Cases that a fit is trained on.
    """
    return replace(
        cost,
        training=cost.training.plus(features, training_cases / 1000),
        inference=cost.inference.plus(features),
        features=features,
    )
