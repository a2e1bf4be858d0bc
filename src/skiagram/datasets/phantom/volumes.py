"""Generated volumes whose best possible score is known exactly.

As the phantom's images, with a third axis: tissue and noise, in abnormal volumes tissue of a
slightly other spectrum and, at a random place, a ball whose projection is the designer nodule. They
reach the pipeline as they are made, without faults.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import GroundTruth, SpacedImage
from skiagram.datasets.phantom.options import PhantomCases, PhantomDataSet
from skiagram.options import STRICT


@dataclass(**STRICT)
class PhantomVolumes(PhantomDataSet):
    """Options of the phantom of volumes.

    Attributes:
        size: Side of a volume in voxels.
        volumes_per_patient: Volumes of each patient.
    """

    size: Annotated[int, Field(ge=8, le=128)]
    volumes_per_patient: Annotated[int, Field(ge=1, le=1000)]

    def open(self, root: Path | None) -> "OpenPhantomVolumes":
        """Prepare spectra and observer; no file is needed."""
        return OpenPhantomVolumes(self)

    @property
    def modality(self) -> str:
        """Kind of image, for the report."""
        return f"synthetic volume, {self.size} × {self.size} × {self.size} voxels"


class OpenPhantomVolumes(PhantomCases):
    """Makes the volumes of one phantom.

    Args:
        options: Options of the phantom.
    """

    def __init__(self, options: PhantomVolumes) -> None:
        super().__init__(options, options.volumes_per_patient, "volume", axes=3)

    def image(self, position: int) -> SpacedImage:
        """Return what the pipeline sees: (size, size, size, 1) float32."""
        noisy = self.exposure(position).noisy
        return SpacedImage(noisy.astype(np.float32)[..., None])

    def truth(self, position: int) -> GroundTruth:
        """Return the clean volume, the ideal score of the noisy one and the nodule's place."""
        exposure = self.exposure(position)
        slice_, row, column = exposure.place
        clean = exposure.clean.astype(np.float32)[..., None]
        return GroundTruth(clean, self.ideal_score(position), row, column, slice_)
