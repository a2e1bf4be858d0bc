"""Generated volumes whose best possible score is known exactly.

As the phantom's images, with a third axis: tissue and noise, in abnormal volumes tissue of a
slightly other spectrum and, at a random place, a ball whose projection is the designer nodule. They
reach the pipeline as they are made, without faults.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field as Limits
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import Entry, SpacedImage, Truth
from skiagram.datasets.phantom.checks import check_positive, check_reach
from skiagram.datasets.phantom.exposure import Exposure, Exposures
from skiagram.datasets.phantom.patients import Patients
from skiagram.datasets.phantom.tissue import Nodule, Tissue
from skiagram.options import STRICT
from skiagram.records import DataCard


@dataclass(**STRICT)
class PhantomVolumes:
    """Options of the phantom of volumes.

    Attributes:
        name: Short name.
        title: Name for people.
        classes: Names of the class without and the class with a nodule.
        positive_class: The second of `classes`.
        known_issues: What a reader of the report must know.
        waived_findings: Audit finding → reason why it does not stop the run.
        seed: Seed of the draw, apart from the seed of training.
        patients: Patients in each split.
        volumes_per_patient: Volumes of each patient.
        size: Side of a volume in voxels.
        tissue: The tissue.
        noise: Standard deviation of white noise, tissue having 1.
        nodule: The nodule; its places are a grid of three axes.
    """

    name: str
    title: str
    classes: Annotated[tuple[str, ...], Limits(min_length=2, max_length=2)]
    positive_class: str
    known_issues: tuple[str, ...]
    waived_findings: dict[str, str]
    seed: Annotated[int, Limits(ge=0)]
    patients: Patients
    volumes_per_patient: Annotated[int, Limits(ge=1, le=1000)]
    size: Annotated[int, Limits(ge=8, le=128)]
    tissue: Tissue
    noise: Annotated[float, Limits(gt=0, le=1)]
    nodule: Nodule

    def __post_init__(self) -> None:
        """Check what depends on several options.

        Raises:
            OptionError: The nodule leaves the volume, or the positive class is not the one with
                the nodule.
        """
        check_reach(self.nodule, self.size)
        check_positive(self.positive_class, self.classes)

    def card(self) -> DataCard:
        """Return what a reader must know of the data set."""
        side = f"{self.size} × {self.size} × {self.size}"
        return DataCard(
            name=self.name,
            title=self.title,
            modality=f"synthetic volume, {side} voxels",
            licence="none needed: generated",
            citation="Burgess, Jacobson and Judy 2001, Medical Physics 28:419 (tissue, nodule)",
            source="generated from the option file",
            patients_known=True,
            known_issues=self.known_issues,
            waived_findings=self.waived_findings,
        )

    def open(self, root: Path | None) -> "OpenPhantomVolumes":
        """Prepare spectra and observer; no file is needed."""
        return OpenPhantomVolumes(self)


class OpenPhantomVolumes:
    """Makes the cases of one phantom of volumes.

    Args:
        options: Options of the phantom.
    """

    def __init__(self, options: PhantomVolumes) -> None:
        self._options = options
        self._exposures = Exposures(
            options.size, options.tissue, options.nodule, options.noise, options.seed, axes=3
        )
        self._observer = self._exposures.observer()
        self._exposure = lru_cache(maxsize=1)(self._make)  # image and truth ask for the same one

    def entries(self) -> list[Entry]:
        """List every volume: patients in order, the volumes of a patient together."""
        return self._options.patients.entries(self._options.volumes_per_patient, "volume")

    def image(self, position: int) -> SpacedImage:
        """Return what the pipeline sees: (size, size, size, 1) float32."""
        return SpacedImage(self._exposure(position).noisy.astype(np.float32)[..., None])

    def truth(self, position: int) -> Truth:
        """Return the clean volume, the ideal score of the noisy one and the nodule's place."""
        exposure = self._exposure(position)
        slice_, row, column = exposure.place
        return Truth(
            clean=exposure.clean.astype(np.float32)[..., None],
            ideal_score=self._observer.log_likelihood_ratio(exposure.noisy),
            row=row,
            column=column,
            slice=slice_,
        )

    def _make(self, position: int) -> Exposure:
        patient, number = divmod(position, self._options.volumes_per_patient)
        return self._exposures.make(patient, number, abnormal=patient % 2 == 1)
