"""A fully convolutional network that answers every place of an image: a heat map of lesions.

Stages that halve the sides, and back up to a quarter of the sides by adding each stage to the one
below, enlarged (a small U-Net: Ronneberger et al. 2015, MICCAI; sums as in Lin et al. 2017, CVPR).
Cells at a lesion's centre are taught to say yes, those outside every lesion no, those between
nothing. The loss is the focal one (Lin et al. 2017, ICCV), as nearly all cells show no lesion. The
way down is drawn at random, or a network of timm that others trained.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, Self, cast

import numpy as np
import torch
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn.functional import (
    avg_pool2d,
    avg_pool3d,
    interpolate,
    logsigmoid,
    max_pool2d,
    max_pool3d,
    pad,
)

from skiagram.arrays import Floats
from skiagram.errors import ModelFailure, OptionError, refusal
from skiagram.finding.inputs import FindingInputs
from skiagram.models.deep.backbone import OnBackbone
from skiagram.models.deep.finder import CropTraining, FindingNetwork
from skiagram.models.deep.layers import convolution
from skiagram.models.deep.searched_images import Lesions, Places, SearchedImage, SearchedImages
from skiagram.models.deep.transfer import Transfer
from skiagram.strict import STRICT
from skiagram.training.module import ClassifierTraining

STRIDE = 4  # pixels of an image for one cell of its heat map
_PRIOR = 0.05  # probability of a lesion that an untrained network gives every cell


@dataclass(**STRICT)
class AnyHeatMap(FindingNetwork):
    """Options of every heat map.

    Attributes:
        dropout: Share of the last maps that is dropped while training.
        centre: Largest radius of a lesion's centre, whose cells are taught to say yes.
        focus: Exponent of the focal loss; 0 is cross-entropy.
    """

    dropout: Annotated[float, Field(ge=0, lt=1)]
    centre: Annotated[float, Field(gt=0)]
    focus: Annotated[float, Field(ge=0)]

    finds_in: ClassVar[Literal["candidates", "images"]] = "images"
    masks: ClassVar[int] = 2

    @property
    @abstractmethod
    def coarsest(self) -> int:
        """Count how many pixels a cell of the coarsest maps stands for."""

    def training_module(self) -> Callable[..., ClassifierTraining]:
        return partial(HeatMapTraining, finder=self)

    def disc_radii(self, radius: float) -> tuple[float, ...]:
        centre = max(min(radius, self.centre / self.pixel), STRIDE)
        return centre, max(radius, centre)

    def places(self, cases: FindingInputs, images: SearchedImages, lesions: Lesions) -> Places:
        """List lesions' centres, and a grid over the body part at half a crop's side."""
        parts = []
        # Places with a lesion.
        for case in cases.case_id.tolist():
            lesion_rows = lesions.rows(case)
            parts.append((case, lesions.centre[lesion_rows], lesion_rows))
            # A grid at half a crop's side covers what lies between.
            inside = images[case].inside
            steps = [max(1, side // 2) for side in self.sides(inside.ndim)]
            axes = [
                np.arange((length - 1) % step // 2, length, step)
                for length, step in zip(inside.shape, steps, strict=True)
            ]
            grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
            grid = grid[inside[tuple(grid.T)]].astype(np.float64)
            parts.append((case, grid, np.full(len(grid), -1)))
        return Places.stack(parts)

    def hardness(self, logits: Tensor, crops: Tensor) -> Tensor:
        odds = (logits[:, 1] - logits[:, 0]).float()
        outside = _cells(crops[:, -1:], whole=True)[:, 0] == 0
        return (odds.sigmoid() * outside).flatten(1).amax(dim=1)

    def marks(
        self, score: Callable[[Tensor], Tensor], image: SearchedImage, candidates: Floats
    ) -> tuple[Floats, Floats]:
        """Find the cells of the body part that no neighbour exceeds.

        The place is the mean of a cell and its neighbours, weighted by their probabilities.
        """
        # Sides must be multiples of the coarsest map; the rest is as dark as the darkest pixel.
        around = [(0, -side % self.coarsest) for side in image.pixels.shape[:0:-1]]
        beyond = float(image.pixels.min())
        padded = pad(image.pixels[None], [size for pair in around for size in pair], value=beyond)
        # Peaks are cells that no neighbour exceeds.
        odds = score(padded)
        pool = max_pool2d if odds.ndim == 3 else max_pool3d
        peaks = np.argwhere((pool(odds, 3, 1, 1) == odds)[0].numpy())
        # Centres of mass of peaks with the cells around them.
        probability = odds[0].sigmoid().numpy()
        axes = probability.ndim
        steps = np.meshgrid(*[[-1, 0, 1]] * axes, indexing="ij")
        neighbours = np.stack(steps, axis=-1).reshape(-1, axes)
        at = peaks[:, None] + 1 + neighbours
        mass = np.pad(probability, 1)[tuple(np.moveaxis(at, -1, 0))][..., None].astype(np.float64)
        weight = np.maximum(mass.sum(axis=1), np.finfo(np.float64).tiny)  # 0 where all are 0
        centres: Floats = peaks + (neighbours * mass).sum(axis=1) / weight
        # From cells back to pixels; those off the body part are no marks.
        places = (centres + 0.5) * STRIDE - 0.5
        nearest = np.round(places).astype(np.int64)
        nearest = np.minimum(nearest, np.array(image.inside.shape) - 1)
        held = image.inside[tuple(nearest.T)]
        return places[held], odds[0].double().numpy()[tuple(peaks[held].T)]


@dataclass(**STRICT)
class HeatMapFinder(AnyHeatMap):
    """Options of a heat map that learns from random weights.

    Attributes:
        widths: Maps of each stage; every stage halves the sides.
    """

    widths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=3)]

    title: ClassVar[str] = "Heat map"

    @property
    def coarsest(self) -> int:
        return int(2 ** len(self.widths))

    def build(self, channels: int, height: int, width: int, n_classes: int) -> nn.Module:
        return HeatMap(channels, self.widths, self.dropout, axes=2)

    def build_for_volumes(
        self, channels: int, depth: int, height: int, width: int, n_classes: int
    ) -> nn.Module:
        return HeatMap(channels, self.widths, self.dropout, axes=3)


@dataclass(**STRICT)
class PretrainedHeatMapFinder(OnBackbone, AnyHeatMap):
    """Options of a heat map whose way down is a network of timm that others trained.

    `backbone` is a `Transfer` of timm's; its `depths` are the stages whose maps are added up, the
    first one a quarter of the sides.
    """

    title: ClassVar[str] = "Pretrained heat map"
    coarsest: ClassVar[int] = 32  # what networks of timm halve five times

    @model_validator(mode="after")
    def _backbone_has_depths(self) -> Self:
        network = self.network()
        if not isinstance(network, Transfer) or network.library != "timm" or not network.depths:
            raise refusal("models.shallow_backbone", kind=OptionError)
        return self

    def build(self, channels: int, height: int, width: int, n_classes: int) -> nn.Module:
        # The way up ends at the finest map, whose stride the marks rest on.
        def way_up(widths: tuple[int, ...], strides: tuple[int, ...]) -> nn.Module:
            if strides[0] != STRIDE or len(strides) < 2 or max(strides) > self.coarsest:
                raise refusal(
                    "models.coarse_maps",
                    kind=OptionError,
                    strides=", ".join(map(str, strides)),
                    finest=STRIDE,
                    coarsest=self.coarsest,
                )
            return WayUp(widths, self.dropout, axes=2)

        transfer = cast(Transfer, self.network())
        return transfer.build_on_maps(channels, height, width, way_up)

    def build_for_volumes(
        self, channels: int, depth: int, height: int, width: int, n_classes: int
    ) -> nn.Module:
        raise refusal("models.maps_of_volumes", self.title, kind=ModelFailure)


def _cells(mask: Tensor, *, whole: bool = False) -> Tensor:
    """Return 1 for cells that a mask covers by half; of the `whole`, for those that it touches."""
    if whole:
        return (max_pool2d if mask.ndim == 4 else max_pool3d)(mask, STRIDE)
    return ((avg_pool2d if mask.ndim == 4 else avg_pool3d)(mask, STRIDE) >= 0.5).to(mask.dtype)


class HeatMapTraining(CropTraining):
    """Trains a heat map by the focal loss on cells in and outside lesions."""

    def loss(self, images: Tensor, table: Tensor, label: Tensor, batch_idx: int) -> Tensor:
        """Compute the focal loss of all cells for each cell at a lesion's centre."""
        # Confident cells count less, so that the few at lesions are not lost among the others.
        focus = cast(AnyHeatMap, self.finder).focus
        logits = self(images[:, :-2], table).float()
        odds = logits[:, 1] - logits[:, 0]
        # The first mask holds centres, the second all cells that may be a lesion's.
        centre = _cells(images[:, -2:-1])[:, 0]
        outside = 1 - _cells(images[:, -1:], whole=True)[:, 0]
        yes = (1 - odds.sigmoid()).pow(focus) * logsigmoid(odds) * centre
        no = odds.sigmoid().pow(focus) * logsigmoid(-odds) * outside
        total: Tensor = -(yes + no).sum()
        return total / centre.sum().clamp(min=1)


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
        stem = nn.Sequential(*convolution(channels, widths[0], 5, 2, axes), nn.ReLU())
        down = []
        for entering, maps in pairwise(widths):
            first = [*convolution(entering, maps, stride=2, axes=axes), nn.ReLU()]
            down.append(nn.Sequential(*first, *convolution(maps, maps, axes=axes), nn.ReLU()))
        super().__init__(widths[1:], dropout, axes)
        self.stem, self.down = stem, nn.ModuleList(down)

    def forward(self, images: Tensor) -> Tensor:  # type: ignore[override]
        maps, stages = self.stem(images), []
        for stage in self.down:
            maps = stage(maps)
            stages.append(maps)
        return super().forward(stages)
