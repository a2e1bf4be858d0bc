"""Images of the phantom, their ideal observer, and how they are digitised.

Mammographic tissue has a power spectrum c / f^β with β ≈ 3, and the designer nodule
(1 − (r/R)²)^1.5 has the profile of a projected mass (Burgess, Jacobson and Judy 2001, Med Phys
28:419, doi:10.1118/1.1355308). All fields are periodic, so their covariance is diagonal in Fourier
space. In a volume the tissue has the spectrum whose slices through the origin are those of its
projections, and the nodule is the ball whose projection is the designer nodule. Every image is a
function of seed, patient and its number within the patient.

The ideal observer scores an image by its exact log-likelihood ratio; no model can tell the classes
apart better (Barrett and Myers 2004, Foundations of Image Science, chapter 13). With class spectra
P₀ and P₁ (tissue and noise), a nodule s at an unknown place x of known prior, and K₁ the covariance
of the abnormal class:

    log Λ(g) = ½ Σ|G|² (1/P₀ − 1/P₁) / N² + ½ Σ log(P₀/P₁) + log mean over x of exp(A_x − d²/2)

where A_x = ⟨s_x, K₁⁻¹g⟩ is one correlation, d² = ⟨s, K₁⁻¹s⟩ and sums run over the full spectrum.
In volumes N² becomes N³.

An image reaches the pipeline digitised, with faults, as a DICOM file. Faults are drawn alike in
both classes, so they hide the label and never tell it.
"""

import functools
import operator
from io import BytesIO
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from scipy import fft

from skiagram.arrays import Floats, Singles, Whole
from skiagram.strict import STRICT, AboveZero, OneOrMore, Share, ZeroOrMore

Exponent = Annotated[float, Field(ge=0, le=4)]
Height = Annotated[float, Field(ge=0, le=8)]


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
    shared: Share


@dataclass(**STRICT)
class Nodule:
    """The designer nodule of the abnormal class.

    Attributes:
        amplitude: Height at the centre, in standard deviations of tissue.
        radius: R in pixels.
        places: Places a side of the grid on which it is centred.
        spacing: Distance between neighbouring places in pixels.
    """

    amplitude: Height
    radius: AboveZero
    places: OneOrMore
    spacing: OneOrMore


def power_law_spectrum(size: int, exponent: float, axes: int = 2) -> Floats:
    """Compute the half spectrum of a field of unit variance, power ~ f^−β.

    The constant component has the power of the lowest frequency: a share of an image's brightness
    is then tissue, and a nodule cannot be told by the image's mean alone.

    Args:
        size: Side in pixels or voxels.
        exponent: β; 3 for mammographic tissue.
        axes: 2 for images, 3 for volumes.

    Returns:
        (size, …, size // 2 + 1) variance of each Fourier component a pixel; its mean over the full
        spectrum is 1.
    """
    along = [fft.fftfreq(size, 1 / size)] * (axes - 1) + [fft.rfftfreq(size, 1 / size)]
    frequency: Floats = functools.reduce(np.hypot, np.meshgrid(*along, indexing="ij", sparse=True))
    frequency[(0,) * axes] = 1
    power: Floats = frequency**-exponent
    power /= (power * column_weights(size)).sum() / size**axes
    return power


