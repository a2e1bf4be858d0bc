"""A small convolutional network for small sets: batch normalisation and global average pooling.

A 5 × 5 convolution of stride 2, then stages of a halving and a 3 × 3 convolution, all with batch
normalisation (Ioffe & Szegedy 2015); the mean over all places (Lin et al. 2014, §3.2) feeds one
linear layer. So the number of parameters does not grow with the image, and a lesion counts
wherever it lies.
"""

from itertools import pairwise
from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.models.deep.layers import (
    GlobalAveragePool,
    Widths,
    check_smallest_side,
    convolution,
    halving_rectifier,
    sides_of_image,
)
from skiagram.strict import STRICT, ShareBelowOne
from skiagram.training.options import Training


@dataclass(**STRICT)
class SmallCNN:
    """Options of the small network.

    Attributes:
        widths: Maps of the first convolution and of each stage; each halves the sides.
        dropout: Share of the pooled maps that is dropped while training.
        training: How it is trained.
    """

    title: ClassVar[str] = "Small convolutional network"

    widths: Widths
    dropout: ShareBelowOne
    training: Training

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the network for images that all its halvings leave something of.

        Raises:
            ModelFailure: Images are smaller, or volumes.
        """
        channels, height, width = sides_of_image(self.title, shape)
        # A side of 2^k − 1 pixels is down to one after k halvings, the first rounding up.
        smallest = 2 ** len(self.widths) - 1
        halvings = f" for {len(self.widths)} widths"
        check_smallest_side("small_cnn", height, width, smallest, halvings, " or remove a width")
        layers = convolution(channels, self.widths[0], side=5, stride=2)
        for entering, maps in pairwise(self.widths):
            layers += [*halving_rectifier(), *convolution(entering, maps)]
        last = [nn.Dropout(self.dropout), nn.Linear(self.widths[-1], n_classes)]
        return nn.Sequential(*layers, nn.ReLU(), GlobalAveragePool(), *last)
