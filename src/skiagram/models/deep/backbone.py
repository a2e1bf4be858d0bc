"""A network inside another one: its options stand in the config, its training beside them."""

import dataclasses
from typing import Any, Self, cast

from pydantic import model_validator
from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.errors import refusal
from skiagram.models.deep.contract import Network, ReadsTable, StartsFromCases, StartsFromWeights
from skiagram.options import build
from skiagram.strict import STRICT
from skiagram.training.options import Training

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
        """Build the inner network once, so that bad options of it are refused with the config."""
        self.network()
        return self

    def network(self) -> Network:
        """Build the inner network's options.

        Raises:
            OptionError: It is no network of this program on images alone, has options of training
                of its own, or a classical last layer that would play no part.
        """
        # The inner network takes its training options from this one.
        target = str(self.backbone.get("_target_", ""))
        if not target.startswith(_PACKAGE):
            raise refusal("models.foreign_class", target=target, package=_PACKAGE)
        if "training" in self.backbone:
            raise refusal("models.training_of_backbone")
        network = build(
            {**self.backbone, "training": dataclasses.asdict(self.training)}, "model.backbone"
        )
        if not hasattr(network, "build") or isinstance(network, ReadsTable):
            raise refusal("models.no_backbone", backbone=target)
        # Its last layer is of no use to a network that does not fit it to the training cases.
        strength = getattr(network, "C", None)
        if strength is not None and not isinstance(self, StartsFromCases):
            raise refusal("models.classical_last_layer", strength=strength)
        return cast(Network, network)

    def load_weights(self, network: nn.Module) -> None:
        """Give a freshly built network the weights that the inner one starts from, if any."""
        options = self.network()
        if isinstance(options, StartsFromWeights):
            options.load_weights(network)
