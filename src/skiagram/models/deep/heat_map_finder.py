"""A fully convolutional network that answers every place of an image: a heat map of lesions.

Stages that halve the sides, and back up to a quarter of the sides by adding each stage to the one
below, enlarged (a small U-Net: Ronneberger et al. 2015, MICCAI; sums as in Lin et al. 2017, CVPR).
Cells at a lesion's centre are taught to say yes, those outside every lesion no, those between
nothing. The loss is the focal one (Lin et al. 2017, ICCV), as nearly all cells show no lesion.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
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

from skiagram.finding.inputs import FindingInputs
from skiagram.models.deep.finder import CropTraining, FindingNetwork
from skiagram.models.deep.layers import convolution
from skiagram.models.deep.searched_images import (
    Floats,
    Lesions,
    Places,
    SearchedImage,
    SearchedImages,
)
from skiagram.options import STRICT
from skiagram.training.module import ClassifierTraining

STRIDE = 4  # pixels of an image for one cell of its heat map
_PRIOR = 0.05  # probability of a lesion that an untrained network gives every cell


@dataclass(**STRICT)
class HeatMapFinder(FindingNetwork):
    """Options of the heat map.

    Attributes:
        widths: Maps of each stage; every stage halves the sides.
        dropout: Share of the last maps that is dropped while training.
        centre: Largest radius of a lesion's centre, whose cells are taught to say yes.
        focus: Exponent of the focal loss; 0 is cross-entropy.
    """

    widths: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=3)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    centre: Annotated[float, Field(gt=0)]
    focus: Annotated[float, Field(ge=0)]

    finds_in: ClassVar[Literal["candidates", "images"]] = "images"
    title: ClassVar[str] = "Heat map"
    masks: ClassVar[int] = 2

    def build(self, channels: int, height: int, width: int, n_classes: int) -> nn.Module:
        return HeatMap(channels, self.widths, self.dropout, axes=2)

    def build_for_volumes(
        self, channels: int, depth: int, height: int, width: int, n_classes: int
    ) -> nn.Module:
        return HeatMap(channels, self.widths, self.dropout, axes=3)

    def training_module(self) -> Callable[..., ClassifierTraining]:
        return partial(HeatMapTraining, finder=self)

    def disc_radii(self, radius: float) -> tuple[float, ...]:
        centre = max(min(radius, self.centre / self.pixel), STRIDE)
        return centre, max(radius, centre)

    def places(self, cases: FindingInputs, images: SearchedImages, lesions: Lesions) -> Places:
        """Return lesions' centres, and a grid over the body part at half a crop's side."""
        parts = []
        for case in cases.case_id.tolist():
            lesion_rows = lesions.rows(case)
            parts.append((case, lesions.centre[lesion_rows], lesion_rows))
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
        """Return the cells of the body part that no neighbour exceeds.

        The place is the mean of a cell and its neighbours, weighted by their probabilities.
        """
        whole = 2 ** len(self.widths)
        around = [(0, -side % whole) for side in image.pixels.shape[:0:-1]]
        beyond = float(image.pixels.min())
        padded = pad(image.pixels[None], [size for pair in around for size in pair], value=beyond)
        odds = score(padded)
        pool = max_pool2d if odds.ndim == 3 else max_pool3d
        peaks = np.argwhere((pool(odds, 3, 1, 1) == odds)[0].numpy())
        places = (_between_cells(odds[0].sigmoid().numpy(), peaks) + 0.5) * STRIDE - 0.5
        nearest = np.round(places).astype(np.int64)
        nearest = np.minimum(nearest, np.array(image.inside.shape) - 1)
        held = image.inside[tuple(nearest.T)]
        return places[held], odds[0].double().numpy()[tuple(peaks[held].T)]


def _between_cells(probability: NDArray[np.float32], peaks: NDArray[np.int64]) -> Floats:
    """Return (n, axes) the centres of mass of peaks with the cells around them."""
    axes = probability.ndim
    around = np.stack(np.meshgrid(*[[-1, 0, 1]] * axes, indexing="ij"), axis=-1).reshape(-1, axes)
    at = peaks[:, None] + 1 + around
    mass = np.pad(probability, 1)[tuple(np.moveaxis(at, -1, 0))][..., None].astype(np.float64)
    centres: Floats = peaks + (around * mass).sum(axis=1) / mass.sum(axis=1)
    return centres


def _cells(mask: Tensor, *, whole: bool = False) -> Tensor:
    """Return 1 for cells that a mask covers by half; of the `whole`, for those that it touches."""
    if whole:
        return (max_pool2d if mask.ndim == 4 else max_pool3d)(mask, STRIDE)
    return ((avg_pool2d if mask.ndim == 4 else avg_pool3d)(mask, STRIDE) >= 0.5).to(mask.dtype)


class HeatMapTraining(CropTraining):
    """Trains a heat map by the focal loss on cells in and outside lesions."""

    def loss(self, images: Tensor, table: Tensor, label: Tensor, batch_idx: int) -> Tensor:
        """Return the focal loss of all cells for each cell at a lesion's centre."""
        focus = cast(HeatMapFinder, self.finder).focus
        logits = self(images[:, :-2], table).float()
        odds = logits[:, 1] - logits[:, 0]
        centre = _cells(images[:, -2:-1])[:, 0]
        outside = 1 - _cells(images[:, -1:], whole=True)[:, 0]
        yes = (1 - odds.sigmoid()).pow(focus) * logsigmoid(odds) * centre
        no = odds.sigmoid().pow(focus) * logsigmoid(-odds) * outside
        total: Tensor = -(yes + no).sum()
        return total / centre.sum().clamp(min=1)


class HeatMap(nn.Module):
    """Turns (n, channels, *sides) into logits of no lesion and a lesion, a cell for 4 pixels."""

    def __init__(
        self, channels: int, widths: tuple[int, ...], dropout: float, axes: Literal[2, 3]
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(*convolution(channels, widths[0], 5, 2, axes), nn.ReLU())
        down, up, narrow = [], [], []
        for entering, maps in pairwise(widths):
            first = [*convolution(entering, maps, stride=2, axes=axes), nn.ReLU()]
            down.append(nn.Sequential(*first, *convolution(maps, maps, axes=axes), nn.ReLU()))
        for maps, below in pairwise(widths[:0:-1]):
            narrow.append(nn.Sequential(*convolution(maps, below, 1, axes=axes)))
            up.append(nn.Sequential(*convolution(below, below, axes=axes), nn.ReLU()))
        self.down, self.up, self.narrow = map(nn.ModuleList, (down, up, narrow))
        kind = nn.Conv2d if axes == 2 else nn.Conv3d
        self.last = kind(widths[1], 2, 1)
        odds = float(np.log(_PRIOR / (1 - _PRIOR)))
        with torch.no_grad():
            cast(Tensor, self.last.bias).copy_(torch.tensor([-odds / 2, odds / 2]))
        self.dropout = (nn.Dropout2d if axes == 2 else nn.Dropout3d)(dropout)
        self.mode = "bilinear" if axes == 2 else "trilinear"

    def forward(self, images: Tensor) -> Tensor:
        maps, stages = self.stem(images), []
        for stage in self.down:
            maps = stage(maps)
            stages.append(maps)
        maps = stages.pop()
        for narrow, up in zip(self.narrow, self.up, strict=True):
            below = stages.pop()
            maps = up(below + interpolate(narrow(maps), size=below.shape[2:], mode=self.mode))
        return cast(Tensor, self.last(self.dropout(maps)))
