"""Images of the phantom before they are digitised, and how sure the ideal observer is of each.

Every image is a function of seed, patient and its number within the patient.
"""

from dataclasses import dataclass

import numpy as np

from skiagram.datasets.phantom.observer import IdealObserver
from skiagram.datasets.phantom.tissue import (
    Field,
    Nodule,
    Tissue,
    centred_nodule,
    coloured,
    nodule_places,
    power_law_spectrum,
)
from skiagram.seeding import stream


@dataclass(frozen=True)
class Exposure:
    """One image before digitisation.

    Attributes:
        clean: (size, size) or (size, size, size) tissue and nodule.
        noisy: The same with quantum noise.
        place: (2,) or (3,) [slice,] row and column of the nodule's centre; NaN without a nodule.
    """

    clean: Field
    noisy: Field
    place: tuple[float, ...]


class Exposures:
    """Makes exposures on demand.

    Args:
        size: Side of an image in pixels.
        tissue: Options of the tissue.
        nodule: Options of the nodule.
        noise: Standard deviation of the white quantum noise.
        seed: Seed of the draw.
        axes: 2 for images, 3 for volumes.
    """

    def __init__(
        self, size: int, tissue: Tissue, nodule: Nodule, noise: float, seed: int, axes: int = 2
    ) -> None:
        self._seed = seed
        self._noise = noise
        self._weights = np.sqrt([tissue.shared, 1 - tissue.shared])
        self._spectra = (
            power_law_spectrum(size, tissue.normal_exponent, axes),
            power_law_spectrum(size, tissue.abnormal_exponent, axes),
        )
        self._nodule = centred_nodule(size, nodule, axes)
        self._places = nodule_places(size, nodule)

    def observer(self) -> IdealObserver:
        """Return the ideal observer of these images."""
        normal, abnormal = (spectrum + self._noise**2 for spectrum in self._spectra)
        return IdealObserver(normal, abnormal, self._nodule, self._places)

    def make(self, patient: int, number: int, *, abnormal: bool) -> Exposure:
        """Make one image.

        Args:
            patient: Number of the patient.
            number: Number of the image within the patient.
            abnormal: Class of the patient.
        """
        shape = self._nodule.shape
        own = stream(self._seed, "image", patient, number)
        place = own.choice(self._places, len(shape))
        shared_white = stream(self._seed, "patient", patient).standard_normal(shape)
        white = self._weights[0] * shared_white + self._weights[1] * own.standard_normal(shape)
        clean = coloured(white, self._spectra[abnormal])
        if abnormal:
            clean += np.roll(self._nodule, place, axis=tuple(range(len(shape))))
        centre = tuple(float(at) if abnormal else float("nan") for at in place)
        return Exposure(clean, clean + self._noise * own.standard_normal(shape), centre)
