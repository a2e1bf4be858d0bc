"""Feature family `granulometry`: how much of the image stands in structures of each size."""

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.features.ascending import Ascending
from skiagram.features.batch import Batch
from skiagram.features.definition import Definition
from skiagram.features.feature import ratio
from skiagram.features.kernels.erosion import erode
from skiagram.options import STRICT

Radius = Annotated[int, Field(ge=1, le=1024)]
Radii = Annotated[tuple[Radius, ...], Field(min_length=1), Ascending]
_DEFINITIONS = (
    Definition(
        "granulometry_opening_radius_<radius>",
        "Share of the brightness in structures that this square removes and the smaller one "
        "does not; 0 for a constant image.",
        "Σ (γ_before − γ_radius) / Σ (x − min x), γ the opening, γ_0 = x",
        "1",
        "[0, 1]",
    ),
    Definition(
        "granulometry_closing_radius_<radius>",
        "The same of the darkness, by closings.",
        "Σ (φ_radius − φ_before) / Σ (max x − x), φ the closing, φ_0 = x",
        "1",
        "[0, 1]",
    ),
)


@dataclass(**STRICT)
class Granulometry:
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

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order."""
        steps = ("opening", "closing")
        return tuple(f"granulometry_{step}_radius_{at}" for step in steps for at in self.radii)

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean, in column order."""
        return _DEFINITIONS

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size from 1×1.

        Args:
            batch: Images of one channel, or of three reduced to luminance.

        Returns:
            (n, n_features) float64 in [0, 1]; 0 for constant images.

        Raises:
            DataError: The images have neither one channel nor three, or they have masks.
        """
        batch.check_whole("granulometry")
        grey = batch.planes("granulometry")
        return np.hstack([self._spectrum(grey, sign) for sign in (1, -1)])

    def _spectrum(self, grey: NDArray[Any], sign: int) -> NDArray[np.float64]:
        """Return the spectrum of openings (sign 1) or of closings (sign −1)."""
        eroded = grey.astype(np.float32)
        opened = np.empty_like(eroded)
        left = sign * _mean(eroded)
        floor = eroded.min(axis=(1, 2)) if sign > 0 else -eroded.max(axis=(1, 2))
        whole, taken, radius = left - floor, [], 0
        for at in self.radii:
            erode(eroded, eroded, at - radius, sign)  # squares add up to larger ones
            erode(eroded, opened, at, -sign)
            still = sign * _mean(opened)
            taken.append(ratio(np.maximum(left - still, 0), whole))
            left, radius = still, at
        return np.stack(taken, axis=1)


def _mean(images: NDArray[np.float32]) -> NDArray[np.float64]:
    return images.mean(axis=(1, 2), dtype=np.float64)
