"""Feature family `acquisition`: traits of the file that tell nothing of the body in it."""

from collections.abc import Callable
from dataclasses import dataclass as record
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.features.batch import FeatureBatch
from skiagram.features.family import GroupFamily
from skiagram.features.feature import Column, Feature, Features
from skiagram.options import STRICT


def _side(axis: int, meaning: str, formula: str) -> Feature:
    return Feature.of(
        lambda of: np.full(len(of.values), float(of.size[axis])),
        meaning,
        formula,
        "pixel",
        "from 1",
    )


def _share_at(extreme: Callable[..., NDArray[np.float32]], meaning: str, formula: str) -> Feature:
    return Feature.of(
        lambda of: np.mean(of.values == extreme(of.values, axis=1, keepdims=True), axis=1),
        meaning,
        formula,
        "1",
        "1 / N to 1",
    )


@record(frozen=True)
class Traits(Features):
    """Traits of n files of equal size; N is the number of values of an image.

    A model on these alone shows what a shortcut is worth; other models leave them out.

    Attributes:
        values: (n, N) finite, all channels together.
        size: Height and width in pixels.
        spacing: (n, 2) row and column spacing in mm, NaN where unknown.
    """

    values: NDArray[np.float32]
    size: tuple[int, int]
    spacing: NDArray[np.float64]

    height = _side(0, "Rows of the image.", "H")
    width = _side(1, "Columns of the image.", "W")

    @Feature
    def pixel_spacing(self) -> Column:
        """Mean of row and column spacing; 0 where it is unknown.

        Formula: (s_row + s_column) / 2
        Unit: mm
        Range: from 0
        """
        return np.nan_to_num(self.spacing.mean(axis=1))

    @Feature
    def distinct_values(self) -> Column:
        """Number of different values, which tells depth and compression.

        Formula: |{x}|
        Unit: 1
        Range: 1 to N
        """
        steps = np.diff(np.sort(self.values, axis=1), axis=1) > 0
        return 1.0 + steps.sum(axis=1)

    share_at_minimum = _share_at(
        np.min, "Share of values at the least one, such as a black surround.", "|{x = min x}| / N"
    )
    share_at_maximum = _share_at(
        np.max,
        "Share of values at the greatest one, such as clipping or labels.",
        "|{x = max x}| / N",
    )


@dataclass(**STRICT)
class Acquisition(GroupFamily):
    """Traits of the file: size, spacing, depth, surround and clipping."""

    groups: ClassVar[tuple[type[Features], ...]] = (Traits,)
    prefix: ClassVar[str] = "acquisition"

    def extract(self, batch: FeatureBatch) -> NDArray[np.float64]:
        """Compute the features of a batch of equally sized images of any size and channels.

        Args:
            batch: The images; of volumes, size and spacing are those of a slice.

        Returns:
            (n, 6) float64, finite.
        """
        unknown = np.full((len(batch), 2), np.nan)
        spacing = unknown if batch.spacing is None else batch.spacing[:, -2:]
        height, width = batch.images.shape[1 + batch.volumes :][:2]
        return Traits(batch.images.reshape(len(batch), -1), (height, width), spacing).columns()