def column_weights(size: int) -> Floats:
    """Count how often each column of a half spectrum stands in the full one: (size // 2 + 1,).

    The transform of a real field is symmetric, so all columns stand for two but the constant one
    and, of an even size, the highest frequency.
    """
    count = np.full(size // 2 + 1, 2.0)
    count[0] = 1
    if size % 2 == 0:
        count[-1] = 1
    return count


def as_stored(field: Floats) -> Singles:
    """Turn a field into an image as the pipeline sees it, float32.

    Args:
        field: (size, size), or (size, size, size), which gets an axis for its one channel.
    """
    pixels: Singles = field.astype(np.float32)
    return pixels if field.ndim == 2 else pixels[..., None]


def colour_noise(white: Floats, spectrum: Floats) -> Floats:
    """Give white noise a spectrum.

    Args:
        white: (size, size) or (size, size, size) standard normal numbers.
        spectrum: (size, …, size // 2 + 1) half spectrum, as `power_law_spectrum` makes it.

    Returns:
        A periodic field of the same shape, whose covariance is the transform of the spectrum.
    """
    field: Floats = fft.irfftn(fft.rfftn(white) * np.sqrt(spectrum), s=white.shape)
    return field


def centred_nodule(size: int, nodule: Nodule, axes: int = 2) -> Floats:
    """Draw the nodule with its centre on the first pixel, wrapped around borders.

    In a volume a ball (1 − (r/R)²) has the designer nodule's profile (1 − (r/R)²)^1.5 for its
    projection.

    Args:
        size: Side of the field in pixels.
        nodule: Its height and radius.
        axes: 2 for images, 3 for volumes.

    Returns:
        (size, …) heights, in standard deviations of tissue; 0 beyond the radius.
    """
    offset = [fft.fftfreq(size, 1 / size) ** 2] * axes
    apart = functools.reduce(operator.add, np.meshgrid(*offset, indexing="ij", sparse=True))
    height = np.clip(1 - apart / nodule.radius**2, 0, None)
    profile: Floats = nodule.amplitude * height ** (2.5 - axes / 2)
    return profile


def nodule_places(size: int, nodule: Nodule) -> Whole:
    """List (places,) the rows, and likewise columns, on which a nodule may be centred.

    They lie `spacing` pixels apart around the middle.
    """
    steps = np.arange(nodule.places, dtype=np.int64) - nodule.places // 2
    return size // 2 + nodule.spacing * steps


class IdealObserver:
    """Scores images of one phantom.

    Args:
        normal: (size, …, size // 2 + 1) half spectrum of the normal class, noise included.
        nodule: (size, size) or (size, size, size) nodule centred on the first pixel.
        places: (m,) places along each axis on which the nodule is centred with equal probability.
    """

    def __init__(self, normal: Floats, abnormal: Floats, nodule: Floats, places: Whole) -> None:
        """Prepare all terms that do not depend on the image.

        Args:
            normal: (size, …, size // 2 + 1) half spectrum of the normal class, noise included.
            abnormal: The same of the abnormal class, without the nodule.
            nodule: (size, size) or (size, size, size) nodule centred on the first pixel.
            places: (m,) places along each axis on which the nodule is centred with equal
                probability.
        """
        size = len(nodule)
        count = column_weights(size)
        template = fft.rfftn(nodule)
        # The terms of the texture: ½ (1/P₀ − 1/P₁) / N² and ½ Σ log(P₀/P₁).
        self._texture = count * (1 / normal - 1 / abnormal) / (2 * nodule.size)
        self._volume = float((count * np.log(normal / abnormal)).sum() / 2)
        # The nodule's: K₁⁻¹s, d² / 2, and the prior of each place.
        self._filter = template.conj() / abnormal
        energy = float((count * np.abs(template) ** 2 / abnormal).sum() / nodule.size)
        self._offset = energy / 2 + nodule.ndim * np.log(len(places))
        self._places = np.ix_(*[places] * nodule.ndim)

    def log_likelihood_ratio(self, image: Floats) -> float:
        """Compute log Λ of one image, natural units; above 0 speaks for the abnormal class.

        Args:
            image: (size, …) before it is digitised.
        """
        spectrum = fft.rfftn(image)
        texture = float((np.abs(spectrum) ** 2 * self._texture).sum()) + self._volume
        matched = self._matched(spectrum, image.shape)
        # The logarithm of a mean of exponentials, of which the highest is taken out: they overflow.
        highest = matched.max()
        nodule = highest + np.log(np.exp(matched - highest).sum()) - self._offset
        return texture + float(nodule)

    def place_probability(self, image: Floats) -> Floats:
        """Compute the probability of each pixel to be the centre, given that there is a nodule.

        Args:
            image: (size, …) as the pipeline sees it, without missing pixels.

        Returns:
            Of the same shape; its sum is 1, and it is 0 off the grid of places.
        """
        matched = self._matched(fft.rfftn(image), image.shape)
        weight = np.exp(matched - matched.max())
        probability = np.zeros(image.shape)
        probability[self._places] = weight / weight.sum()
        return probability

    def _matched(self, spectrum: Floats, shape: tuple[int, ...]) -> Floats:
        """Correlate an image's half spectrum with the nodule at its places: A_x = ⟨s_x, K₁⁻¹g⟩."""
        matched: Floats = fft.irfftn(spectrum * self._filter, s=shape)[self._places]
        return matched


class Exposure(NamedTuple):
    """One image or volume before digitisation: tissue and nodule, without and with noise.

    Attributes:
        place: [Slice,] row and column of the nodule's centre; NaN without a nodule.
    """

    clean: Floats
    noisy: Floats
    place: tuple[float, ...]


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

    missing_pixels: ZeroOrMore
    hot_pixels: ZeroOrMore
    dead_rows: ZeroOrMore


def add_faults(stored: Stored, faults: Faults, generator: np.random.Generator) -> Stored:
    """Put faults at random places; missing and hot pixels win over dead rows.

    Args:
        stored: (size, size) uint16, left as it is.
        faults: How many of each kind.
        generator: Draws the places, which do not depend on the image.

    Returns:
        A copy with `LOWEST` along dead rows, `HIGHEST` at hot pixels and `PADDING` at missing ones.
    """
    faulty = stored.copy()
    faulty[generator.choice(len(stored), faults.dead_rows, replace=False)] = LOWEST
    places = generator.choice(
        stored.size, faults.hot_pixels + faults.missing_pixels, replace=False, shuffle=True
    )
    faulty.flat[places[: faults.hot_pixels]] = HIGHEST
    faulty.flat[places[faults.hot_pixels :]] = PADDING
    return faulty


def write_dicom(stored: Stored, patient: int, position: int) -> BytesIO:
    """Write an image as a Secondary Capture file in memory.

    Args:
        stored: (rows, columns) uint16; `PADDING` is no value.
        patient: Number of the patient, from 0, of whom the names say that they are synthetic.
        position: Number of the image, of which its UID is made.

    Returns:
        The file, at its beginning; its values are `SLOPE` · stored + `INTERCEPT`.
    """
    # A Secondary Capture of no patient: every name says that it is synthetic.
    header = Dataset()
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    kind, uid = SecondaryCaptureImageStorage, f"{_UID_ROOT}.{position + 1}"
    header.SOPClassUID = header.file_meta.MediaStorageSOPClassUID = kind
    header.SOPInstanceUID = header.file_meta.MediaStorageSOPInstanceUID = uid
    identity = f"PHANTOM-{patient + 1:04d}"
    header.PatientName, header.PatientID = f"SYNTHETIC^{identity}", identity
    header.Modality = "OT"
    # Gray of 16 bits, with padding and a scale of values.
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.Rows, header.Columns = stored.shape
    header.PixelSpacing = [SPACING, SPACING]
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation = 15, 0
    header.PixelPaddingValue = PADDING
    header.RescaleSlope, header.RescaleIntercept = SLOPE, INTERCEPT
    header.RescaleType = "US"
    header.PixelData = stored.tobytes()
    file = BytesIO()
    header.save_as(file, enforce_file_format=True)
    file.seek(0)
    return file
