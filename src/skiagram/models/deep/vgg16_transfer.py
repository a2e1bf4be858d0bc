"""The articles' transfer network: VGG16's convolutions under two new dense layers.

The convolutional base of Simonyan & Zisserman 2015 (configuration D) without its top, the mean
over all places, a dense layer of 128 rectified units, and one unit per class. New layers start as
Keras starts them. Images are normalised by the training set's own mean and deviation.
"""

from typing import Annotated, ClassVar, cast

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.models.deep.layers import GlobalAveragePool, check_smallest_side, glorot_uniform
from skiagram.models.deep.transfer import (
    Gray,
    Transfer,
    WeightsSource,
    adapt_channels,
    read_state_dict,
    take_weights,
)
from skiagram.options import STRICT
from skiagram.training.options import Training

SMALLEST_SIDE = 32
_BASE = "features."


@dataclass(**STRICT)
class VGG16Transfer:
    """Options of the transfer network.

    Attributes:
        weights: torchvision's name of VGG16's weights, `none` for fresh ones, or a file.
        gray: How images of one channel enter a network for three: `repeat` the channel, or `sum`
            the first layer's filters; both give equal scores at the start.
        frozen_epochs: Epochs in which the dense layers learn alone; null: always.
        training: How it is trained.
    """

    title: ClassVar[str] = "VGG16 transfer network of the articles"

    weights: WeightsSource
    gray: Gray
    frozen_epochs: Annotated[int, Field(ge=0)] | None
    training: Training

    def build(self, channels: int, height: int, width: int, n_classes: int) -> nn.Module:
        """Return the network with fresh weights.

        Raises:
            ModelFailure: A side is shorter than 32 pixels, or there are neither 1 nor 3 channels.
        """
        from torchvision.models.vgg import cfgs, make_layers

        check_smallest_side("vgg16_transfer", height, width, SMALLEST_SIDE)
        base = nn.Sequential(make_layers(cfgs["D"]), GlobalAveragePool())
        head = nn.Sequential(nn.Linear(512, 128), nn.ReLU(), nn.Linear(128, n_classes))
        for part in (base, head):
            part.apply(glorot_uniform)
        repeated = adapt_channels(base, channels, self.gray, "vgg16_transfer")
        return Transfer(base, head, self.frozen_epochs, repeated=repeated)

    def load_weights(self, network: nn.Module) -> None:
        """Give a freshly built network the weights it starts from.

        Raises:
            OptionError: torchvision has no weights of that name.
            DataError: They cannot be had, or belong to another network.
        """
        weights = read_state_dict("vgg16", self.weights)
        if weights is not None:
            features = cast(nn.Sequential, cast(Transfer, network).base)[0]
            weights = {
                name.removeprefix(_BASE): value
                for name, value in weights.items()
                if name.startswith(_BASE)
            }
            take_weights(features, weights, "model.weights")
