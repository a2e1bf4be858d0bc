"""What every filter offers, and what several need: edges, rotations, convolution, pooling.

The IBSI's second reference manual (arXiv:2006.05470) names axes x, y, z; arrays have them last to
first. Images are (depth, height, width); a plane filter works on each slice for itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from itertools import combinations, permutations, product
from typing import ClassVar, Literal

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.strict import STRICT

Boundary = Literal["zero", "nearest", "periodic", "mirror"]
Pooling = Literal["average", "max"]
Kernels = tuple[Floats, ...]  # along one axis, one after the other
PAD = {"zero": "constant", "nearest": "edge", "periodic": "wrap", "mirror": "symmetric"}
_NDIMAGE = {"zero": "constant", "nearest": "nearest", "periodic": "wrap", "mirror": "reflect"}


@dataclass(**STRICT)
class Filter(ABC):
    """Base of a filter.

    Attributes:
        dimension: `2D`: each slice for itself; `3D`: across slices.
        boundary: How the image goes on beyond its edge: by zeros, by its last voxel (`nearest`),
            from the start (`periodic`), or as in a mirror whose edge voxel counts twice.
    """

    dimension: Literal["2D", "3D"]
    boundary: Boundary

    in_mm: ClassVar[bool] = False  # whether an option is in mm

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of (depth, height, width) that the filter works on, x first."""
        return (2, 1) if self.dimension == "2D" else (2, 1, 0)

    def reach(self, spacing: Sequence[float]) -> Floats:
        """Compute how far the filter looks, along an axis that is periodic without an end.

        Args:
            spacing: Of slices, rows and columns, mm.

        Returns:
            Voxels of each axis, infinite for the whole image.
        """
        far = [np.inf if self.boundary == "periodic" else self._length(step) for step in spacing]
        return np.where([axis in self.axes for axis in range(3)], far, 0.0)

    @abstractmethod
    def _length(self, spacing: float) -> float:
        """Compute how many voxels of a spacing the filter looks to each side along an axis."""

    @abstractmethod
    def respond(self, image: Floats, spacing: Sequence[float]) -> Floats:
        """Compute the response of the filter.

        Args:
            image: (depth, height, width) float64, finite.
            spacing: Of slices, rows and columns, mm.

        Returns:
            Of the same shape.
        """

    def _convolve(
        self, image: Floats, kernels: Sequence[Kernels], pooling: Pooling | None
    ) -> Floats:
        """Convolve with kernels along x, y and z, or pool over these turned by all right angles.

        Args:
            image: (depth, height, width).
            kernels: Of each axis of the filter, x first.
            pooling: Over the turned kernels; None for the kernels as they are.
        """
        if pooling is None:
            return convolve(image, self.axes, kernels, self.boundary)
        turns = rotated(kernels)
        return pooled((convolve(image, self.axes, turn, self.boundary) for turn in turns), pooling)


def convolve(
    image: Floats, axes: Sequence[int], kernels: Sequence[Kernels], boundary: Boundary
) -> Floats:
    """Convolve with separable kernels of odd length, several of each axis.

    Args:
        image: (depth, height, width).
        axes: Which ones.
        kernels: Of each of these axes.
        boundary: How the image goes on beyond its edge.
    """
    from scipy.ndimage import convolve1d

    for axis, several in zip(axes, kernels, strict=True):
        for kernel in several:
            image = convolve1d(image, kernel, axis=axis, mode=_NDIMAGE[boundary])
    return image


def rotated(kernels: Sequence[Kernels]) -> list[tuple[Kernels, ...]]:
    """Turn kernels by all right angles; each distinct result is there once.

    Args:
        kernels: Of each axis, x first.

    Returns:
        Up to 4 in a plane, up to 24 in a volume.
    """
    # Permutations of axes with signs: only turns, no mirrors.
    turns = []
    for order in permutations(range(len(kernels))):
        even = sum(later < earlier for earlier, later in combinations(order, 2)) % 2 == 0
        for signs in product((1, -1), repeat=len(kernels)):
            if (np.prod(signs) == 1) == even:
                pairs = zip(order, signs, strict=True)
                turns.append(
                    tuple(tuple(kernel[::sign] for kernel in kernels[axis]) for axis, sign in pairs)
                )
    # Symmetric kernels come out equal after several turns.
    distinct = {tuple(kernel.tobytes() for axis in turn for kernel in axis): turn for turn in turns}
    return list(distinct.values())


def pooled(responses: Iterable[Floats], pooling: Pooling) -> Floats:
    """Compute the voxel-wise mean or maximum of responses, of which one is held at a time.

    Args:
        responses: At least one, of equal shape.
        pooling: Which of both.
    """
    # One response at a time, as volumes are large.
    following, count = iter(responses), 1
    total = next(following).copy()
    for response in following:
        count += 1
        if pooling == "max":
            np.maximum(total, response, out=total)
        else:
            total += response
    # The mean divides once, at the end.
    return total if pooling == "max" else total / count


def box_mean(image: Floats, support: int, axes: Sequence[int], boundary: Boundary) -> Floats:
    """Compute the mean over a square or cube of voxels.

    Args:
        image: (depth, height, width).
        support: Its side, in voxels, odd.
        axes: Along which it extends.
        boundary: How the image goes on beyond its edge.
    """
    from scipy.ndimage import uniform_filter1d

    for axis in axes:
        image = uniform_filter1d(image, support, axis=axis, mode=_NDIMAGE[boundary])
    return image
