"""Images made of an image before features are computed, as PyRadiomics makes them.

They are not the filters of the IBSI in `features/filters`: a Laplacian of Gaussian is ITK's
recursive one, normalised across scales; a wavelet wraps around at the image's edge.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from skiagram.arrays import Floats
from skiagram.errors import installed, refusal
from skiagram.radiomics.settings import ImageType, Settings

_LEAST = 4  # voxels along each axis, for ITK's recursive filters


def images_of_type(
    kind: ImageType, image: Floats, spacing: tuple[float, ...], settings: Settings
) -> Iterator[tuple[str, Floats]]:
    """Yield PyRadiomics' name and the voxels of each image of a type.

    Args:
        image: (depth, height, width).
        spacing: Of slices, rows and columns, mm.
    """
    if kind == "Original":
        yield "original", image
    elif kind == "LoG":
        for sigma in settings.sigma:
            name = f"log-sigma-{str(float(sigma)).replace('.', '-')}-mm-3D"
            yield name, laplacian_of_gaussian(image, spacing, float(sigma))
    elif kind == "Wavelet":
        import pywt

        # The bands of an undecimated transform: axes in the order of PyRadiomics, sides made even.
        axes = (2, 1) if settings.force2D else (2, 1, 0)
        low, sides = "a" * len(axes), tuple(map(slice, image.shape))
        rest = np.pad(image, [(0, side % 2) for side in image.shape], "wrap")
        # Levels before the first one leave their lowest band alone.
        for _ in range(settings.start_level):
            rest = pywt.swtn(rest, settings.wavelet, level=1, axes=axes)[0][low]
        # The other bands of each level, then the lowest band of the last.
        for level in range(1, settings.level + 1):
            bands = pywt.swtn(rest, settings.wavelet, level=1, axes=axes)[0]
            rest = bands.pop(low)
            name = "wavelet" if level == 1 else f"wavelet{level}"
            for band, response in bands.items():
                yield f"{name}-{band.replace('a', 'L').replace('d', 'H')}", response[sides]
        yield f"{name}-{low.replace('a', 'L')}", rest[sides]
    elif kind == "Gradient":
        distances = spacing if settings.gradientUseSpacing else (1.0, 1.0, 1.0)
        yield "gradient", _with_itk("GradientMagnitude", image, distances)
    else:
        most = float(np.abs(image).max())
        if most == 0:
            raise refusal("radiomics.zeros_alone")
        yield kind.lower(), _POINTWISE[kind](image, most)


def laplacian_of_gaussian(image: Floats, spacing: tuple[float, ...], sigma: float) -> Floats:
    """Return ITK's recursive Laplacian of Gaussian, times σ², σ in mm."""
    sides, steps = np.array(image.shape), np.array(spacing)
    if sides.min() < _LEAST or (sides < np.ceil(sigma / steps) + 1).any():
        raise refusal(
            "radiomics.too_few_for_log",
            shape=image.shape,
            sigma=sigma,
            least=_LEAST,
        )
    return _with_itk("LaplacianRecursiveGaussian", image, spacing, sigma, True)


def _with_itk(name: str, image: Floats, spacing: tuple[float, ...], *options: Any) -> Floats:
    with installed("SimpleITK", f"imageType, {name}", "radiomics", "other types"):
        import SimpleITK

    volume = SimpleITK.GetImageFromArray(image)
    volume.SetSpacing([float(step) for step in spacing[::-1]])
    response = SimpleITK.GetArrayFromImage(getattr(SimpleITK, name)(volume, *options))
    return np.asarray(response, dtype=np.float64)


_POINTWISE: dict[
    str, Callable[[Floats, float], Floats]
] = {  # of an image and its largest magnitude
    "Square": lambda image, most: image**2 / most,
    "SquareRoot": lambda image, most: np.sign(image) * np.sqrt(np.abs(image) * most),
    "Logarithm": lambda image, most: (
        np.sign(image) * np.log1p(np.abs(image)) * (most / np.log1p(most))
    ),
    "Exponential": lambda image, most: np.exp(np.log(most) / most * image),
}
