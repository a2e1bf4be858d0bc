"""A generated data set whose best possible score is known exactly.

An image is tissue and quantum noise; an abnormal one has tissue of a slightly other spectrum and a
nodule at a random place. Images of a patient share a part of their tissue. Every image is a
function of the phantom's seed, its patient and its number within the patient, so it is made when
asked for and never kept.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import GroundTruth, SpacedImage
from skiagram.datasets.dicom import read_dicom
from skiagram.datasets.phantom.acquisition import DicomWriter, Faults, add_faults, digitise
from skiagram.datasets.phantom.options import PhantomCases, PhantomDataSet
from skiagram.errors import OptionError
from skiagram.options import STRICT
from skiagram.seeding import stream


@dataclass(**STRICT)
class Phantom(PhantomDataSet):
    """Options of the phantom.

    Attributes:
        size: Side of an image in pixels.
        images_per_patient: Images of each patient.
        faults: Faults in the copy that the pipeline sees.
    """

    size: Annotated[int, Field(ge=16, le=1024)]
    images_per_patient: Annotated[int, Field(ge=1, le=1000)]
    faults: Faults

    def __post_init__(self) -> None:
        """Check what depends on several options.

        Raises:
            OptionError: The nodule leaves the image, the faults exceed it, or the positive class
                is not the one with the nodule.
        """
        super().__post_init__()
        if self.faults.dead_rows >= self.size // 2:
            raise OptionError(
                f"{self.faults.dead_rows} was given",
                where="dataset.faults.dead_rows",
                allowed=f"less than half of the {self.size} rows",
            )
        if self.faults.missing_pixels + self.faults.hot_pixels >= self.size**2 // 2:
            raise OptionError(
                f"{self.faults.missing_pixels} missing and {self.faults.hot_pixels} hot pixels",
                where="dataset.faults",
                allowed=f"together less than half of the {self.size**2} pixels",
            )

    @property
    def modality(self) -> str:
        """Kind of image, for the report."""
        return f"synthetic projection, {self.size} × {self.size} pixels"

    def open(self, root: Path | None) -> "OpenPhantom":
        """Prepare spectra and observer; no file is needed."""
        return OpenPhantom(self)


class OpenPhantom(PhantomCases):
    """Makes the images of one phantom.

    Args:
        options: Options of the phantom.
    """

    def __init__(self, options: Phantom) -> None:
        self._options = options
        super().__init__(options, options.images_per_patient, "image", axes=2)
        self._writer = DicomWriter(options.size)

    def image(self, position: int) -> SpacedImage:
        """Return what the pipeline sees: (size, size) float32 as read back from DICOM."""
        patient, number = self.place(position)
        generator = stream(self._options.seed, "faults", patient, number)
        stored = digitise(self.exposure(position).noisy)
        faulty = add_faults(stored, self._options.faults, generator)
        return read_dicom(self._writer.write(faulty, patient, position))

    def truth(self, position: int) -> GroundTruth:
        """Return the clean image, the ideal score of the noisy one and the nodule's place."""
        exposure = self.exposure(position)
        row, column = exposure.place
        clean = exposure.clean.astype(np.float32)
        return GroundTruth(clean, self.ideal_score(position), row, column)
