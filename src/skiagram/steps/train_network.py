"""Stage train_network on a project: the one network that params.yaml, or a command, names."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.context import RunContext
from skiagram.fitting.arm import TrainOptions
from skiagram.models.arm_of_file import require_arm
from skiagram.models.learner import learner_of
from skiagram.options import build
from skiagram.steps.train import train_in_project
from skiagram.strict import STRICT
from skiagram.training.options import Trainer, decide_vertical_flips
from skiagram.training.processes import is_last


@options_class(**STRICT)
class TrainNetworkOptions(TrainOptions):
    """Options of stage train_network.

    Attributes:
        trainer: Where and how networks are trained.
        upside_down: Whether they also learn from images turned upside down.
    """

    trainer: Trainer
    upside_down: bool = False


def train_network(
    root: Path, name: str, options: TrainNetworkOptions, target: Path, rank: int | None
) -> None:
    """Train a network, alone or as one of several processes that Lightning or SLURM started."""
    require_arm(name, options.model, "networks", stage=True)
    model = decide_vertical_flips(options.model, upside_down=options.upside_down)
    options = replace(options, model=model)
    if rank is not None:
        from skiagram.training.fit import meet

        meet(options.trainer)
    learner = learner_of(build(model, "model"), options.trainer, options.compute.threads)
    context = RunContext.of_project(root, options.compute)
    context = replace(context, alone=rank is None, is_last=partial(is_last, rank))
    train_in_project(root, name, learner, options, target, context)
