"""What the phantom is made of: tissue with a power-law spectrum, and a designer nodule.

Mammographic tissue has a power spectrum c / f^β with β ≈ 3, and the designer nodule
(1 − (r/R)²)^1.5 has the profile of a projected mass (Burgess, Jacobson and Judy 2001, Med Phys
28:419, doi:10.1118/1.1355308). All fields are periodic, so their covariance is diagonal in Fourier
space. In a volume the tissue has the spectrum whose slices through the origin are those of its
projections, and the nodule is the ball whose projection is the designer nodule.
"""

import functools
import operator
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field as Limits
from pydantic.dataclasses import dataclass
from scipy import fft

from skiagram.options import STRICT

Field = NDArray[np.float64]
Exponent = Annotated[float, Limits(ge=0, le=4)]


@dataclass(**STRICT)
class Tissue:
    """Spectra of tissue; its variance is 1.

    Attributes:
        normal_exponent: β of the normal class.
        abnormal_exponent: β of the abnormal class.
        shared: ρ, correlation between the tissue of two images of a patient.
    """

    normal_exponent: Exponent
    abnormal_exponent: Exponent
    shared: Annotated[float, Limits(ge=0, le=1)]


@dataclass(**STRICT)
class Nodule:
    """The designer nodule of the abnormal class.

    Attributes:
        amplitude: Height at the centre, in standard deviations of tissue.
        radius: R in pixels.
        places: Places a side of the grid on which it is centred.
        spacing: Distance between neighbouring places in pixels.
    """

    amplitude: Annotated[float, Limits(ge=0, le=8)]
    radius: Annotated[float, Limits(gt=0)]
    places: Annotated[int, Limits(ge=1)]
    spacing: Annotated[int, Limits(ge=1)]


def power_law_spectrum(size: int, exponent: float, axes: int = 2) -> Field:
    """Return the half spectrum of a field of unit variance.

    The constant component has the power of the lowest frequency: a share of an image's brightness
    is then tissue, and a nodule cannot be told by the image's mean alone.

    Args:
        size: Side of the image in pixels.
        exponent: β, ≥ 0.
        axes: 2 for an image, 3 for a volume.

    Returns:
        (size, …, size // 2 + 1) variance of each Fourier component a pixel; its mean over the full
        spectrum is 1.
    """
    along = [fft.fftfreq(size, 1 / size)] * (axes - 1) + [fft.rfftfreq(size, 1 / size)]
    frequency: Field = functools.reduce(np.hypot, np.meshgrid(*along, indexing="ij", sparse=True))
    frequency[(0,) * axes] = 1
    power: Field = frequency**-exponent
    power /= (power * multiplicity(size)).sum() / size**axes
    return power


def multiplicity(size: int) -> Field:
    """Return (size // 2 + 1,) how often each column of a half spectrum stands in the full one."""
    count = np.full(size // 2 + 1, 2.0)
    count[0] = 1
    if size % 2 == 0:
        count[-1] = 1
    return count


def coloured(white: Field, spectrum: Field) -> Field:
    """Give white noise a spectrum.

    Args:
        white: (size, size) or (size, size, size) independent standard normal numbers.
        spectrum: (size, …, size // 2 + 1) half spectrum.
    """
    field: Field = fft.irfftn(fft.rfftn(white) * np.sqrt(spectrum), s=white.shape)
    return field


def centred_nodule(size: int, nodule: Nodule, axes: int = 2) -> Field:
    """Return the nodule with its centre on the first pixel, wrapped around borders.

    Args:
        size: Side of the image in pixels.
        nodule: The nodule.
        axes: 2 for an image, 3 for a volume, where a ball (1 − (r/R)²) has the designer nodule's
            profile for its projection.

    Returns:
        (size, size) or (size, size, size).
    """
    offset = [fft.fftfreq(size, 1 / size) ** 2] * axes
    apart = functools.reduce(operator.add, np.meshgrid(*offset, indexing="ij", sparse=True))
    height = np.clip(1 - apart / nodule.radius**2, 0, None)
    profile: Field = nodule.amplitude * height ** (2.5 - axes / 2)
    return profile


def nodule_places(size: int, nodule: Nodule) -> NDArray[np.int64]:
    """Return (places,) the rows, and likewise columns, on which a nodule may be centred."""
    steps = np.arange(nodule.places, dtype=np.int64) - nodule.places // 2
    return size // 2 + nodule.spacing * steps
