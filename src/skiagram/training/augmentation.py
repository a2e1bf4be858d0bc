"""Random views of training images and volumes, drawn from seed, epoch and case.

A view depends on nothing else, neither on the batch nor on what was drawn before, so a resumed
run sees the same views as one that was never stopped. An image or volume is seen through one affine
map. It is flipped and shifted by whole pixels: none is interpolated unless it is turned or scaled
as well, so a view is as sharp as what it is taken from. A network that was shown blurred views
takes the sharp images that it scores for another texture, so images are turned by cubic
interpolation. A mask goes through the same map as its image and stays 0 and 1.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from skiagram.errors import refusal
from skiagram.seeding import stream
from skiagram.training.options import Augmentation, VolumeAugmentation

_DRAWS = 12
_VOLUMES = 5  # axes of a batch of them
_INSIDE = 0.5  # share of a voxel from which it is inside a mask
_QUARTER, _CONTRAST, _BRIGHTNESS = 7, 10, 11  # columns of the draws; places come before


def draws(seed: int, epoch: int, case_ids: Sequence[str]) -> Tensor:
    """Draw the uniform numbers behind the views of some cases in one epoch.

    Each case has a stream of its own, so its view is the same in any batch, in any process and in a
    run that was resumed.

    Args:
        seed: Of the fit.
        epoch: Counted from 0.
        case_ids: n cases.

    Returns:
        (n, 12) float32 in [0, 1); `augment` says what each column moves.
    """
    rows = [stream(seed, "augmentation", epoch, case_id).random(_DRAWS) for case_id in case_ids]
    return torch.from_numpy(np.stack(rows).astype(np.float32))


def augment(
    images: Tensor,
    uniform: Tensor,
    options: Augmentation | VolumeAugmentation,
    masks: int = 0,
) -> Tensor:
    """Make one view of each image; what lies outside an image repeats its border.

    Args:
        images: (n, channels, height, width) float, or volumes of (n, channels, depth, height,
            width). Ranges for images turn all slices of a volume alike, each in its plane.
        uniform: (n, 12) in [0, 1). For images: flips, shifts, rotation, zoom and shear; for
            volumes: flips and shifts across, down and through the slices, then rotations about
            these axes and zoom. The last two: contrast and brightness.
        masks: Channels that hold 0 and 1, the last ones: they are moved along, no more.
    """
    # Places first: flips, turns, shifts and sizes; 16 bits are too few for where a pixel lies.
    with torch.autocast(images.device.type, enabled=False), _exact_products():
        if isinstance(options, VolumeAugmentation):
            moved = move_volumes(images, uniform, options)
        else:  # every slice of a volume is a channel of one image
            planes = images.flatten(1, -3)
            moved = move_images(planes, uniform, options).view_as(images)
    image_channels = moved[:, : moved.shape[1] - masks]
    # Then grey values, of channels that are no masks.
    if options.contrast or options.brightness:
        # Each channel is scaled around its mean and moved, all channels of an image alike.
        signed = (2 * uniform - 1).to(image_channels)
        axes = tuple(range(2, image_channels.ndim))
        by_image = (-1, *[1] * (image_channels.ndim - 1))
        contrast = (1 + options.contrast * signed[:, _CONTRAST]).view(by_image)
        brightness = (options.brightness * signed[:, _BRIGHTNESS]).view(by_image)
        mean = image_channels.mean(dim=axes, keepdim=True)
        deviation = image_channels.std(dim=axes, keepdim=True, correction=0)
        image_channels = mean + (image_channels - mean) * contrast + deviation * brightness
    # A mask stays one of zeros and ones.
    if not masks:
        return image_channels
    return torch.cat([image_channels, (moved[:, -masks:] >= _INSIDE).to(moved.dtype)], dim=1)


@contextmanager
def _exact_products() -> Iterator[None]:
    """Multiply matrices in all of their 32 bits, of which a GPU that trains in TF32 reads 19."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)


