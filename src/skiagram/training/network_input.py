"""What a network sees of one image: the box around its region, in the size asked for, and its mask.

Pixels are cut from the mapped file before anything is computed, so work and memory grow with the
box and not with the image around it. The box is of whole pixels. Resampling is linear; where it
makes an image smaller, the mean is taken over what a new pixel covers. A new pixel is inside the
mask if half of it was, which is the rule of the IBSI's manual (section 2.4).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from skiagram.arrays import Flags
from skiagram.errors import refusal
from skiagram.images import Image, Region, Spacing, ends_of, is_volume
from skiagram.training.options import ImageSize, NetworkInput, RegionBox

_INSIDE = 0.5
_OF_IMAGES, _OF_VOLUMES = 2, 3  # sides


@dataclass(frozen=True)
class StoredImage:
    """One image of a store with what is known of it.

    Attributes:
        pixels: (height, width[, channels]) or (depth, height, width, 1).
        spacing: Distances of slices (volumes alone), rows and columns, mm; None where unknown.
        region: Its region of interest; None for none.
    """

    pixels: Image
    spacing: Spacing | None = None
    region: Region | None = None

    @property
    def sides(self) -> tuple[int, ...]:
        return self.pixels.shape[: _OF_VOLUMES if is_volume(self.pixels) else _OF_IMAGES]

    @property
    def channels(self) -> int:
        return 1 if self.pixels.ndim == _OF_IMAGES else self.pixels.shape[-1]

    @property
    def mask(self) -> Flags:
        """Take the region as it was drawn, bool of the shape of `sides`.

        Raises:
            DataError: The image has no region, and the network asks for one.
        """
        if self.region is None:
            raise refusal("training.no_region")
        return self.region.drawn


Box = tuple[tuple[int, int], ...]  # first pixel and the one after the last, along each axis


def seen_sides(image: StoredImage, size: ImageSize, part: NetworkInput) -> tuple[int, ...]:
    """Compute the sides of what a network sees of an image; no pixel is read.

    Args:
        image: The image.
        size: Sides that it is brought to; None keeps those of the box, or of the image.
        part: What of it is seen.

    Returns:
        ([depth,] height, width).
    """
    if size is not None:
        return _target(size, len(image.sides))
    if part.box is None:
        return image.sides
    return tuple(stop - start for start, stop in region_box(image, part.box))


def seen_part(
    image: StoredImage, size: ImageSize, part: NetworkInput, *, with_mask: bool
) -> Tensor:
    """Cut and resize what a network sees of an image.

    Args:
        image: The image with its spacing and region.
        size: Sides that it is brought to; None keeps those of the box, or of the image.
        part: What of it is seen, and how it comes to its size.
        with_mask: Whether the region is the last channel, 0 and 1.

    Returns:
        (channels, [depth,] height, width) float32.
    """
    # The box is cut out, then brought to the size asked for.
    box = None if part.box is None else region_box(image, part.box)
    pixels = image.pixels
    planes = pixels[None] if pixels.ndim == _OF_IMAGES else np.moveaxis(pixels, -1, 0)
    view = _sized(_cut(planes, box, "edge"), size, part)
    if not with_mask:
        return view
    # Beyond the image there is no region: the mask is continued by zeros.
    mask = _sized(_cut(image.mask[None], box, "constant"), size, part, outside=0.0)
    # A thin region is not lost between pixels.
    inside = (mask >= min(_INSIDE, float(mask.max()))) & (mask > 0)
    return torch.cat([view, inside.to(view.dtype)])


def region_box(image: StoredImage, box: RegionBox) -> Box:
    """Find the box of an image's region; it may reach beyond the image.

    Args:
        image: The image with its spacing and region.
        box: The margin, and whether all sides are equal.

    Returns:
        First pixel and the one after the last, along each axis.

    Raises:
        DataError: The margin is in mm and the spacing unknown, or there is no region.
    """
    # A margin in mm needs a spacing, one in voxels does not.
    mask = image.mask
    spacing = (1.0,) * mask.ndim if box.unit == "voxels" else image.spacing
    if spacing is None:
        raise refusal("training.no_spacing")
    # The margin, rounded up to whole pixels.
    around = [int(np.ceil(box.margin / distance - 1e-9)) for distance in spacing]
    ends = zip(ends_of(mask), around, strict=True)
    bounds = [(start - margin, stop + margin) for (start, stop), margin in ends]
    if not box.equal_sides:
        return tuple(bounds)
    # Equal sides in mm, around the region's middle.
    longest = max((stop - start) * mm for (start, stop), mm in zip(bounds, spacing, strict=True))
    equal = []
    for (start, stop), distance in zip(bounds, spacing, strict=True):
        more = max(0, round(longest / distance) - (stop - start))
        equal.append((start - more // 2, stop + more - more // 2))
    return tuple(equal)


def _target(size: int | tuple[int, ...], axes: int) -> tuple[int, ...]:
    """Say the sides asked for, of as many axes as an image has; others are refused."""
    if isinstance(size, int):
        return (size,) * axes
    if len(size) != axes:
        raise refusal(
            "training.sides_of_image",
            number=len(size),
            images="volumes" if axes == _OF_VOLUMES else "images",
        )
    return size


def _cut(planes: NDArray[np.generic], box: Box | None, beyond: str) -> Tensor:
    """Cut a part of (channels, *sides) as float32; beyond it lies its border, or zeros."""
    if box is not None:
        axes = [(*cut, side) for cut, side in zip(box, planes.shape[1:], strict=True)]
        outer = [(max(0, -start), max(0, end - side)) for start, end, side in axes]
        planes = planes[:, *(slice(max(0, start), min(side, end)) for start, end, side in axes)]
        if any(map(any, outer)):
            planes = np.pad(planes, [(0, 0), *outer], mode=beyond)  # type: ignore[call-overload]
    return torch.from_numpy(planes.astype(np.float32))


def _sized(
    pixels: Tensor, size: ImageSize, part: NetworkInput, outside: float | None = None
) -> Tensor:
    """Return (channels, *sides) in the size asked for; `outside` fills what `pad` adds."""
    # Nothing to do where the size is right.
    if size is None:
        return pixels
    target = _target(size, pixels.ndim - 1)
    if tuple(pixels.shape[1:]) == target:
        return pixels
    if part.sizing == "pad":
        # Pixels stay as they are, centred: what is too large is cut, the border is repeated.
        for axis, side in enumerate(target, start=1):
            more = side - pixels.shape[axis]
            if more < 0:
                pixels = pixels.narrow(axis, -more // 2, side)
                continue
            places = torch.arange(side) - more // 2
            inner = places.clamp(0, pixels.shape[axis] - 1)
            pixels = pixels.index_select(axis, inner)
            if outside is not None:
                pixels = pixels.clone()
                pixels.index_fill_(axis, torch.nonzero(places != inner)[:, 0], outside)
        return pixels.contiguous()
    # Else interpolate.
    if len(target) == _OF_VOLUMES:
        return resize_volume(pixels, target)
    return resize(pixels[None], target)[0]


def resize_volume(volume: Tensor, sides: tuple[int, ...]) -> Tensor:
    """Resize a volume: each slice in its plane, then the depth likewise.

    Args:
        volume: (channels, depth, height, width) float32.
        sides: (depth, height, width) that it is brought to.
    """
    depth, height, width = sides
    # PyTorch smooths what it makes smaller in two axes at a time, none in three.
    in_plane = resize(volume.transpose(0, 1), (height, width))  # (slices, channels, ...)
    through = resize(in_plane.permute(2, 1, 0, 3), (depth, width))
    return through.permute(1, 2, 0, 3).contiguous()


def resize(
    planes: Tensor,
    size: tuple[int, ...],
    method: Literal["bilinear", "bicubic", "nearest"] = "bilinear",
) -> Tensor:
    """Bring images to another size; what is made smaller is smoothed, but by `nearest`.

    Args:
        planes: (n, channels, height, width) float32.
        size: (height, width) that they are brought to.
        method: How values between pixels are found.
    """
    if method == "nearest":
        return interpolate(planes, size, mode=method)
    if size[1] == 1:  # PyTorch (2.15) resizes the rows of a single column wrongly
        turned = planes.transpose(2, 3).contiguous()
        return interpolate(turned, size[::-1], mode=method, antialias=True).transpose(2, 3)
    return interpolate(planes, size, mode=method, antialias=True)
