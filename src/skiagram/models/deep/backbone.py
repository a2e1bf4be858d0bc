"""A network inside another one: its options stand in the config, its training beside them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Self, cast

from pydantic import model_validator
from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.errors import OptionError, refusal
from skiagram.models.deep.contract import Network, ReadsTable, StartsFromCases, StartsFromWeights
from skiagram.options import build
from skiagram.strict import STRICT
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
        # The inner network takes its training options from this one.
        twice = ("is given twice", "leave it in `model` alone")
        network = build_inner(self.backbone, self.training, _WHERE, twice)
        if not hasattr(network, "build") or isinstance(network, ReadsTable):
            raise refusal(
                "models.no_backbone", _WHERE, kind=OptionError, backbone=self.backbone["_target_"]
            )
        # Its last layer is of no use to a network that does not fit it to the training cases.
        strength = getattr(network, "C", None)
        if strength is not None and not isinstance(self, StartsFromCases):
            raise refusal(
                "models.classical_last_layer", f"{_WHERE}.C", kind=OptionError, strength=strength
            )
        return cast(Network, network)

    def load_weights(self, network: nn.Module) -> None:
        options = self.network()
        if isinstance(options, StartsFromWeights):
            options.load_weights(network)


def build_inner(
    options: Mapping[str, Any], training: Training, where: str, training_given: tuple[str, str]
) -> Any:
    """Return the options of a network that other options hold, without a training.

    `training_given` is what a message says of one among them: what is wrong, and what to do.
    """
    target = str(options.get("_target_", ""))
    if not target.startswith(_PACKAGE):
        raise refusal(
            "models.foreign_class",
            f"{where}._target_",
            kind=OptionError,
            target=target,
            package=_PACKAGE,
        )
    if "training" in options:
        wrong, remedy = training_given
        raise refusal(
            "models.training_of_backbone",
            f"{where}.training",
            kind=OptionError,
            wrong=wrong,
            remedy=remedy,
        )
    return build({**options, "training": dataclasses.asdict(training)}, where)
