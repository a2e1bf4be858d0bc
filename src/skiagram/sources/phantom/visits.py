"""Generated patients who are seen several times, with an ideal observer who remembers.

A lesion lies in the middle of every image, in tissue of a known spectrum. Its height differs from
patient to patient, and in the abnormal class it grows from visit to visit: so one image tells
little of what the change tells. How much of a patient's tissue and of the lesion's height lasts
from one visit to the next are options; with none of both, an earlier image tells nothing.

All images of a patient together are Gaussian, with class means that differ by heights c_j of the
lesion s at visits j = 1 … k. With the covariance M of tissue and noise, that of heights R, the
matrix S whose columns are s at each visit, t = SᵀM⁻¹g and G = SᵀM⁻¹S, the log-likelihood ratio is

    log Λ(g) = wᵀ (t − G (μ + c / 2)),    w = (I + R G)⁻¹ c

(Woodbury's identity; Barrett and Myers 2004, Foundations of Image Science, chapter 13), where μ are
the mean heights of the normal class. A covariate, the marker, is normal with unit variance and
another mean in the abnormal class; it adds to the ratio.
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy import fft

from skiagram.arrays import Floats
from skiagram.datasets.contract import GroundTruth, Mark, OpenSource
from skiagram.errors import refusal
from skiagram.readers.spaced_image import SpacedImage
from skiagram.seeding import stream
from skiagram.sources.phantom.image_model import (
    Exponent,
    Height,
    Nodule,
    as_stored,
    centred_nodule,
    colour_noise,
    column_weights,
    power_law_spectrum,
)
from skiagram.sources.phantom.source import GeneratedDataSet
from skiagram.strict import STRICT, AboveZero, Share, ShareAboveZero

MARKER = "marker"
_SPACING = (0.2, 0.2)  # mm


@dataclass(**STRICT)
class GrowingLesion:
    """The lesion that every patient has; heights are in standard deviations of tissue.

    Attributes:
        radius: In pixels; the profile is that of the designer nodule.
        height: Mean over patients of the normal class.
        spread: Standard deviation among patients.
        lasting: Correlation of a patient's heights between two visits, but for growth.
        contrast: How much higher it is in the abnormal class, at every visit.
        growth: How much it grows there from a visit to the next.
    """

    radius: AboveZero
    height: Height
    spread: Height
    lasting: Share
    contrast: Height
    growth: Height


@dataclass(**STRICT)
class PhantomVisits(GeneratedDataSet):
    """Options of the phantom of several visits.

    Attributes:
        size: Side of an image in pixels.
        visits: Of each patient, an image each.
        tissue_exponent: β of the tissue's spectrum, in both classes.
        shared: Correlation of a patient's tissue between two visits.
        noise: Standard deviation of white noise.
        lesion: The lesion.
        marker: Mean of the covariate `marker` in the abnormal class; in the normal class it is 0,
            its standard deviation 1.
    """

    modality: ClassVar[str] = "synthetic projection, {size} × {size} pixels, {visits} visits"

    size: Annotated[int, Field(ge=8, le=1024)]
    visits: Annotated[int, Field(ge=1, le=20)]
    tissue_exponent: Exponent
    shared: Share
    noise: ShareAboveZero
    lesion: GrowingLesion
    marker: Annotated[float, Field(ge=0, le=8)]

    def __post_init__(self) -> None:
        """Refuse a lesion that would reach over the border."""
        super().__post_init__()
        if self.lesion.radius > self.size // 2:
            raise refusal(
                "sources.large_radius",
                radius=self.lesion.radius,
                most=self.size // 2,
            )

    def open(self, root: Path | None) -> "OpenPhantomVisits":
        return OpenPhantomVisits(self)


class VisitObserver:
    """The ideal observer of the images of some visits in a row, as many as there are contrasts.

    Args:
        template: Half spectrum of the lesion of height 1.
        contrast: (k,) how much higher the lesion is in the abnormal class at each visit.
    """

    def __init__(
        self, options: PhantomVisits, template: NDArray[np.complex128], contrast: Floats
    ) -> None:
        """Prepare the weights of the images and of the heights that they tell.

        Of k images of a patient, M⁻¹ weighs each by itself (the first filter) and as one of all
        (the second): tissue that is shared between visits is the same in every image.

        Args:
            options: Of the phantom.
            template: (size, size // 2 + 1) half spectrum of the lesion of height 1.
            contrast: (k,) how much higher the lesion is in the abnormal class at each visit.
        """
        size, visits, lesion = options.size, len(contrast), options.lesion
        # Variance of a component within a visit, and of the sum over all of them.
        tissue = power_law_spectrum(size, options.tissue_exponent)
        visit_power = tissue * (1 - options.shared) + options.noise**2
        together = visit_power + visits * options.shared * tissue
        weights = np.stack([1 / visit_power, (1 / together - 1 / visit_power) / visits])
        # (2, size, size // 2 + 1): an image is weighed by itself, and as one of all
        self._filters = weights * template.conj() * column_weights(size) / size**2
        alone, among = (self._filters * template).sum(axis=(1, 2)).real
        self._gram = alone * np.eye(visits) + among
        # Covariance of the lesion's heights, of which `lasting` is common to all visits.
        spread = lesion.spread**2 * (lesion.lasting + (1 - lesion.lasting) * np.eye(visits))
        self._weight = np.linalg.solve(np.eye(visits) + spread @ self._gram, contrast)
        self._contrast, self._height = contrast, lesion.height

    def log_likelihood_ratio(self, images: Floats) -> float:
        """Compute log Λ, natural units; above 0 speaks for the abnormal class.

        Args:
            images: (k, size, size) of the visits in their order, the last one judged.
        """
        # t of the module's formula: what each image says of the lesion, alone and with the others.
        spectra = fft.rfft2(images)
        alone, among = ((spectra * weights).sum(axis=(1, 2)).real for weights in self._filters)
        middle = self._height + self._contrast / 2
        return float(self._weight @ (alone + among.sum() - self._gram @ middle))


class OpenPhantomVisits(OpenSource):
    """Makes the images of one phantom of several visits."""

    def __init__(self, options: PhantomVisits) -> None:
        """List the visits, and prepare tissue, lesion, markers and an observer for each visit.

        An observer of visit k has seen the k images up to it, so there are as many as there are
        visits.

        Args:
            options: Of the phantom.
        """
        self._options = options
        # The lesion of height 1 in the middle, and how high it is over the visits of the abnormal
        # class.
        nodule = Nodule(amplitude=1.0, radius=options.lesion.radius, places=1, spacing=1)
        middle = options.size // 2
        self._lesion = np.roll(centred_nodule(options.size, nodule), (middle, middle), (0, 1))
        self._template = fft.rfft2(self._lesion)
        self._tissue = power_law_spectrum(options.size, options.tissue_exponent)
        visits = range(options.visits)
        steps = np.array(visits, dtype=np.float64)
        self._contrast: Floats = options.lesion.contrast + options.lesion.growth * steps
        self._observers = [
            VisitObserver(options, self._template, self._contrast[: k + 1]) for k in visits
        ]
        self._images = lru_cache(maxsize=1)(self._make)
        # patients in order, their visits in order
        self.entries = options.patients.entries(options.visits, "visit")
        patient, number = np.divmod(self.entries.index, options.visits)
        # The covariate is drawn once a patient, and is the same at every visit.
        self._markers = {
            each: float(stream(options.seed, "marker", each).standard_normal())
            + options.marker * (each % 2)
            for each in sorted(set(patient.tolist()))
        }
        markers = [self._markers[each] for each in patient.tolist()]
        seen = pd.DataFrame({"visit": number + 1, "region": ""})
        self.known = {"covariates": pd.DataFrame({MARKER: markers}), "visits": seen}

    def image(self, position: int) -> SpacedImage:
        """Make what the pipeline sees: (size, size) float32.

        Args:
            position: Row of `entries`; patients in order, their visits in order.
        """
        patient, number = divmod(position, self._options.visits)
        return SpacedImage(as_stored(self._images(patient)[1][number]), _SPACING)

    def truth(self, position: int) -> GroundTruth:
        """Tell the clean image, the lesion's place, and what the ideal observer says.

        The observer knows the image, all earlier ones of the patient, and the marker, whose
        log-likelihood ratio is m x − m² / 2 for a mean of m and unit variance.

        Args:
            position: Row of `entries`.
        """
        patient, number = divmod(position, self._options.visits)
        clean, noisy = self._images(patient)
        score = self._observers[number].log_likelihood_ratio(noisy[: number + 1])
        mean = self._options.marker
        score += mean * self._markers[patient] - mean**2 / 2
        middle = float(self._options.size // 2)
        return GroundTruth(as_stored(clean[number]), score, (middle, middle))

    def marks(self, position: int) -> tuple[Mark, ...]:
        """Mark the lesion, which both classes have in the middle of every image."""
        middle = float(self._options.size // 2)
        return (Mark((middle, middle), self._options.lesion.radius),)

    def _make(self, patient: int) -> tuple[Floats, Floats]:
        """Make the (visits, size, size) images of a patient, without noise and with it."""
        options, lesion = self._options, self._options.lesion
        generator = stream(options.seed, "visits", patient)
        shape = (options.visits, *self._lesion.shape)
        # Tissue, of which `shared` stays from visit to visit.
        white = np.sqrt(options.shared) * generator.standard_normal(self._lesion.shape)
        white = white + np.sqrt(1 - options.shared) * generator.standard_normal(shape)
        tissue = np.stack([colour_noise(image, self._tissue) for image in white])
        # Heights of the lesion, of which `lasting` stays, and growth where the patient is abnormal.
        heights = np.sqrt(lesion.lasting) * generator.standard_normal()
        heights += np.sqrt(1 - lesion.lasting) * generator.standard_normal(options.visits)
        heights = lesion.height + lesion.spread * heights + self._contrast * (patient % 2)
        clean = tissue + heights[:, None, None] * self._lesion
        return clean, clean + options.noise * generator.standard_normal(shape)
