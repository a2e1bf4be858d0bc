"""What an encoder is: a frozen network, how images become what it reads, what is kept of it.

An image's intensities become 0 to 1, its region may be cut out, it is resized, and each channel is
standardised by the constants that the network was trained with, never by the image's own. A volume
becomes several pictures: slices through its region, or three planes through the region's centre;
its numbers are the mean and the maximum over them.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.arrays import Singles
from skiagram.errors import refusal
from skiagram.images import Image, Region, Spacing, ends_of, is_volume
from skiagram.preparation import LEARNED
from skiagram.strict import STRICT, AboveZero, FromZero, OneOrMore

if TYPE_CHECKING:
    from torch import Tensor, nn

COLUMN = "encoding"  # first word of the columns' names
RECORD = "encoder.json"
TABLE = "encoding.parquet"
WEIGHTS = "encoder.weights"  # option
SMALL = 50 * 2**20  # bytes of weights that go into each model's folder
Interpolation = Literal["bilinear", "bicubic", "nearest"]
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # Recommendation ITU-R BT.709-6
_BYTES = (0.0, 255.0)
_FAINT = (0.5, 99.5)  # percentiles
_ACROSS = ((1, 2), (0, 2), (0, 1))  # axes of the plane that stands on each axis of a volume


@dataclass(**STRICT)
class _Limits:
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError("`low` must be less than `high`")
        return self


@dataclass(**STRICT)
class Window(_Limits):
    """Intensities that become 0 and 1; others are cut off.

    Attributes:
        low: Becomes 0, in the unit of the images.
        high: Becomes 1.
    """

    def limits(self, image: Image) -> tuple[float, float]:
        return self.low, self.high


@dataclass(**STRICT)
class Percentiles(_Limits):
    """Percentiles of each image's own intensities that become 0 and 1.

    Attributes:
        low: Percentile that becomes 0.
        high: Percentile that becomes 1.
        body: Whether they are of `all` pixels or of what is `not_darkest`: of the body part, where
            a masked background has one value.
    """

    low: Annotated[float, Field(ge=0, lt=100)]
    high: Annotated[float, Field(gt=0, le=100)]
    body: Literal["all", "not_darkest"] = Field(default="all", kw_only=True)

    def limits(self, image: Image) -> tuple[float, float]:
        """Find the intensities at both percentiles of an image's finite values.

        Args:
            image: Of any shape, with a finite value.
        """
        finite = np.isfinite(image)
        values = image if finite.all() else image[finite]
        if self.body == "not_darkest" and values.min() < values.max():
            values = values[values > values.min()]
        low, high = np.percentile(values, [self.low, self.high])
        return float(low), float(high)


@dataclass(**STRICT)
class Intensity:
    """How intensities become 0 to 1; both null: bytes by their range, others by percentiles.

    Bytes that a restoration normalised are no bytes any more.

    Attributes:
        window: The same two intensities for all images, such as a CT window.
        percentiles: Two percentiles of each image.
    """

    window: Window | None
    percentiles: Percentiles | None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.window and self.percentiles:
            raise ValueError(
                "`window` and `percentiles` exclude one another: set one of them to null"
            )
        return self

    def resolved(self, *, in_bytes: bool) -> "Intensity":
        """Settle a way where both are null: bytes by their range, others by percentiles.

        Args:
            in_bytes: Whether images are as bytes were stored.
        """
        if self.window or self.percentiles:
            return self
        if in_bytes:
            return Intensity(window=Window(low=_BYTES[0], high=_BYTES[1]), percentiles=None)
        return Intensity(window=None, percentiles=Percentiles(low=_FAINT[0], high=_FAINT[1]))

    def scale(self, image: Image) -> Singles:
        """Bring intensities to 0 to 1; a constant image of which nothing is known becomes 0.

        Args:
            image: Of any shape; missing values stay so.

        Returns:
            float32 in [0, 1] of the same shape.

        Raises:
            ValueError: No way was settled.
        """
        # The window that the option names, or percentiles of the image.
        way = self.window or self.percentiles
        if way is None:
            raise ValueError("a resolved way is needed")
        low, high = way.limits(image)
        if low == high:
            return np.where(np.isnan(image), image, 0).astype(np.float32)
        scaled = (image.astype(np.float32) - np.float32(low)) / np.float32(high - low)
        between: Singles = np.clip(scaled, 0, 1)
        return between


@dataclass(**STRICT)
class Preprocessing:
    """How an image becomes what the network reads; null takes what the network's weights ask for.

    Attributes:
        mean: Of each channel over the images that the network was trained on, of 0 to 1.
        std: Standard deviation of each channel, likewise.
        intensity: How intensities become 0 to 1.
        size: Side of the square that the network reads, pixels.
        interpolation: How an image is resized; reduced ones are smoothed first.
        fit: `pad` keeps the proportions and fills up with black, `stretch` does not keep them,
            `crop` keeps them and cuts the longer side.
        margin: Where images have a region of interest: the square around it is cut out, wider by
            this share of its side on each side; null takes the whole image.
    """

    mean: tuple[float, ...] | None
    std: tuple[AboveZero, ...] | None
    intensity: Intensity
    size: Annotated[int, Field(ge=8)] | None
    interpolation: Interpolation | None
    fit: Literal["pad", "stretch", "crop"]
    margin: FromZero | None


@dataclass(**STRICT)
class Volumes:
    """Which pictures of a volume the network sees.

    Attributes:
        pictures: `slices` through the region at equal distances, or three `planes` through its
            centre.
        slices: How many slices at most.
    """

    pictures: Literal["slices", "planes"]
    slices: OneOrMore


@plain_dataclass(frozen=True)
class LoadedNetwork:
    """A frozen network, ready to use.

    Attributes:
        network: Maps (n, channels, side, side) to (n, numbers), float32.
        channels: That it reads, 1 or 3.
        numbers: How many numbers describe a picture.
        sha256: SHA-256 checksum of the file of its weights.
        preprocessing: The chosen one without nulls but for `margin`.
        parts: Name and length of each run of these numbers; empty where they are one.
    """

    network: "nn.Module | Callable[[Tensor], Tensor]"
    channels: int
    numbers: int
    sha256: str
    preprocessing: Preprocessing
    parts: tuple[tuple[str, int], ...] = ()


@plain_dataclass(frozen=True)
class EncoderRecord:
    """What encoded the images, for the report and for new images.

    Attributes:
        encoder: `_target_` and options, with the preprocessing that was used.
        sha256: SHA-256 checksum of the file of weights.
        numbers: Numbers that describe a picture.
    """

    encoder: dict[str, Any]
    sha256: str
    numbers: int
    columns: int

    @property
    def title(self) -> str:
        return str(self.encoder["title"])


def carry_encoder(encoding: Path, model: Path) -> None:
    """Copy into a model's folder what encodes new images as the encoding was made.

    Args:
        encoding: Folder of the encoding.
        model: Folder of the model; large weights are found anew by the record's options.
    """
    shutil.copyfile(encoding / RECORD, model / RECORD)
    if (encoding / LEARNED).exists():
        shutil.copytree(encoding / LEARNED, model / LEARNED, dirs_exist_ok=True)


def pictures(
    image: Image,
    region: Region | None,
    spacing: Spacing | None,
    volumes: Volumes,
    margin: float | None,
) -> list[tuple[Image, float]]:
    """List the pictures of an image or a volume, through its region where there is one.

    Where a plane through a region's centre meets no part of it, the one with most of it is taken.

    Args:
        image: (height, width[, channels]) or (depth, height, width, 1).
        region: Its region of interest.
        spacing: Distance of [slices,] rows and columns, mm.
        volumes: Which planes of a volume.
        margin: Share of the region's side that is added on each side; None cuts nothing.

    Returns:
        Pictures (height, width[, channels]), each with the height of a pixel over its width.
    """
    # The extent of the region, or the whole.
    volume = is_volume(image)
    extent = [(0, side) for side in image.shape[: 2 + volume]]
    if region is not None:
        extent = [*ends_of(region.inside)]
    cut = None if region is None else margin
    # An image is one picture.
    if not volume:
        return [(image[_square(extent, image.shape, cut)], pixel_ratio(spacing))]
    voxels = image[..., 0]
    # Of a volume: slices spread over the extent, or a plane along each axis.
    start, stop = extent[0]
    if volumes.pictures == "slices":
        count = min(volumes.slices, stop - start)
        at = np.floor(start + (np.arange(count) + 0.5) * (stop - start) / count).astype(int)
        positions = [(0, int(place)) for place in at]
    else:
        positions = [(axis, (start + stop) // 2) for axis, (start, stop) in enumerate(extent)]
        # Planes that miss the region are moved to where most of it is.
        if region is not None:
            for axis, place in positions:
                pixels = np.count_nonzero(region.inside, axis=_ACROSS[axis])
                positions[axis] = axis, place if pixels[place] else int(pixels.argmax())
    # Each plane with the ratio of its pixels' sides.
    views = []
    for axis, place in positions:
        plane = np.take(voxels, place, axis=axis)
        rows, columns = _ACROSS[axis]
        box = _square([extent[rows], extent[columns]], plane.shape, cut)
        views.append((plane[box], pixel_ratio(spacing, rows, columns)))
    return views


def pixel_ratio(spacing: Spacing | None, rows: int = 0, columns: int = 1) -> float:
    """Compute the height of a pixel over its width; 1 where it is unknown.

    Args:
        spacing: Of all axes, mm.
        rows: Axis of the rows.
        columns: Axis of the columns.
    """
    if spacing is None or not np.isfinite(spacing).all():
        return 1.0
    return float(spacing[rows] / spacing[columns])


def _square(
    extent: Sequence[tuple[int, int]], shape: Sequence[int], margin: float | None
) -> tuple[slice, slice]:
    """Find the square around a region, shifted into the image, smaller where it is too large.

    No margin stands for no region.
    """
    # Without a margin nothing is cut.
    if margin is None:
        return slice(None), slice(None)
    # The longest side with its margin, within the image on each axis.
    side = max(stop - start for start, stop in extent)
    side = int(np.ceil(side * (1 + 2 * margin)))
    cuts = []
    for (start, stop), whole in zip(extent, shape[:2], strict=True):
        length = min(side, whole)
        first = min(max((start + stop - length) // 2, 0), whole - length)
        cuts.append(slice(first, first + length))
    return cuts[0], cuts[1]


@plain_dataclass(frozen=True)
class Placement:
    """Where a picture lies in the square that a network reads; what is beyond the square is cut.

    Attributes:
        height: Of the resized picture, pixels.
        width: Of the resized picture, pixels.
        top: Row of the square at which it begins; negative where it is cut.
        left: Column of the square.
    """

    height: int
    width: int
    top: int
    left: int

    @classmethod
    def of(cls, shape: Sequence[int], ratio: float, how: Preprocessing) -> Self:
        """Place a picture of some rows and columns, whose pixels are `ratio` times as high."""
        size = how.size or 0
        height, width = shape[0] * ratio, float(shape[1])
        whole = {"pad": max(height, width), "crop": min(height, width), "stretch": 0.0}[how.fit]
        rows, columns = size, size
        if how.fit != "stretch":
            rows = max(1, round(size * height / whole))
            columns = max(1, round(size * width / whole))
        return cls(rows, columns, (size - rows) // 2, (size - columns) // 2)


def read_picture(
    picture: Image, ratio: float, channels: int, preprocessing: Preprocessing
) -> "Tensor":
    """Return (channels, size, size) float32: what the network reads of a picture of 0 to 1.

    A grey picture is repeated, a coloured one reduced to its luminance where one channel is read.
    """
    import torch

    # A single channel as often as the network reads, each standardised.
    read = square(picture, ratio, preprocessing, grey=channels == 1)
    mean, std = (
        torch.tensor(values).view(-1, 1, 1)
        for values in (preprocessing.mean or (), preprocessing.std or ())
    )
    return (read.expand(channels, *read.shape[1:]) - mean) / std


def square(picture: Image, ratio: float, preprocessing: Preprocessing, *, grey: bool) -> "Tensor":
    """Return (1 or 3, size, size) float32 of 0 to 1: a picture in the square of a network."""
    import torch
    from torch.nn.functional import pad

    from skiagram.training.network_input import resize

    # Channels first; colours become grey where the network reads one channel.
    how = preprocessing
    planes = np.moveaxis(picture, -1, 0) if picture.ndim == 3 else picture[None]
    if len(planes) not in (1, 3):
        raise refusal("encoders.other_channels", number=len(planes))
    if len(planes) == 3 and grey:
        planes = np.tensordot(_LUMINANCE, planes, axes=1)[None]
    # Resized as the network's preprocessing says, then padded or cut to its square.
    size = how.size or 0
    tensor = torch.from_numpy(np.ascontiguousarray(planes, np.float32))[None]
    at = Placement.of(planes.shape[1:], ratio, how)
    if tuple(tensor.shape[2:]) != (at.height, at.width):
        kind = how.interpolation or "bilinear"
        tensor = resize(tensor, (at.height, at.width), kind).clamp(0, 1)
    if (at.height, at.width) != (size, size):
        # a negative length of padding cuts
        right, bottom = size - at.width - at.left, size - at.height - at.top
        tensor = pad(tensor, (at.left, right, at.top, bottom))
    return tensor[0]
