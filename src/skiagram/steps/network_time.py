"""How long the networks of `skiagram run` may take: they are planned before anything is trained."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiagram.compute.files import write_files
from skiagram.options import PLAN, check, find_value, read_option_file, with_choices
from skiagram.projects.files import CHOICES
from skiagram.projects.option_files import put
from skiagram.projects.stage_times import plan_time
from skiagram.steps.presets import FittingChoices

if TYPE_CHECKING:
    from skiagram.models.deep.time_budget import NetworkTime

_PLANS = Path(".work/network_plans.json")  # so that the same line trains the same epochs again


def plan_network_time(
    choices: FittingChoices, user_choices: Mapping[str, Any], hours: float, *, of_classes: bool
) -> tuple[FittingChoices, str]:
    """Plan the networks and epochs that there is time for, and say so in sentences.

    Args:
        choices: What fits the images; its networks are the most valuable first.
        user_choices: What the line chooses besides.
        hours: For all networks, with every processor of this machine at work.
        of_classes: Whether classes are told apart; of these alone networks become means of several.
    """
    if choices.image_shape is None:
        unplanned = ", ".join(choices.params.get("networks", ()))
        sentence = (
            f"Networks: {unplanned}, for all of their epochs: `--hours` plans networks of plane "
            "images without marks alone."
        )
        return choices, sentence * bool(unplanned)
    # PyTorch takes a second to import, which only a run that plans networks waits for.
    from skiagram.compute.workers import ALL_PROCESSORS, count_gpus
    from skiagram.fitting.cross_validation import Plan
    from skiagram.models.deep.time_budget import add_members
    from skiagram.training.devices import device
    from skiagram.training.options import Trainer

    # how often each image is read
    params = {**read_option_file(Path(CHOICES)), **choices.params, **user_choices}
    values = find_value(read_option_file(Path(PLAN)), "plan", PLAN)
    plan = check(Plan, with_choices(values, params), "plan")
    trainer_file = f"conf/trainer/{params['trainer']}.yaml"
    kind = device(check(Trainer, read_option_file(Path(trainer_file)), trainer_file)).type
    places = ALL_PROCESSORS.fits_at_a_time(count_gpus() if kind == "cuda" else None)
    learned, validated = plan.count_images(params["design"], choices.cases)
    images = (learned / places, validated / places)
    # the networks as their configs have them, with what fits the images
    networks: dict[str, dict[str, Any]] = {}
    for name in choices.networks:
        file = f"conf/model/{name}.yaml"
        networks[name] = read_option_file(Path(file))
        for dotted, value in choices.options.get(file, {}).items():
            put(networks[name], dotted, value)
        # what an earlier line had no time for is asked for again
        training = networks[name]["training"]
        training["epochs"] = training.pop("planned_epochs", None) or training["epochs"]
    keeps_one = not params["encoders"]
    planned = _plan_once(networks, choices.image_shape, images, hours, kind, keeps_one=keeps_one)
    if of_classes:
        fresh = {
            name: network["training"]["epochs"]
            for name, network in networks.items()
            if "weights" not in network
        }
        planned = add_members(planned, 3600 * hours, fresh)
    for network_time in planned:
        plan_time(Path(), f"train_network@{network_time.name}", network_time.seconds)
    names = [each.name for each in planned]
    left_out = [name for name in choices.networks if name not in names]
    chosen = _with_planned(choices, networks, planned, left_out)
    # what is trained for how long, and what is left out
    minutes = max(1, round(sum(network_time.seconds for network_time in planned) / 60))
    trained = " and ".join(
        f"{each.name} ({each.epochs} epochs{f', mean of {each.members}' * (each.members > 1)})"
        for each in planned
    )
    trained = trained or "none"
    text = f"Networks: {trained}, about {minutes} minute{'s' * (minutes > 1)} on this machine."
    if not planned:
        text = "Networks: none; the frozen network stands for them."
    if left_out:
        text += f" Left out, as there is no time for them: {', '.join(left_out)}."
    return chosen, f"{text} All networks have {60 * hours:g} minutes; `--hours` changes that."


def _with_planned(
    choices: FittingChoices,
    networks: Mapping[str, dict[str, Any]],
    planned: "Sequence[NetworkTime]",
    left_out: list[str],
) -> FittingChoices:
    """Return the choices with the planned epochs; the report names the networks left out."""
    # fewer epochs where there is no time for all, several trainings where much is left
    changed = {file: dict(values) for file, values in choices.options.items()}
    for network_time in planned:
        training = networks[network_time.name]["training"]
        file = f"conf/model/{network_time.name}.yaml"
        values = changed.setdefault(file, {})
        values["training.epochs"] = network_time.epochs
        # the report says which network had no time for all of its epochs
        if network_time.epochs < training["epochs"]:
            values["training.planned_epochs"] = training["epochs"]
        elif "planned_epochs" in read_option_file(Path(file))["training"]:
            values["training.planned_epochs"] = None
        if network_time.members > 1:
            values["training.members"] = network_time.members
    # The choices with these networks; the report says which are left out.
    names = [network_time.name for network_time in planned]
    if left_out or "left_out_networks" in read_option_file(Path("conf/evaluate.yaml")):
        changed["conf/evaluate.yaml"] = {"left_out_networks": left_out}
    return replace(choices, params={**choices.params, "networks": names}, options=changed)


def _plan_once(
    networks: Mapping[str, dict[str, Any]],
    image_shape: tuple[int, ...],
    images: tuple[float, float],
    hours: float,
    kind: str,
    *,
    keeps_one: bool,
) -> "Sequence[NetworkTime]":
    """Plan the networks that there is time for: as planned for the same line before, if it was.

    Args:
        networks: Name → its options, the most valuable first.
        images: That all fits learn from, and score, in an epoch, for each that is made at a time.
        kind: Of the device that trains, as PyTorch names it.
        keeps_one: Whether the first network stays even where there is no time for it.
    """
    from skiagram.models.deep.time_budget import (
        NetworkTime,
        foresee_time,
        measure_trainings,
        plan_networks,
    )

    # The same line finds its plan again.
    inputs = [[*networks], networks, image_shape, images, hours, kind]
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    plans = json.loads(_PLANS.read_text("utf-8")) if _PLANS.exists() else {}
    if key in plans:
        return [NetworkTime(**network) for network in plans[key]]
    # how long each takes with all of its epochs
    channels, *sides = image_shape
    image_sides = [network["training"]["image_size"] for network in networks.values()]
    shapes = [(channels, *([side] * len(sides) if side else sides)) for side in image_sides]
    # of a network that reads a table too, the part that sees images takes the time
    image_networks = [
        {**network.get("backbone", network), "training": network["training"]}
        for network in networks.values()
    ]
    measured = measure_trainings(image_networks, shapes, kind)
    times = [
        foresee_time(name, network["training"]["epochs"], each, *images)
        for (name, network), each in zip(networks.items(), measured, strict=True)
    ]
    planned = plan_networks(times, 3600 * hours, keeps_one=keeps_one)
    # which the same line finds again
    plans[key] = [asdict(network) for network in planned]
    _PLANS.parent.mkdir(exist_ok=True)
    write_files({_PLANS: json.dumps(plans, indent=2).encode()})
    return planned
