"""Feature family `granulometry`: how much of the image stands in structures of each size."""

from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Singles
from skiagram.features.family import Ascending, WholeImageFamily
from skiagram.features.feature import ratio
from skiagram.strict import STRICT

_AT_ONCE = 64  # lines, so that what is made of them stays in a processor's cache


def erode(images: Singles, radius: int, extreme: np.ufunc) -> Singles:
    """Find the extreme intensity in the square around each pixel, cut off at the border.

    Along each axis, extremes of 2, 4, 8 … places, the last two of which cover the square's side.

    Args:
        images: (n, height, width).
        radius: Half the side of the square less half a pixel, from 1.
        extreme: `np.minimum` for erosion, `np.maximum` for dilation.
    """
    # A square is a run along rows, then along columns.
    eroded = np.empty_like(images)
    for axis in (1, 2):
        reach = min(radius, images.shape[axis] - 1)
        source, target = (np.moveaxis(each, axis, 0) for each in (images, eroded))
        for first in range(0, source.shape[2], _AT_ONCE):
            lines = source[..., first : first + _AT_ONCE]
            # Windows double their width; the last step covers the rest.
            part = np.pad(lines, ((reach, reach), (0, 0), (0, 0)), mode="edge")
            covered = 1
            while 2 * covered <= 2 * reach + 1:
                part = extreme(part[:-covered], part[covered:])
                covered *= 2
            ends = 2 * reach + 1 - covered
            extreme(part[: len(lines)], part[ends:], out=target[..., first : first + _AT_ONCE])
        images = eroded
    return eroded


Radius = Annotated[int, Field(ge=1, le=1024)]
Radii = Annotated[tuple[Radius, ...], Field(min_length=1), Ascending]


@dataclass(**STRICT)
class Granulometry(WholeImageFamily):
    """Pattern spectrum by grey openings and closings with flat squares of growing size.

    Maragos, IEEE Trans. PAMI 11(7), 1989. An opening takes away bright structures into which the
    square does not fit, a closing dark ones. What one size takes away more than the size before
    it, as a share of all that could be taken away (intensity above the image's minimum for
    openings, below its maximum for closings), is the spectrum: in [0, 1], of sum at most 1, and
    independent of the intensities' gain and offset. Regions of interest are
    refused.

    Attributes:
        radii: A square of radius r has a side of 2 r + 1 pixels.
    """

    radii: Radii

    prefix: ClassVar[str] = "granulometry"

    def names(self) -> tuple[str, ...]:
        steps = ("opening", "closing")
        return tuple(
            f"granulometry_{step}_radius_{radius}" for step in steps for radius in self.radii
        )

    def describe(self, images: NDArray[Any]) -> Floats:
        """Compute the spectra of n images.

        Args:
            images: (n, height, width) of any depth.

        Returns:
            (n, n_features) in [0, 1]; 0 for constant images.
        """
        # Openings take away what is bright and small, closings what is dark and small.
        spectra = []
        for sign in (1, -1):  # openings, then closings
            least, most = (np.minimum, np.maximum)[::sign]
            eroded = images.astype(np.float32)
            remaining = sign * eroded.mean(axis=(1, 2), dtype=np.float64)
            floor = eroded.min(axis=(1, 2)) if sign > 0 else -eroded.max(axis=(1, 2))
            # What each radius takes away, as a share of all that could be.
            whole, shares, eroded_by = remaining - floor, [], 0
            for radius in self.radii:
                eroded = erode(eroded, radius - eroded_by, least)  # squares add up to larger ones
                # The opened image has no name: it would be held while the next one is made.
                mean = sign * erode(eroded, radius, most).mean(axis=(1, 2), dtype=np.float64)
                shares.append(ratio(np.maximum(remaining - mean, 0), whole))
                remaining, eroded_by = mean, radius
            spectra.append(np.stack(shares, axis=1))
        return np.hstack(spectra)
