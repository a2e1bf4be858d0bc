"""Generated volumes with a region of interest, whose best possible score is known exactly.

Each volume has a ball, its region, of one of several radii at a random place, drawn alike in both
classes. Inside it the texture has another spectrum in the abnormal class, and another level;
outside it is tissue that tells nothing. So the mask alone tells nothing either, and a model that
looks at the whole volume sees little of what the region holds.

What lies outside is independent of the class and of what lies inside, so the likelihood ratio is
that of the voxels x inside, which are normal with mean μ and covariance Σ of their class (texture
and noise; of a stationary texture, so that it depends on the radius alone):

    log Λ(x) = ½ (x−μ₀)ᵀΣ₀⁻¹(x−μ₀) − ½ (x−μ₁)ᵀΣ₁⁻¹(x−μ₁) + ½ log(|Σ₀| / |Σ₁|)
"""

from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy import fft, linalg

from skiagram.arrays import Flags, Floats, Whole
from skiagram.datasets.contract import GroundTruth, OpenSource
from skiagram.errors import refusal
from skiagram.images import Region
from skiagram.readers.spaced_image import SpacedImage
from skiagram.seeding import stream
from skiagram.sources.phantom.image_model import (
    Exponent,
    as_stored,
    colour_noise,
    power_law_spectrum,
)
from skiagram.sources.phantom.source import GeneratedDataSet
from skiagram.strict import STRICT, OneOrMore, ShareAboveZero

_SPACING = (1.0, 1.0, 1.0)  # mm


@dataclass(**STRICT)
class DrawnLesion:
    """The region of interest of each volume.

    Attributes:
        radii: Radii of the ball in voxels, each as often.
        places: Places along each axis on which it is centred.
        spacing: Distance between neighbouring places in voxels.
        level: Mean inside in the normal class, in standard deviations of the texture; outside it
            is 0.
        contrast: How much higher it is in the abnormal class.
        normal_exponent: β of the texture inside, in the normal class.
        abnormal_exponent: β in the abnormal class.
    """

    radii: Annotated[tuple[Annotated[float, Field(ge=1)], ...], Field(min_length=1)]
    places: OneOrMore
    spacing: OneOrMore
    level: Annotated[float, Field(ge=-8, le=8)]
    contrast: Annotated[float, Field(ge=-8, le=8)]
    normal_exponent: Exponent
    abnormal_exponent: Exponent


