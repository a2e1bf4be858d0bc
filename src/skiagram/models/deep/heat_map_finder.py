"""A fully convolutional network that answers every place of an image: a heat map of lesions.

Stages that halve the sides, and back up to a quarter of the sides by adding each stage to the one
below, enlarged (a small U-Net: Ronneberger et al. 2015, MICCAI; sums as in Lin et al. 2017, CVPR).
Cells at a lesion's centre are taught to say yes, those outside every lesion no, those between
nothing. The loss is the focal one (Lin et al. 2017, ICCV), as nearly all cells show no lesion. The
way down is drawn at random, or a network of timm that others trained.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self, cast

import numpy as np
import torch
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn.functional import interpolate

from skiagram.errors import refusal
from skiagram.models.deep.backbone import OnBackbone
from skiagram.models.deep.finder import STRIDE, FindingNetwork
from skiagram.models.deep.layers import convolution
from skiagram.models.deep.transfer import Transfer, TransferNetworkOnMaps
from skiagram.strict import STRICT, OneOrMore

_PRIOR = 0.05  # probability of a lesion that an untrained network gives every cell


@dataclass(**STRICT)
class HeatMapFinder(FindingNetwork):
    """Options of a heat map that learns from random weights.

    Attributes:
        widths: Maps of each stage; every stage halves the sides.
    """

    widths: Annotated[tuple[OneOrMore, ...], Field(min_length=3)]

    title: ClassVar[str] = "Heat map"

    @property
    def coarsest(self) -> int:
        """Count the pixels of a cell after all halvings."""
        return int(2 ** len(self.widths))

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the heat map for images or volumes, with two logits a cell."""
        axes: Literal[2, 3] = 2 if len(shape) == 3 else 3
        return HeatMap(shape[0], self.widths, self.dropout, axes)


@dataclass(**STRICT)
class PretrainedHeatMapFinder(OnBackbone, FindingNetwork):
    """Options of a heat map whose way down is a network of timm that others trained.

    `backbone` is a `Transfer` of timm's; its `depths` are the stages whose maps are added up, the
    first one a quarter of the sides.
    """

    title: ClassVar[str] = "Pretrained heat map"
    coarsest: ClassVar[int] = 32  # what networks of timm halve five times

    @model_validator(mode="after")
    def _backbone_has_depths(self) -> Self:
        """Refuse a backbone whose stages are not known by their depths."""
        network = self.network()
        if not isinstance(network, Transfer) or network.library != "timm" or not network.depths:
            raise refusal("models.shallow_backbone")
        return self

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the way up on the stages of the pretrained network.

        Raises:
            ModelFailure: Volumes are given.
            OptionError: The first depth is not a quarter of the sides, or the last one too coarse.
        """
        if len(shape) > 3:
            raise refusal("models.maps_of_volumes", self.title)

        transfer = cast(Transfer, self.network())

        # The way up ends at the finest map, whose stride the marks rest on.
        def way_up(base: nn.Module, _numbers: int) -> nn.Module:
            stages = [cast(Any, base).feature_info[depth] for depth in transfer.depths or ()]
            widths, strides = (
                tuple(int(stage[key]) for stage in stages) for key in ("num_chs", "reduction")
            )
            if strides[0] != STRIDE or len(strides) < 2 or max(strides) > self.coarsest:
                raise refusal(
                    "models.coarse_maps",
                    strides=strides,
                    finest=STRIDE,
                    coarsest=self.coarsest,
                )
            return WayUp(widths, self.dropout, axes=2)

        return transfer.build_under(shape, way_up, TransferNetworkOnMaps)


class WayUp(nn.Module):
    """Adds maps of a network to those below, enlarged, and says of each cell no or a lesion.

    Args:
        widths: Maps of each stage, from the finest on.
    """

    def __init__(self, widths: tuple[int, ...], dropout: float, axes: Literal[2, 3]) -> None:
        # From the coarsest map up, each is joined with the next finer one.
        super().__init__()
        up, narrow = [], []
        for maps, below in pairwise(widths[::-1]):
            narrow.append(nn.Sequential(*convolution(maps, below, 1, axes=axes)))
            up.append(nn.Sequential(*convolution(below, below, axes=axes), nn.ReLU()))
        self.up, self.narrow = map(nn.ModuleList, (up, narrow))
        # A last layer that begins with few lesions: the loss of so many cells would be large else.
        kind = nn.Conv2d if axes == 2 else nn.Conv3d
        self.last = kind(widths[0], 2, 1)
        odds = float(np.log(_PRIOR / (1 - _PRIOR)))
        with torch.no_grad():
            cast(Tensor, self.last.bias).copy_(torch.tensor([-odds / 2, odds / 2]))
        self.dropout = (nn.Dropout2d if axes == 2 else nn.Dropout3d)(dropout)
        self.mode = "bilinear" if axes == 2 else "trilinear"

    def forward(self, stages: Sequence[Tensor]) -> Tensor:
        """Score every cell.

        Args:
            stages: (n, maps, *sides) of each, from the finest on.

        Returns:
            (n, 2, *sides of the finest) logits of no lesion and a lesion.
        """
        *finer, maps = stages
        for narrow, up in zip(self.narrow, self.up, strict=True):
            below = finer.pop()
            maps = up(below + interpolate(narrow(maps), size=below.shape[2:], mode=self.mode))
        return cast(Tensor, self.last(self.dropout(maps)))


class HeatMap(WayUp):
    """Turns (n, channels, *sides) into logits of no lesion and a lesion, a cell for 4 pixels."""

    def __init__(
        self, channels: int, widths: tuple[int, ...], dropout: float, axes: Literal[2, 3]
    ) -> None:
        """Build a stem that halves the sides, stages that do so again, and the way up.

        Args:
            channels: Of the images.
            widths: Maps of the stem and of each stage.
            dropout: Share of the last maps that is dropped while training.
            axes: 2 for images, 3 for volumes.
        """
        stem = nn.Sequential(*convolution(channels, widths[0], 5, 2, axes), nn.ReLU())
        down = []
        for entering, maps in pairwise(widths):
            first = [*convolution(entering, maps, stride=2, axes=axes), nn.ReLU()]
            down.append(nn.Sequential(*first, *convolution(maps, maps, axes=axes), nn.ReLU()))
        # The stem's maps are half the sides, finer than any cell that is marked.
        super().__init__(widths[1:], dropout, axes)
        self.stem, self.down = stem, nn.ModuleList(down)

    def forward(self, images: Tensor) -> Tensor:  # type: ignore[override]
        """Score (n, channels, *sides): logits of each cell, a quarter of the sides."""
        maps, stages = self.stem(images), []
        for stage in self.down:
            maps = stage(maps)
            stages.append(maps)
        return super().forward(stages)
