"""Random views of training images and volumes, drawn from seed, epoch and case.

A view depends on nothing else, neither on the batch nor on what was drawn before, so a resumed
run sees the same views as one that was never stopped. An image is seen through one affine map; a
volume is flipped and shifted along each axis by whole voxels: none is interpolated, so a view is as
sharp as what it is taken from.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from skiagram.errors import ModelFailure
from skiagram.seeding import stream
from skiagram.training.options import Augmentation, VolumeAugmentation

_DRAWS = 7


def draws(seed: int, epoch: int, case_ids: Sequence[str]) -> Tensor:
    """Return the random numbers behind the views of some cases in one epoch.

    Args:
        seed: Seed of the fit.
        epoch: Epoch, from 0.
        case_ids: n case ids.

    Returns:
        (n, 7) float32, uniform in [0, 1).
    """
    rows = [stream(seed, "augmentation", epoch, case_id).random(_DRAWS) for case_id in case_ids]
    return torch.from_numpy(np.stack(rows).astype(np.float32))


def augment(images: Tensor, uniform: Tensor, options: Augmentation | VolumeAugmentation) -> Tensor:
    """Return one view of each image; what lies outside an image repeats its border.

    Args:
        images: (n, channels, height, width) float, or volumes of (n, channels, depth, height,
            width), whose slices all get the same view in their plane.
        uniform: (n, 7) in [0, 1): flips, shifts, rotation, zoom and shear.
        options: Which views are allowed.

    Raises:
        ModelFailure: Views of volumes are asked for, of images.
    """
    if isinstance(options, VolumeAugmentation):
        return augment_volumes(images, uniform, options)
    if images.ndim == 5:  # every slice is a channel of one image
        return augment(images.flatten(1, 2), uniform, options).view_as(images)
    signed = 2 * uniform - 1
    horizontal = _sign(uniform[:, 0], options.horizontal_flip)
    vertical = _sign(uniform[:, 1], options.vertical_flip)
    angle = torch.deg2rad(signed[:, 4] * options.rotation)
    scale = 1 + signed[:, 5] * options.zoom
    height, width = images.shape[2:]
    cosine, sine, aspect = scale * angle.cos(), scale * angle.sin(), height / width
    slant = options.shear * signed[:, 6] * aspect
    # Rows of the map from a view's coordinates in [-1, 1] to the image's.
    across = (
        cosine * horizontal,
        (cosine * slant - sine * aspect) * vertical,
        2 * options.shift * signed[:, 2],
    )
    down = (
        sine / aspect * horizontal,
        (sine / aspect * slant + cosine) * vertical,
        2 * options.shift * signed[:, 3],
    )
    maps = torch.stack([torch.stack(across, dim=1), torch.stack(down, dim=1)], dim=1)
    grid = affine_grid(maps.to(images.dtype), list(images.shape), align_corners=False)
    return grid_sample(images, grid, padding_mode="border", align_corners=False)


def _sign(uniform: Tensor, allowed: bool) -> Tensor:
    if not allowed:
        return torch.ones_like(uniform)
    return torch.where(uniform < 0.5, -1.0, 1.0)


def augment_volumes(volumes: Tensor, uniform: Tensor, options: VolumeAugmentation) -> Tensor:
    """Return one view of each volume; what lies outside a volume repeats its border.

    Args:
        volumes: (n, channels, depth, height, width) float.
        uniform: (n, ≥ 6) in [0, 1): flips across, down and through the slices, then shifts alike.
        options: Which views are allowed.

    Raises:
        ModelFailure: They are images.
    """
    if volumes.ndim != 5:
        raise ModelFailure(
            "views of volumes are asked for, of images",
            where="training.augmentation",
            allowed="for images: horizontal_flip, vertical_flip, shift, rotation, shear and zoom; "
            "article, medical or null",
        )
    allowed = (options.horizontal_flip, options.vertical_flip, options.depth_flip)
    maps = torch.zeros(len(volumes), 3, 4, dtype=volumes.dtype, device=volumes.device)
    for axis, flips in enumerate(allowed):
        mirrored = flips & (uniform[:, axis] < 0.5)
        maps[:, axis, axis] = torch.where(mirrored, -1.0, 1.0).to(maps)
        side = volumes.shape[-1 - axis]
        voxels = torch.round(options.shift * side * (2 * uniform[:, 3 + axis] - 1))
        maps[:, axis, 3] = (2 * voxels / side).to(maps)
    grid = affine_grid(maps, list(volumes.shape), align_corners=False)
    return grid_sample(volumes, grid, padding_mode="border", align_corners=False)
