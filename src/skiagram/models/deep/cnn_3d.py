"""A small three-dimensional convolutional network for volumes.

Stages of a 3 × 3 × 3 convolution and a halving of all sides, with batch normalisation (Ioffe &
Szegedy 2015); the mean over all places (Lin et al. 2014, §3.2) feeds one linear layer. So the
number of parameters does not grow with the volume. A side that is down to 1 is halved no further,
which lets thin stacks through. Convolutions over three axes instead of slice by slice: Ji et al.
2013, IEEE Trans. Pattern Anal. Mach. Intell. 35:221.
"""

from itertools import pairwise
from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.errors import refusal
from skiagram.models.deep.layers import (
    GlobalAveragePool,
    Widths,
    convolution,
    halving_rectifier,
)
from skiagram.strict import STRICT, ShareBelowOne
from skiagram.training.options import Training


@dataclass(**STRICT)
class CNN3D:
    """Options of the network for volumes.

    Attributes:
        widths: Maps of each stage; all but the first are entered by a halving of the sides.
        dropout: Share of the pooled maps that is dropped while training.
        training: How it is trained.
    """

    widths: Widths
    dropout: ShareBelowOne
    training: Training

    title: ClassVar[str] = "3D convolutional network"

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the network for volumes of any depth.

        Raises:
            ModelFailure: Images are given, which have no depth.
        """
        channels, *sides = shape
        if len(sides) == 2:
            raise refusal("models.plane_images", height=sides[0], width=sides[1])
        # Stages: a halving of all sides that can be halved, then a convolution.
        layers = convolution(channels, self.widths[0], axes=3)
        for entering, maps in pairwise(self.widths):
            layers += [*halving_rectifier(axes=3), *convolution(entering, maps, axes=3)]
        last = [nn.Dropout(self.dropout), nn.Linear(self.widths[-1], n_classes)]
        return nn.Sequential(*layers, nn.ReLU(), GlobalAveragePool(), *last)
