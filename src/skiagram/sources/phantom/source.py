"""Generated images and volumes whose best possible score is known exactly.

An image is tissue and quantum noise; an abnormal one has tissue of a slightly other spectrum and a
nodule at a random place. Images of a patient share a part of their tissue. Every image is a
function of the phantom's seed, its patient and its number within the patient, so it is made when
asked for and never kept.

Volumes are made alike, with a third axis: the nodule is a ball whose projection is the designer
nodule. They reach the pipeline as they are made, without faults.
"""

from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, get_args

import numpy as np
import pandas as pd
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.datasets.contract import GroundTruth, Mark, OpenSource, tabulate_entries
from skiagram.errors import refusal
from skiagram.readers.dicom import read_dicom
from skiagram.readers.spaced_image import SpacedImage
from skiagram.seeding import stream
from skiagram.sources.phantom.image_model import (
    HIGHEST,
    INTERCEPT,
    LOWEST,
    SLOPE,
    Exposure,
    Faults,
    IdealObserver,
    Nodule,
    Tissue,
    add_faults,
    as_stored,
    centred_nodule,
    colour_noise,
    nodule_places,
    power_law_spectrum,
    write_dicom,
)
from skiagram.strict import STRICT, ShareAboveZero, ZeroOrMore
from skiagram.tasks.cases import DataCard, Split


@dataclass(**STRICT)
class Patients:
    """Number of patients in each split; every second one is abnormal."""

    train: Annotated[int, Field(ge=2, le=1_000_000)]
    validation: Annotated[int, Field(ge=0, le=1_000_000)]
    test: Annotated[int, Field(ge=2, le=1_000_000)]

    def entries(self, each: int, kind: str) -> pd.DataFrame:
        """List every image: patients in order, the images of a patient together.

        Args:
            each: Images of every patient.
            kind: Word for one of them, in names that never leave ingest.

        Returns:
            A row an image, as `tabulate_entries` makes them; its label is the parity of the
            patient, so that every split has as many patients of either class, but for one.
        """
        counts = np.array([self.train, self.validation, self.test])
        splits = np.repeat(get_args(Split), counts * each).tolist()
        patient, number = np.divmod(np.arange(len(splits)), each)
        places = zip(patient.tolist(), number.tolist(), strict=True)
        names = [f"phantom patient {one}, {kind} {place}" for one, place in places]
        return tabulate_entries(names, patient.astype(str).tolist(), patient % 2, splits)


@dataclass(**STRICT)
class GeneratedDataSet:
    """Options of everything that is generated.

    Attributes:
        name: Short name.
        title: Name for people.
        classes: Names of the normal and of the abnormal class.
        positive_class: The second of `classes`.
        known_issues: What a reader of the report must know.
        waived_findings: Audit finding → reason why it does not stop the run.
        modality: Kind of image, for the report, where names in braces stand for options.
        seed: Seed of the draw, apart from the seed of training.
        patients: Patients in each split.
    """

    name: str
    title: str
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=2)]
    positive_class: str
    known_issues: tuple[str, ...]
    waived_findings: dict[str, str]
    seed: ZeroOrMore
    patients: Patients

    outcome: ClassVar[None] = None  # classes are told apart
    modality: ClassVar[str]

    def __post_init__(self) -> None:
        if self.positive_class != self.classes[1]:
            raise refusal(
                "sources.positive_of_phantom",
                positive_class=self.positive_class,
                class_name=self.classes[1],
            )

    def card(self) -> DataCard:
        """Say what a reader of the report must know; the citation is that of the method."""
        return DataCard(
            name=self.name,
            title=self.title,
            modality=self.modality.format_map(vars(self)),
            licence="none needed: generated",
            citation="Burgess, Jacobson and Judy 2001, Medical Physics 28:419 (tissue, nodule)",
            source="generated from the config",
            patients_known=True,
            known_issues=self.known_issues,
            waived_findings=self.waived_findings,
        )


