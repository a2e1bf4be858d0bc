"""How a phantom image reaches the pipeline: digitised, with faults, as a DICOM file.

Faults are drawn alike in both classes, so they hide the label and never tell it.
"""

from io import BytesIO
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

from skiagram.options import STRICT

PADDING, LOWEST, HIGHEST = 0, 1, 2**16 - 1
SPACING = 0.2  # mm, as of a digitised film
SLOPE, INTERCEPT = 2.0**-11, -16.0
_UID_ROOT = "1.2.826.0.1.3680043.8.498"

Stored = NDArray[np.uint16]


@dataclass(**STRICT)
class Faults:
    """Faults in each image.

    Attributes:
        missing_pixels: Pixels that carry the padding value.
        hot_pixels: Pixels at the top of the scale.
        dead_rows: Rows at the bottom of the scale.
    """

    missing_pixels: Annotated[int, Field(ge=0)]
    hot_pixels: Annotated[int, Field(ge=0)]
    dead_rows: Annotated[int, Field(ge=0)]


def digitise(image: NDArray[np.float64]) -> Stored:
    """Return the stored values of an image: `value = stored * SLOPE + INTERCEPT`, clipped."""
    steps = np.rint((image - INTERCEPT) / SLOPE)
    stored: Stored = np.clip(steps, LOWEST, HIGHEST).astype(np.uint16)
    return stored


def add_faults(stored: Stored, faults: Faults, generator: np.random.Generator) -> Stored:
    """Return a copy with faults at random places; a missing pixel wins over a dead row."""
    faulty = stored.copy()
    faulty[generator.choice(len(stored), faults.dead_rows, replace=False)] = LOWEST
    places = generator.choice(
        stored.size, faults.hot_pixels + faults.missing_pixels, replace=False, shuffle=True
    )
    faulty.flat[places[: faults.hot_pixels]] = HIGHEST
    faulty.flat[places[faults.hot_pixels :]] = PADDING
    return faulty


class DicomWriter:
    """Writes images of one size as Secondary Capture files.

    Args:
        size: Side of the images in pixels.
    """

    def __init__(self, size: int) -> None:
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header = Dataset()
        header.file_meta = meta
        header.SOPClassUID = SecondaryCaptureImageStorage
        header.Modality = "OT"
        header.SamplesPerPixel = 1
        header.PhotometricInterpretation = "MONOCHROME2"
        header.Rows = header.Columns = size
        header.PixelSpacing = [SPACING, SPACING]
        header.BitsAllocated = header.BitsStored = 16
        header.HighBit = 15
        header.PixelRepresentation = 0
        header.PixelPaddingValue = PADDING
        header.RescaleSlope, header.RescaleIntercept = SLOPE, INTERCEPT
        header.RescaleType = "US"
        self._header = header

    def write(self, stored: Stored, patient: int, position: int) -> BytesIO:
        """Return one file, at its beginning.

        Args:
            stored: (size, size) stored values.
            patient: Number of the patient, ≥ 0.
            position: Number of the image, ≥ 0.
        """
        header = self._header
        identity = f"PHANTOM-{patient + 1:04d}"
        header.PatientName, header.PatientID = f"SYNTHETIC^{identity}", identity
        uid = f"{_UID_ROOT}.{position + 1}"
        header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = uid
        header.PixelData = stored.tobytes()
        file = BytesIO()
        header.save_as(file, enforce_file_format=True)
        file.seek(0)
        return file
