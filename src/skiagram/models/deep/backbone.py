"""A network inside another one: its options stand in the option file, its training beside them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self, cast

from pydantic import model_validator
from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.errors import OptionError
from skiagram.models.deep.contract import Network, ReadsTable, StartsFromWeights
from skiagram.options import STRICT, build
from skiagram.training.options import Training

_WHERE = "model.backbone"
_PACKAGE = "skiagram.models.deep."


@dataclass(**STRICT)
class OnBackbone:
    """Options of every network that has another one inside.

    Attributes:
        backbone: `_target_` and options of a network on images, without its training.
        training: How the whole is trained.
    """

    backbone: dict[str, Any]
    training: Training

    @model_validator(mode="after")
    def _backbone_is_a_network(self) -> Self:
        self.network()
        return self

    def network(self) -> Network:
        """Return the options of the backbone."""
        return _network(self.backbone, self.training)

    def load_backbone(self, backbone: nn.Module) -> None:
        """Give the backbone the weights it starts from, where it starts from any."""
        options = self.network()
        if isinstance(options, StartsFromWeights):
            options.load_weights(backbone)


def build_inner(
    options: Mapping[str, Any], training: Training, where: str, training_given: tuple[str, str]
) -> Any:
    """Return the options of a network that other options hold.

    Args:
        options: `_target_` and options, without a training.
        training_given: What a message says of a training among the options: what is wrong, and
            what to do.
    """
    target = str(options.get("_target_", ""))
    if not target.startswith(_PACKAGE):
        raise OptionError(
            f"names the class `{target}`",
            where=f"{where}._target_",
            allowed=f"networks of {_PACKAGE}*",
        )
    if "training" in options:
        wrong, remedy = training_given
        raise OptionError(wrong, where=f"{where}.training", remedy=remedy)
    return build({**options, "training": dataclasses.asdict(training)}, where)


def _network(options: Mapping[str, Any], training: Training) -> Network:
    network = build_inner(
        options, training, _WHERE, ("is given twice", "leave it in `model` alone")
    )
    if not hasattr(network, "build") or isinstance(network, ReadsTable):
        raise OptionError(
            f"`{options['_target_']}` is not a network that reads only images",
            where=_WHERE,
            allowed="small_cnn, pretrained and others as their option files have them",
        )
    return cast(Network, network)
