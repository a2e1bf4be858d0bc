"""Any of torchvision's classifiers by name, its last layer replaced.

ResNet, DenseNet, EfficientNet, ConvNeXt, ViT, Swin, RegNet, MobileNet, VGG and others, with weights
from ImageNet or fresh ones. Images are normalised by the training set's own mean and deviation.
"""

from typing import Annotated, cast

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.models.deep.transfer import (
    Gray,
    Transfer,
    TransferOptions,
    WeightsSource,
    take_torchvision_weights,
    torchvision_base,
)
from skiagram.options import STRICT
from skiagram.training.options import Training


@dataclass(**STRICT)
class Pretrained(TransferOptions):
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

    def load_weights(self, network: nn.Module) -> None:
        """Give a freshly built network the weights it starts from.

        Raises:
            OptionError: torchvision has no weights of that name.
            DataError: They cannot be had, or belong to another network.
        """
        base = cast(Transfer, network).base
        take_torchvision_weights(base, self.architecture, self.weights)

    def _library(self) -> str:
        return "torchvision"

    def _base(self, height: int, width: int) -> tuple[nn.Module, int]:
        return torchvision_base(self.architecture, height, width)

    def _network(
        self, base: nn.Module, head: nn.Linear, repeated: bool, size: tuple[int, int]
    ) -> Transfer:
        return Transfer(base, head, self.frozen_epochs, repeated=repeated)
