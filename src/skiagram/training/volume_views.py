"""Random views of training volumes: flips and shifts along each axis, drawn as those of images.

Shifts are of whole voxels: none is interpolated, so a view is as sharp as what it is taken from.
"""

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from skiagram.errors import ModelFailure
from skiagram.training.options import VolumeAugmentation


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