def move_images(images: Tensor, uniform: Tensor, options: Augmentation) -> Tensor:
    """Move each image through one affine map, interpolated once.

    Args:
        images: (n, channels, height, width) float; all channels of an image are moved alike.
        uniform: (n, 12) in [0, 1), as of `augment`.
        options: Ranges of flips, shifts, rotation, zoom and shear.

    Returns:
        Of the same shape; beyond an image its border is repeated.
    """
    # Flips and angles of each image.
    signed = 2 * uniform - 1
    horizontal = _sign(uniform[:, 0], options.horizontal_flip)
    vertical = _sign(uniform[:, 1], options.vertical_flip)
    degrees = signed[:, 4] * options.rotation
    if options.quarter_turn:
        degrees = degrees + 90.0 * (uniform[:, _QUARTER] < 0.5)
    angle = torch.deg2rad(degrees)
    scale = 1 + signed[:, 5] * options.zoom
    # Turning must not squeeze images that are not square.
    height, width = images.shape[2:]
    cosine, sine, aspect = scale * angle.cos(), scale * angle.sin(), height / width
    slant = options.shear * signed[:, 6] * aspect
    # Rows of the map from a view's coordinates in [-1, 1] to the image's.
    linear = (
        (cosine * horizontal, (cosine * slant - sine * aspect) * vertical),
        (sine / aspect * horizontal, (sine / aspect * slant + cosine) * vertical),
    )
    # Shifts by whole pixels blur nothing; the map takes [-1, 1].
    sides = torch.tensor([width, height], dtype=uniform.dtype, device=uniform.device)
    shifts = 2 * torch.round(options.shift * sides * signed[:, 2:4]) / sides
    rows = (torch.stack((*row, shifts[:, k]), dim=1) for k, row in enumerate(linear))
    maps = torch.stack(list(rows), dim=1)
    grid = affine_grid(maps.to(images.dtype), list(images.shape), align_corners=False)
    return grid_sample(images, grid, mode="bicubic", padding_mode="border", align_corners=False)


def _sign(uniform: Tensor, allowed: bool | None) -> Tensor:
    """Draw −1 or 1 of each (n,) number, for a flip; 1 of all where there are no flips."""
    return torch.where(uniform < 0.5, -1.0, 1.0) if allowed else torch.ones_like(uniform)


def move_volumes(volumes: Tensor, uniform: Tensor, options: VolumeAugmentation) -> Tensor:
    """Move each volume through one affine map, by whole voxels unless it is turned or scaled.

    Args:
        volumes: (n, channels, depth, height, width) float.
        uniform: (n, 12) in [0, 1), as of `augment`.
        options: Ranges of flips, shifts, rotations and zoom.

    Returns:
        Of the same shape; beyond a volume its border is repeated.

    Raises:
        ModelFailure: Images are given, which have no depth to be flipped.
    """
    # An image has no depth to be flipped.
    if volumes.ndim != _VOLUMES:
        raise refusal("training.views_of_volumes")
    # Flips along each axis.
    flips = (options.horizontal_flip, options.vertical_flip, options.depth_flip)
    signs = torch.stack([_sign(uniform[:, axis], flips[axis]) for axis in range(3)], dim=1)
    # Shifts by whole voxels blur nothing.
    shape = volumes.shape[:1:-1]  # across, down and through the slices
    sides = torch.tensor(shape, dtype=uniform.dtype, device=uniform.device)
    steps = [
        options.shift * side * (2 * uniform[:, 3 + axis] - 1) for axis, side in enumerate(shape)
    ]
    voxels = torch.round(torch.stack(steps, dim=1))
    # Turns and sizes, where asked for.
    turn = torch.eye(3, dtype=uniform.dtype, device=uniform.device).expand(len(uniform), 3, 3)
    if options.rotation or options.zoom:
        signed = 2 * uniform - 1
        scale = 1 + signed[:, 9, None, None] * options.zoom
        # Turns about the axes across, down and through the slices, one after the other.
        angles = torch.deg2rad(signed[:, 6:9] * options.rotation)
        unturned = turn
        for axis in range(3):
            first, second = (axis + 1) % 3, (axis + 2) % 3
            one = unturned.clone()
            cosine, sine = angles[:, axis].cos(), angles[:, axis].sin()
            one[:, first, first], one[:, second, second] = cosine, cosine
            one[:, first, second], one[:, second, first] = -sine, sine
            turn = one @ turn
        turn = scale * turn
    # From a view's coordinates in [-1, 1] to the volume's, by way of voxels from the centre.
    turn = turn * signs[:, None] * sides[None] / sides[:, None]
    maps = torch.cat([turn, (2 * voxels / sides)[..., None]], dim=2).to(volumes)
    grid = affine_grid(maps, list(volumes.shape), align_corners=False)
    return grid_sample(volumes, grid, padding_mode="border", align_corners=False)
