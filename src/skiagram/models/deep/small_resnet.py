"""A small residual network for images of 28 to 64 pixels.

A 3 × 3 stem that keeps the sides, then stages of basic blocks (He et al. 2016, Figure 5, left),
each stage after the first at half the sides; batch normalisation, the mean over all places, and
one linear layer. Larger residual networks shrink an image by four before their first block, which
leaves little of a small one.
"""

from itertools import pairwise
from typing import ClassVar, cast

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from skiagram.models.deep.layers import (
    GlobalAveragePool,
    Widths,
    check_smallest_side,
    convolution,
    sides_of_image,
)
from skiagram.strict import STRICT, OneOrMore, ShareBelowOne
from skiagram.training.options import Training


@dataclass(**STRICT)
class SmallResNet:
    """Options of the small residual network.

    Attributes:
        widths: Maps of each stage; every stage after the first halves the sides.
        blocks: Residual blocks of each stage.
        dropout: Share of the pooled maps that is dropped while training.
        training: How it is trained.
    """

    title: ClassVar[str] = "Small residual network"

    widths: Widths
    blocks: OneOrMore
    dropout: ShareBelowOne
    training: Training

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the network for images that all its halvings leave two pixels of.

        Raises:
            ModelFailure: Images are smaller, or volumes.
        """
        # Each width but the first halves the sides.
        channels, height, width = sides_of_image(self.title, shape)
        smallest = 2 ** len(self.widths)
        halvings = f" for {len(self.widths)} widths"
        check_smallest_side("small_resnet", height, width, smallest, halvings, " or remove a width")
        # A first convolution, then groups of blocks, each narrower and deeper than the last.
        first, last = self.widths[0], self.widths[-1]
        layers = [*convolution(channels, first), nn.ReLU()]
        layers += [ResidualBlock(first, first, stride=1) for _ in range(self.blocks)]
        for entering, maps in pairwise(self.widths):
            layers.append(ResidualBlock(entering, maps, stride=2))
            layers += [ResidualBlock(maps, maps, stride=1) for _ in range(self.blocks - 1)]
        layers += [GlobalAveragePool(), nn.Dropout(self.dropout), nn.Linear(last, n_classes)]
        return nn.Sequential(*layers)


class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions whose result is added to what entered; a stride of 2 halves sides."""

    def __init__(self, entering: int, maps: int, stride: int) -> None:
        """Build the block.

        Args:
            entering: Maps that enter it.
            maps: Maps that leave it.
            stride: 1, or 2 to halve the sides.
        """
        super().__init__()
        self.residual = nn.Sequential(
            *convolution(entering, maps, stride=stride), nn.ReLU(), *convolution(maps, maps)
        )
        # A block that starts as the identity trains more steadily (Goyal et al. 2017, §5.1).
        nn.init.zeros_(cast(nn.BatchNorm2d, self.residual[-1]).weight)
        # Where shapes change, the shortcut changes them too.
        self.shortcut = nn.Sequential()
        if entering != maps or stride > 1:
            self.shortcut.extend(convolution(entering, maps, 1, stride))

    def forward(self, maps: Tensor) -> Tensor:
        """Add what both convolutions make of the maps to the maps that entered, and rectify."""
        return torch.relu(cast(Tensor, self.shortcut(maps) + self.residual(maps)))
