"""Any of torchvision's classifiers by name, its last layer replaced.

ResNet, DenseNet, EfficientNet, ConvNeXt, ViT, Swin, RegNet, MobileNet, VGG and others, with weights
from ImageNet or fresh ones. Images are normalised by the training set's own mean and deviation.
"""

from collections.abc import Callable
from typing import Annotated, Any, cast

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.errors import ModelFailure, OptionError
from skiagram.models.deep.transfer import Gray, Transfer, adapt_channels, take_weights
from skiagram.models.deep.weights import Source, state_dict
from skiagram.options import STRICT
from skiagram.training.options import Training

# These return more than logits while they train, or end in a convolution.
_UNLIKE = ("googlenet", "inception_v3", "squeezenet1_0", "squeezenet1_1")


@dataclass(**STRICT)
class Pretrained:
    """Options of a classifier of torchvision's.

    Attributes:
        architecture: torchvision's name of it.
        weights: torchvision's name of the weights, `none` for fresh ones, or a file.
        gray: How images of one channel enter a network for three: `repeat` the channel, or `sum`
            the first layer's filters; both give equal scores at the start.
        frozen_epochs: Epochs in which the new last layer learns alone; null: always.
        training: How it is trained.
    """

    architecture: str
    weights: Source
    gray: Gray
    frozen_epochs: Annotated[int, Field(ge=0)] | None
    training: Training

    @property
    def title(self) -> str:
        """Return the name for people."""
        return f"{self.architecture} of torchvision"

    def build(self, channels: int, height: int, width: int, n_classes: int) -> nn.Module:
        """Return the network with fresh weights.

        Raises:
            OptionError: torchvision has no such classifier.
            ModelFailure: The classifier is not defined for such images.
        """
        classifier = self._classifier()
        try:
            base = classifier(**_sized(self.architecture, height, width))
            name, last = _last_linear(base)
            base.set_submodule(name, nn.Identity())
            repeated = adapt_channels(base, channels, self.gray, self.architecture)
            head = nn.Linear(last.in_features, n_classes)
            network = Transfer(base, head, self.frozen_epochs, repeated=repeated)
            with torch.no_grad():
                network.eval()(torch.zeros(1, channels, height, width))
        except (RuntimeError, AssertionError, ValueError) as error:
            raise ModelFailure(
                f"images of {height} × {width} pixels",
                where=self.architecture,
                allowed=f"what torchvision's code takes ({error})",
                remedy="set training.image_size",
            ) from error
        return network.train()

    def load_weights(self, network: nn.Module) -> None:
        """Give a freshly built network the weights it starts from.

        Raises:
            OptionError: torchvision has no weights of that name.
            DataError: They cannot be had, or belong to another network.
        """
        weights = state_dict(self.architecture, self.weights)
        if weights is not None:
            base = cast(Transfer, network).base
            left_out = [name for name, one in base.named_modules() if isinstance(one, nn.Identity)]
            kept = {
                name: value
                for name, value in weights.items()
                if name.rpartition(".")[0] not in left_out
            }
            take_weights(base, kept, "model.weights")

    def _classifier(self) -> Callable[..., nn.Module]:
        from torchvision import models

        known = sorted(set(models.list_models(module=models)) - set(_UNLIKE))
        if self.architecture not in known:
            raise OptionError(
                f"torchvision has no classifier `{self.architecture}` that fits here",
                where="model.architecture",
                allowed=", ".join(known),
            )
        return cast(Callable[..., nn.Module], models.get_model_builder(self.architecture))


def _sized(architecture: str, height: int, width: int) -> dict[str, Any]:
    """Return what the transformers must know of the images beforehand."""
    if architecture.startswith("vit_"):
        return {"image_size": height}
    return {"input_size": (height, width)} if architecture.startswith("maxvit") else {}


def _last_linear(network: nn.Module) -> tuple[str, nn.Linear]:
    layers = [(name, one) for name, one in network.named_modules() if isinstance(one, nn.Linear)]
    return layers[-1]
