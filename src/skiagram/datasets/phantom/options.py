"""What the phantoms have in common: options, patients, and their cases."""

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import Entry
from skiagram.datasets.phantom.image_model import Exposure, ExposureGenerator, Nodule, Tissue
from skiagram.errors import OptionError
from skiagram.options import STRICT
from skiagram.records import DataCard, Split


@dataclass(**STRICT)
class Patients:
    """Number of patients in each split; every second one is abnormal."""

    train: Annotated[int, Field(ge=2, le=1_000_000)]
    validation: Annotated[int, Field(ge=0, le=1_000_000)]
    test: Annotated[int, Field(ge=2, le=1_000_000)]

    def entries(self, each: int, what: str) -> list[Entry]:
        """List every image: patients in order, the images of a patient together.

        Args:
            each: Images of a patient.
            what: Word for one of them, in names that never leave ingest.
        """
        splits: list[Split] = ["train"] * self.train
        splits += ["validation"] * self.validation
        splits += ["test"] * self.test
        return [
            Entry(f"phantom patient {patient}, {what} {number}", str(patient), patient % 2, split)
            for patient, split in enumerate(splits)
            for number in range(each)
        ]


@dataclass(**STRICT)
class PhantomDataSet(ABC):
    """Options of every phantom.

    Attributes:
        name: Short name.
        title: Name for people.
        classes: Names of the class without and the class with a nodule.
        positive_class: The second of `classes`.
        known_issues: What a reader of the report must know.
        waived_findings: Audit finding → reason why it does not stop the run.
        seed: Seed of the draw, apart from the seed of training.
        patients: Patients in each split.
        size: Side in pixels or voxels.
        tissue: The tissue.
        noise: Standard deviation of the noise, tissue having 1.
        nodule: The nodule; its places are a grid with as many axes as the images.
    """

    name: str
    title: str
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]
    positive_class: str
    known_issues: tuple[str, ...]
    waived_findings: dict[str, str]
    seed: Annotated[int, Field(ge=0)]
    patients: Patients
    size: Annotated[int, Field(ge=8, le=1024)]
    tissue: Tissue
    noise: Annotated[float, Field(gt=0, le=1)]
    nodule: Nodule

    def __post_init__(self) -> None:
        """Check what depends on several options.

        Raises:
            OptionError: The nodule leaves the image at some of its places, or the positive class
                is not the one with the nodule.
        """
        reach = self.nodule.spacing * (self.nodule.places // 2) + self.nodule.radius
        if reach > self.size // 2:
            raise OptionError(
                f"the nodule reaches {reach:g} pixels from the centre",
                where="dataset.nodule",
                allowed=f"spacing * places / 2 + radius of at most {self.size // 2}",
            )
        if self.positive_class != self.classes[1]:
            raise OptionError(
                f"{self.positive_class!r} was given",
                where="dataset.positive_class",
                allowed=f"{self.classes[1]!r}, the class with the nodule",
            )

    @property
    @abstractmethod
    def modality(self) -> str:
        """Kind of image, for the report."""

    def card(self) -> DataCard:
        """Return what a reader must know of the data set."""
        return DataCard(
            name=self.name,
            title=self.title,
            modality=self.modality,
            licence="none needed: generated",
            citation="Burgess, Jacobson and Judy 2001, Medical Physics 28:419 (tissue, nodule)",
            source="generated from the option file",
            patients_known=True,
            known_issues=self.known_issues,
            waived_findings=self.waived_findings,
        )


class PhantomCases:
    """The cases of a phantom, each made when asked for; every second patient is abnormal.

    Args:
        options: Options of the phantom.
        number: Images of each patient.
        kind: What they are called in names of entries.
        axes: 2 for images, 3 for volumes.
    """

    def __init__(self, options: PhantomDataSet, number: int, kind: str, axes: int) -> None:
        self._patients, self._number, self._kind = options.patients, number, kind
        self._exposures = ExposureGenerator(
            options.size, options.tissue, options.nodule, options.noise, options.seed, axes=axes
        )
        self._observer = self._exposures.observer()
        self.exposure = lru_cache(maxsize=1)(self._make)  # image and truth ask for the same one

    @property
    def acquisition(self) -> None:
        """None: pixels are stored as they are read."""

    def entries(self) -> list[Entry]:
        """List every case: patients in order, the images of a patient together."""
        return self._patients.entries(self._number, self._kind)

    def place(self, position: int) -> tuple[int, int]:
        """Return the patient of an entry, and the number of the image within the patient."""
        return divmod(position, self._number)

    def ideal_score(self, position: int) -> float:
        """Return the log-likelihood ratio of the ideal observer, natural units."""
        return self._observer.log_likelihood_ratio(self.exposure(position).noisy)

    def _make(self, position: int) -> Exposure:
        patient, number = self.place(position)
        return self._exposures.make(patient, number, abnormal=patient % 2 == 1)
