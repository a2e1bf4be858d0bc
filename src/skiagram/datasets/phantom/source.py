"""A generated data set whose best possible score is known exactly.

An image is tissue and quantum noise; an abnormal one has tissue of a slightly other spectrum and a
nodule at a random place. Images of a patient share a part of their tissue. Every image is a
function of the phantom's seed, its patient and its number within the patient, so it is made when
asked for and never kept.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field as Limits
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import Entry, SpacedImage, Truth
from skiagram.datasets.dicom import read_dicom
from skiagram.datasets.phantom.acquisition import DicomWriter, Faults, digitised, with_faults
from skiagram.datasets.phantom.checks import check_positive, check_reach
from skiagram.datasets.phantom.exposure import Exposure, Exposures
from skiagram.datasets.phantom.patients import Patients
from skiagram.datasets.phantom.tissue import Nodule, Tissue
from skiagram.errors import OptionError
from skiagram.options import STRICT
from skiagram.records import DataCard
from skiagram.seeding import stream


@dataclass(**STRICT)
class Phantom:
    """Options of the phantom.

    Attributes:
        name: Short name.
        title: Name for people.
        classes: Names of the class without and the class with a nodule.
        positive_class: The second of `classes`.
        known_issues: What a reader of the report must know.
        waived_findings: Audit finding → reason why it does not stop the run.
        seed: Seed of the draw, apart from the seed of training.
        patients: Patients in each split.
        images_per_patient: Images of each patient.
        size: Side of an image in pixels.
        tissue: The tissue.
        noise: Standard deviation of quantum noise, tissue having 1.
        nodule: The nodule.
        faults: Faults in the copy that the pipeline sees.
    """

    name: str
    title: str
    classes: Annotated[tuple[str, ...], Limits(min_length=2, max_length=2)]
    positive_class: str
    known_issues: tuple[str, ...]
    waived_findings: dict[str, str]
    seed: Annotated[int, Limits(ge=0)]
    patients: Patients
    images_per_patient: Annotated[int, Limits(ge=1, le=1000)]
    size: Annotated[int, Limits(ge=16, le=1024)]
    tissue: Tissue
    noise: Annotated[float, Limits(gt=0, le=1)]
    nodule: Nodule
    faults: Faults

    def __post_init__(self) -> None:
        """Check what depends on several options.

        Raises:
            OptionError: The nodule leaves the image, the faults exceed it, or the positive class
                is not the one with the nodule.
        """
        check_reach(self.nodule, self.size)
        check_positive(self.positive_class, self.classes)
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

    def card(self) -> DataCard:
        """Return what a reader must know of the data set."""
        return DataCard(
            name=self.name,
            title=self.title,
            modality=f"synthetic projection, {self.size} × {self.size} pixels",
            licence="none needed: generated",
            citation="Burgess, Jacobson and Judy 2001, Medical Physics 28:419 (tissue, nodule)",
            source="generated from the option file",
            patients_known=True,
            known_issues=self.known_issues,
            waived_findings=self.waived_findings,
        )

    def open(self, root: Path | None) -> "OpenPhantom":
        """Prepare spectra and observer; no file is needed."""
        return OpenPhantom(self)


class OpenPhantom:
    """Makes the cases of one phantom.

    Args:
        options: Options of the phantom.
    """

    def __init__(self, options: Phantom) -> None:
        self._options = options
        exposures = Exposures(
            options.size, options.tissue, options.nodule, options.noise, options.seed
        )
        self._exposures = exposures
        self._observer = exposures.observer()
        self._writer = DicomWriter(options.size)
        self._exposure = lru_cache(maxsize=1)(self._make)  # image and truth ask for the same one

    def entries(self) -> list[Entry]:
        """List every image: patients in order, the images of a patient together."""
        return self._options.patients.entries(self._options.images_per_patient, "image")

    def image(self, position: int) -> SpacedImage:
        """Return what the pipeline sees: (size, size) float32 as read back from DICOM."""
        patient, number = divmod(position, self._options.images_per_patient)
        generator = stream(self._options.seed, "faults", patient, number)
        stored = digitised(self._exposure(position).noisy)
        faulty = with_faults(stored, self._options.faults, generator)
        return read_dicom(self._writer.write(faulty, patient, position))

    def truth(self, position: int) -> Truth:
        """Return the clean image, the ideal score of the noisy one and the nodule's place."""
        exposure = self._exposure(position)
        row, column = exposure.place
        return Truth(
            clean=exposure.clean.astype(np.float32),
            ideal_score=self._observer.log_likelihood_ratio(exposure.noisy),
            row=row,
            column=column,
        )

    def _make(self, position: int) -> Exposure:
        patient, number = divmod(position, self._options.images_per_patient)
        return self._exposures.make(patient, number, abnormal=patient % 2 == 1)