@dataclass(**STRICT)
class PhantomRegions(GeneratedDataSet):
    """Options of the phantom with regions of interest.

    Attributes:
        size: Side of a volume in voxels.
        tissue_exponent: β of the tissue outside the regions; its variance is 1, as inside.
        noise: Standard deviation of the noise.
        lesion: The regions.
    """

    modality: ClassVar[str] = "synthetic volume with a region, {size} × {size} × {size} voxels"

    size: Annotated[int, Field(ge=8, le=128)]
    tissue_exponent: Exponent
    noise: ShareAboveZero
    lesion: DrawnLesion

    def __post_init__(self) -> None:
        """Refuse a region that would reach the border, behind which the texture wraps around."""
        super().__post_init__()
        lesion = self.lesion
        reach = lesion.spacing * (lesion.places // 2) + max(lesion.radii)
        if reach >= self.size // 2:
            raise refusal("sources.lesion_beyond", reach=reach, half=self.size // 2)

    def open(self, root: Path | None) -> "OpenPhantomRegions":
        return OpenPhantomRegions(self)


class RegionObserver:
    """The ideal observer of regions of one shape.

    Args:
        inside: (size, size, size), the region anywhere.
        covariance: Of both classes: (size, size, size), by the distance of two voxels, noise
            included.
        mean: Of both classes.
    """

    def __init__(
        self,
        inside: Flags,
        covariance: tuple[Floats, Floats],
        mean: tuple[float, float],
    ) -> None:
        """Factor the covariance of the voxels inside, once for a radius.

        Args:
            inside: (size, size, size) bool, the region anywhere.
            covariance: Of both classes: (size, size, size), by the distance of two voxels, noise
                included.
            mean: Of both classes, in standard deviations of the texture.
        """
        self.mean = mean
        # Stationary texture: how two voxels vary together depends on their distance alone.
        places = np.argwhere(inside)
        apart = tuple(np.moveaxis((places[:, None] - places[None]) % len(inside), -1, 0))
        self.factors = [linalg.cholesky(matrix[apart], lower=True) for matrix in covariance]

    def log_likelihood_ratio(self, values: Floats) -> float:
        """Compute log Λ of the (n,) voxels inside, natural units.

        Above 0 it speaks for the abnormal class. With Σ = L Lᵀ the quadratic form is ½ |L⁻¹(x −
        μ)|², and ½ log |Σ| the sum of the logarithms of L's diagonal.

        Args:
            values: Voxels inside, in the order in which the mask lists them.
        """
        minus_logarithms = [
            0.5 * float(np.square(linalg.solve_triangular(factor, values - mean, lower=True)).sum())
            + float(np.log(np.diagonal(factor)).sum())
            for factor, mean in zip(self.factors, self.mean, strict=True)
        ]
        return minus_logarithms[0] - minus_logarithms[1]


class OpenPhantomRegions(OpenSource):
    """Makes the volumes of one phantom with regions."""

    def __init__(self, options: PhantomRegions) -> None:
        """Prepare textures of both classes, tissue, places and an observer for each radius.

        Args:
            options: Of the phantom.
        """
        self._options, lesion = options, options.lesion
        self.entries = options.patients.entries(1, "volume")
        # Textures inside, the tissue around them, and where the ball may lie.
        exponents = lesion.normal_exponent, lesion.abnormal_exponent
        self._textures = [
            power_law_spectrum(options.size, exponent, axes=3) for exponent in exponents
        ]
        self._tissue = power_law_spectrum(options.size, options.tissue_exponent, axes=3)
        self._mean = lesion.level, lesion.level + lesion.contrast
        steps = np.arange(lesion.places) - lesion.places // 2
        self._places = options.size // 2 + lesion.spacing * steps
        # The inverse transform of a power spectrum is the covariance by distance; noise adds its
        # variance at distance 0.
        shape, variance = (options.size,) * 3, np.zeros((options.size,) * 3)
        variance[0, 0, 0] = options.noise**2
        normal, abnormal = (fft.irfftn(texture, s=shape) + variance for texture in self._textures)
        middle = np.full(3, options.size // 2)
        self.observers = [
            RegionObserver(self._ball(radius, middle), (normal, abnormal), self._mean)
            for radius in lesion.radii
        ]
        self.volume = lru_cache(maxsize=1)(self._volume)  # image and truth ask for the same one

    def image(self, position: int) -> SpacedImage:
        """Make what the pipeline sees: (size, size, size, 1) float32 and its region.

        Args:
            position: Row of `entries`.
        """
        region = self.volume(position)
        return SpacedImage(as_stored(region.noisy), _SPACING, region=Region(region.inside))

    def truth(self, position: int) -> GroundTruth:
        """Tell the clean volume, the ideal score of the noisy one and the region's centre.

        The observer knows the region, as a model does: its size and place are drawn alike in both
        classes.

        Args:
            position: Row of `entries`.
        """
        region = self.volume(position)
        score = self.observers[region.radius].log_likelihood_ratio(region.noisy[region.inside])
        return GroundTruth(as_stored(region.clean), score, tuple(map(float, region.place)))

    def _ball(self, radius: float, place: Whole) -> Flags:
        """Draw a ball: (size, size, size) bool, voxels at most `radius` from the place."""
        along = [(np.arange(self._options.size) - centre) ** 2 for centre in place]
        apart = along[0][:, None, None] + along[1][:, None] + along[2]
        inside: Flags = apart <= radius**2
        return inside

    def _volume(self, position: int) -> "_Volume":
        """Make one volume from the seed and its number.

        The radius and the place are drawn first and alike in both classes, so that the mask alone
        tells nothing.
        """
        options, abnormal = self._options, position % 2
        volume_stream = stream(options.seed, "region", position)
        radius = int(volume_stream.integers(len(options.lesion.radii)))
        place = volume_stream.choice(self._places, 3)
        inside = self._ball(options.lesion.radii[radius], place)
        # Tissue everywhere, a texture of the class inside, and noise on both.
        white = volume_stream.standard_normal((3, *inside.shape))
        clean = colour_noise(white[0], self._tissue)
        texture = colour_noise(white[1], self._textures[abnormal])
        clean[inside] = self._mean[abnormal] + texture[inside]
        return _Volume(clean, clean + options.noise * white[2], inside, place, radius)


class _Volume(NamedTuple):
    clean: Floats
    noisy: Floats
    inside: Flags
    place: Whole
    radius: int  # which of the radii
