"""Feature family `acquisition`: traits of the file that tell nothing of the body in it."""

from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import DefinedFamily
from skiagram.strict import STRICT


@dataclass(**STRICT)
class Acquisition(DefinedFamily):
    """Traits of the file: size, spacing, depth, surround and clipping."""

    prefix: ClassVar[str] = "acquisition"

    def extract(self, batch: FeatureBatch) -> Floats:
        """Read traits of the file, of n images of any channels; of volumes those of a slice.

        Returns:
            (n, 6) float64; a spacing that is unknown is 0.
        """
        # What the device and the file say, and nothing of what is shown.
        n, values = len(batch), batch.images.reshape(len(batch), -1)
        height, width = batch.images.shape[1 + batch.volumes :][:2]
        spacing = np.full((n, 2), np.nan) if batch.spacing is None else batch.spacing[:, -2:]
        # Steps between sorted intensities count how many distinct ones there are.
        steps = np.diff(np.sort(values, axis=1), axis=1) > 0
        least, most = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
        return self.in_order(
            {
                "height": np.full(n, float(height)),
                "width": np.full(n, float(width)),
                "pixel_spacing": np.nan_to_num(spacing.mean(axis=1)),
                "distinct_values": 1.0 + steps.sum(axis=1),
                "share_at_minimum": np.mean(values == least, axis=1),
                "share_at_maximum": np.mean(values == most, axis=1),
            }
        )
