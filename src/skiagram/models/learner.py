"""The model that a config describes, as train stages fit it: a network knows its trainer.

No library of networks is imported before a network is asked for.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skiagram.fitting.contract import ReadsData

if TYPE_CHECKING:
    from skiagram.training.options import Trainer


def learner_of(options: Any, trainer: "Trainer", threads: int) -> ReadsData[Any]:
    """Build the model that options describe: they themselves, or a network with its trainer.

    Args:
        options: A model's dataclass, or a network's.
        trainer: Where networks are trained; its `max_epochs` and `fast_dev_run` shorten them.
        threads: Of each fit of a network.
    """
    # A trial run has fewer epochs than the options say.
    limit = 1 if trainer.fast_dev_run else trainer.max_epochs
    if limit is not None and hasattr(options, "training"):
        epochs = min(options.training.epochs, limit)
        options = replace(options, training=replace(options.training, epochs=epochs))
    # Networks are given their trainer, other models read data themselves.
    if hasattr(options, "learner"):
        learner: ReadsData[Any] = options.learner(trainer, threads)
        return learner
    if hasattr(options, "read"):
        model: ReadsData[Any] = options
        return model
    from skiagram.models.deep.network_model import NetworkModel

    return NetworkModel(options, trainer, threads)
