"""What a network sees of some cases: images in the store, read when needed, perhaps a table."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from skiagram.errors import DataError, ModelFailure
from skiagram.features.table import FeatureTable
from skiagram.store import Image, ImageStore, is_volume

VOLUME_AXES = 4  # channels, depth, height, width


@dataclass(frozen=True)
class ImageSet:
    """Images of some cases; nothing is held in memory.

    Attributes:
        store: Memory-mapped images.
        case_id: (n,) str, each one in the store.
        table: What else is known of the n cases, a row each; None for nothing.
    """

    store: ImageStore
    case_id: NDArray[np.str_]
    table: FeatureTable | None = None

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.case_id)

    def select(self, rows: NDArray[np.int64]) -> "ImageSet":
        """Return the given rows, in the given order."""
        table = None if self.table is None else self.table.select(rows)
        return ImageSet(self.store, self.case_id[rows], table)

    def shape(self, image_size: int | None) -> tuple[int, ...]:
        """Return (channels, [depth,] height, width) of all images, resized where asked for.

        Raises:
            ModelFailure: The images differ in size or channels.
        """
        shapes: dict[tuple[int, ...], str] = {}
        for case_id, image in zip(self.case_id.tolist(), self._views, strict=True):
            shapes.setdefault(_shape(image, image_size), case_id)
        if len(shapes) > 1:
            (first, one), (second, other) = list(shapes.items())[:2]
            raise ModelFailure(
                f"{described(first)} in {one}, {second} in {other}",
                remedy="set training.image_size; images with differing channels need a conversion",
            )
        return next(iter(shapes))

    def read(self, rows: NDArray[np.int64], image_size: int | None) -> Tensor:
        """Read images of equal shape as (n, channels, [depth,] height, width) float32.

        Raises:
            DataError: A pixel is missing; names the case.
        """
        images = torch.stack([_tensor(self._views[row], image_size) for row in rows.tolist()])
        self._check_finite(images, rows)
        return images

    @cached_property
    def _views(self) -> list[Image]:
        """Find every image once; a view holds no pixels."""
        return [self.store.image(case_id) for case_id in self.case_id.tolist()]

    def __reduce__(self) -> tuple[type["ImageSet"], tuple[Any, ...]]:
        """Leave the views out for another process: pickled, they would hold their pixels."""
        return ImageSet, (self.store, self.case_id, self.table)

    def _check_finite(self, images: Tensor, rows: NDArray[np.int64]) -> None:
        if bool(torch.isfinite(images).all()):
            return
        faulty = int(torch.isfinite(images).flatten(1).all(dim=1).logical_not().nonzero()[0])
        raise DataError(
            "missing pixels",
            where=str(self.case_id[rows[faulty]]),
            remedy="choose a restoration that fills missing values",
        )


def described(shape: tuple[int, ...]) -> str:
    """Return (channels, [depth,] height, width) in words."""
    if len(shape) == VOLUME_AXES:
        return f"volumes of channels, depth, height, width {shape}"
    return f"images of channels, height, width {shape}"


def _shape(image: Image, image_size: int | None) -> tuple[int, ...]:
    if is_volume(image):
        sides = image.shape[:3]
        channels = 1
    else:
        sides = image.shape[:2]
        channels = image.shape[2] if image.ndim == 3 else 1
    return channels, *(sides if image_size is None else [image_size] * len(sides))


def _tensor(image: Image, image_size: int | None) -> Tensor:
    planes = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    pixels = torch.from_numpy(planes.astype(np.float32))
    if image_size is None or set(pixels.shape[1:]) == {image_size}:
        return pixels
    if is_volume(image):
        return _resized_volume(pixels, image_size)
    return _resized(pixels[None], (image_size, image_size))[0]


def _resized_volume(volume: Tensor, side: int) -> Tensor:
    """Return (channels, side, side, side): each slice resized, then the depth likewise."""
    in_plane = _resized(volume.transpose(0, 1), (side, side))  # (depth, channels, side, side)
    return _resized(in_plane.permute(2, 1, 0, 3), (side, side)).permute(1, 2, 0, 3).contiguous()


def _resized(planes: Tensor, size: tuple[int, int]) -> Tensor:
    return interpolate(planes, size, mode="bilinear", antialias=True)
