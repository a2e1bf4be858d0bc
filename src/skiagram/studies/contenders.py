"""Models of either arm as studies train them, and what they see of prepared cases."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.reported import ModelScores
from skiagram.features.table import FeatureTable
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.plan import Plan
from skiagram.options import build
from skiagram.predictions import Predictions
from skiagram.records import Outcome, read_cases, read_record
from skiagram.studies.passes import Options, Prepared
from skiagram.studies.place import Place
from skiagram.training.options import Trainer


def untrained(place: Place, arm: str, options: Options, trainer: Trainer) -> Any:
    """Return the model of an option file; a network comes with its trainer."""
    model = build(dict(options), "model")
    if arm == "classical":
        return model
    from skiagram.models.deep.learner import Learner

    return Learner(model, trainer, place.compute.threads)


def inputs_of(prepared: Prepared, arm: str, options: Options) -> Callable[[NDArray[np.str_]], Any]:
    """Return what turns case ids into the inputs of a model of these options."""
    if arm == "classical":
        return FeatureTable.read(prepared.features / "features.parquet").of
    from skiagram.models.deep.inputs import NetworkInputs

    network, cases = build(dict(options), "model"), prepared.data.folder / "cases"
    return NetworkInputs.of(network, prepared.images.folder, cases).cases


def plan_scores(
    place: Place,
    prepared: Prepared,
    name: str,
    arm: str,
    options: Options,
    plan: Plan,
    trainer: Trainer,
) -> ModelScores:
    """Train a model of either arm under a plan and return its scores.

    Args:
        place: Where to work.
        prepared: Images and features.
        name: Name of the model's option file.
        arm: `classical` or `deep`.
        options: Its options.
        plan: Folds, repeats and seed.
        trainer: Where networks are trained.
    """

    def make(folder: Path) -> None:
        cases, task = read_cases(prepared.data.folder / "cases")
        of = inputs_of(prepared, arm, options)
        parts = [of(part.case_id) for part in (cases.development(), cases.test())]
        member = Member(name, untrained(place, arm, options, trainer), dict(options), *parts)
        with place.compute.limit():
            train(member, cases, task, plan, ArmFolders(folder / "model", folder / "scores", None))

    inputs: dict[str, object] = {"model": options, "plan": asdict(plan)}
    if arm == "classical":
        inputs["features"] = prepared.features.name
    else:
        inputs |= {
            "restored": prepared.restored.name,
            "trainer": asdict(trainer),
            "threads": place.compute.threads,
        }
    folder = place.made(f"scores-{name}", inputs, make)
    outcome = read_record(Outcome, folder / "scores/outcome.json")
    return ModelScores(outcome, Predictions.read(folder / "scores/predictions.parquet"))