@dataclass(**STRICT)
class PhantomDataSet(GeneratedDataSet):
    """Options of phantoms whose abnormal class has a nodule.

    Attributes:
        size: Side in pixels or voxels.
        tissue: The tissue.
        noise: Standard deviation of the noise, tissue having 1.
        nodule: The nodule; its places are a grid with as many axes as the images.
    """

    size: Annotated[int, Field(ge=8, le=1024)]
    tissue: Tissue
    noise: ShareAboveZero
    nodule: Nodule

    def __post_init__(self) -> None:
        """Refuse places from which a nodule would reach over the border: fields wrap around."""
        super().__post_init__()
        reach = self.nodule.spacing * (self.nodule.places // 2) + self.nodule.radius
        if reach > self.size // 2:
            raise refusal("sources.nodule_beyond", reach=reach, half=self.size // 2)


class PhantomCases(OpenSource):
    """The cases of a phantom, each made when asked for; every second patient is abnormal."""

    def __init__(self, options: PhantomDataSet, number: int, kind: str, axes: int) -> None:
        """Prepare what all images have in common: spectra, the nodule, its places and the observer.

        Args:
            options: Of the phantom.
            number: Images of each patient.
            kind: Word for one of them, in names that never leave ingest.
            axes: 2 for images, 3 for volumes.
        """
        # Patients and their images, and the share of tissue that these have in common.
        size, tissue, nodule = options.size, options.tissue, options.nodule
        self.entries, self._number = options.patients.entries(number, kind), number
        self._seed, self._noise, self._radius = options.seed, options.noise, nodule.radius
        self._weights = np.sqrt([tissue.shared, 1 - tissue.shared])
        # Half spectra of both classes, and the nodule wherever it may lie.
        exponents = tissue.normal_exponent, tissue.abnormal_exponent
        self._spectra = [power_law_spectrum(size, exponent, axes) for exponent in exponents]
        self._nodule = centred_nodule(size, nodule, axes)
        self._places = nodule_places(size, nodule)
        # White noise adds the same power to every component.
        normal, abnormal = (spectrum + self._noise**2 for spectrum in self._spectra)
        self.observer = IdealObserver(normal, abnormal, self._nodule, self._places)
        self.exposure = lru_cache(maxsize=1)(self._make)  # image and truth ask for the same one

    def place(self, position: int) -> tuple[int, int]:
        """Find the patient of an entry, and the image's number within the patient, from 0."""
        return divmod(position, self._number)

    def truth(self, position: int) -> GroundTruth:
        """Tell the clean image, the ideal score of the noisy one and the nodule's place.

        The score is of the image before faults, in natural units of log Λ: no model that sees the
        image with faults can do better. The clean image is as the site's device shows it.

        Args:
            position: Row of `entries`.
        """
        exposure, (patient, _) = self.exposure(position), self.place(position)
        score = self.observer.log_likelihood_ratio(exposure.noisy)
        return GroundTruth(as_stored(self.shown(exposure.clean, patient)), score, exposure.place)

    def image(self, position: int) -> SpacedImage:
        """Make what the pipeline sees, (size, size) or (size, size, size, 1) float32.

        Args:
            position: Row of `entries`.
        """
        return SpacedImage(as_stored(self.exposure(position).noisy))

    def shown(self, image: Floats, patient: int) -> Floats:
        """Show an image as the device of the patient's site does; without sites it stays as it is.

        Args:
            image: (size, …) in standard deviations of tissue.
            patient: Number of the patient, from 0.
        """
        return image

    def marks(self, position: int) -> tuple[Mark, ...]:
        """Mark the nodule of an abnormal image, with the radius beyond which it has no height."""
        place = self.exposure(position).place
        return () if np.isnan(place).any() else (Mark(place, self._radius),)

    def _make(self, position: int) -> Exposure:
        """Make one image or volume from the seed, the patient and the number within the patient.

        Streams have names of their own, so that an image stays what it is whatever others are made
        before it, and the nodule's place is drawn in both classes: tissue and noise are then the
        same whether there is a nodule or not.
        """
        (patient, number), shape = self.place(position), self._nodule.shape
        # Every second patient is abnormal.
        abnormal = patient % 2 == 1
        image_stream = stream(self._seed, "image", patient, number)
        place = image_stream.choice(self._places, len(shape))
        # Tissue of variance 1, of which `shared` is common to the patient's images.
        shared_white = stream(self._seed, "patient", patient).standard_normal(shape)
        white = self._weights[0] * shared_white + self._weights[1] * image_stream.standard_normal(
            shape
        )
        clean = colour_noise(white, self._spectra[abnormal])
        # The nodule is kept on the first pixel, and is turned to its place around the borders.
        if abnormal:
            clean += np.roll(self._nodule, place, axis=tuple(range(len(shape))))
        centre = tuple(float(coordinate) if abnormal else float("nan") for coordinate in place)
        return Exposure(clean, clean + self._noise * image_stream.standard_normal(shape), centre)


@dataclass(**STRICT)
class Scanner:
    """How a site's device shows an image: value = gain · value + offset.

    Attributes:
        gain: > 0.
        offset: In standard deviations of tissue.
    """

    gain: Annotated[float, Field(gt=0, le=4)]
    offset: Annotated[float, Field(ge=-4, le=4)]


@dataclass(**STRICT)
class Phantom(PhantomDataSet):
    """Options of the phantom.

    Attributes:
        size: Side of an image in pixels.
        images_per_patient: Images of each patient.
        faults: Faults in the copy that the pipeline sees.
        sites: Name → device of each site, the covariate `site`; patients of both classes go round
            them, and the ideal observer's score is the same. Empty for one without a name.
    """

    modality: ClassVar[str] = "synthetic projection, {size} × {size} pixels"

    size: Annotated[int, Field(ge=16, le=1024)]
    images_per_patient: Annotated[int, Field(ge=1, le=1000)]
    faults: Faults
    sites: dict[str, Scanner] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse so many faults that half of the rows, or of the pixels, would be lost."""
        super().__post_init__()
        single = self.faults.missing_pixels + self.faults.hot_pixels
        for faults, pixels, where in (
            (self.faults.dead_rows, self.size, "dataset.faults.dead_rows"),
            (single, self.size**2, "dataset.faults"),
        ):
            if faults >= pixels // 2:
                raise refusal("sources.too_many_faults", where, faults=faults, pixels=pixels)

    def open(self, root: Path | None) -> "OpenPhantom":
        return OpenPhantom(self)


class OpenPhantom(PhantomCases):
    """Makes the images of one phantom."""

    def __init__(self, options: Phantom) -> None:
        """Prepare the images, and the site of every patient where the options have several.

        Args:
            options: Of the phantom.
        """
        super().__init__(options, options.images_per_patient, "image", axes=2)
        self._options, names = options, sorted(options.sites)
        # Every second patient is abnormal: patients go round the sites in pairs, so that each site
        # has as many of either class.
        patients = [self.place(position)[0] for position in self.entries.index]
        self._site = {each: names[each // 2 % len(names)] for each in patients if names}
        if names:
            sites = pd.DataFrame({"site": [self._site[each] for each in patients]})
            self.known = {"covariates": sites}

    def image(self, position: int) -> SpacedImage:
        """Make what the pipeline sees: (size, size) float32 as read back from DICOM.

        Faults are drawn from a stream of their own, alike in both classes. Missing pixels are NaN,
        values are in steps of 2⁻¹¹ of tissue's deviation, and the distance of pixels is 0.2 mm.

        Args:
            position: Row of `entries`.
        """
        patient, number = self.place(position)
        generator = stream(self._options.seed, "faults", patient, number)
        # what is stored, which a line makes values of, clipped
        shown = self.shown(self.exposure(position).noisy, patient)
        steps = np.rint((shown - INTERCEPT) / SLOPE)
        stored = np.clip(steps, LOWEST, HIGHEST).astype(np.uint16)
        faulty = add_faults(stored, self._options.faults, generator)
        return read_dicom(write_dicom(faulty, patient, position))

    def shown(self, image: Floats, patient: int) -> Floats:
        """Show an image as the device of the patient's site does: gain · image + offset."""
        if not self._site:
            return image
        scanner = self._options.sites[self._site[patient]]
        return scanner.gain * image + scanner.offset


@dataclass(**STRICT)
class PhantomVolumes(PhantomDataSet):
    """Options of the phantom of volumes.

    Attributes:
        size: Side of a volume in voxels.
        volumes_per_patient: Volumes of each patient.
    """

    modality: ClassVar[str] = "synthetic volume, {size} × {size} × {size} voxels"

    size: Annotated[int, Field(ge=8, le=128)]
    volumes_per_patient: Annotated[int, Field(ge=1, le=1000)]

    def open(self, root: Path | None) -> PhantomCases:
        return PhantomCases(self, self.volumes_per_patient, "volume", axes=3)
