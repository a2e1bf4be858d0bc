"""Any of torchvision's classifiers by name, its last layer replaced.

ResNet, DenseNet, EfficientNet, ConvNeXt, ViT, Swin, RegNet, MobileNet, VGG and others, with weights
from ImageNet or fresh ones. Images are normalised by the training set's own mean and deviation.
"""

from typing import Annotated, cast

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.errors import ModelFailure
from skiagram.models.deep.transfer import (
    Gray,
    Transfer,
    WeightsSource,
    adapt_channels,
    take_torchvision_weights,
    torchvision_base,
)
from skiagram.options import STRICT
from skiagram.training.options import Training


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
    weights: WeightsSource
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
        try:
            base, numbers = torchvision_base(self.architecture, height, width)
            repeated = adapt_channels(base, channels, self.gray, self.architecture)
            head = nn.Linear(numbers, n_classes)
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
        base = cast(Transfer, network).base
        take_torchvision_weights(base, self.architecture, self.weights)
