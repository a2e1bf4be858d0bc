"""Features of regions and films compared with Pictologics and Flash-Radiomics, one thread each.

    python3.12 -m venv .work/peers
    .work/peers/bin/pip install . threadpoolctl pictologics==0.9.0
    .work/peers/bin/pip install flash-radiomics==1.0.0 h5py SimpleITK pykwalify scikit-image trimesh
    NUMBA_NUM_THREADS=1 OMP_NUM_THREADS=1 .work/peers/bin/python -m benchmarks.radiomics_peers

The peers ask for newer versions of shared packages, and Pictologics for Python 3.12, so they have a
venv of their own; a peer that is not there is left out. Flash-Radiomics (the University of Texas MD
Anderson Cancer Center, BSD) does not name what it needs.

With Pictologics both sides get an image and a mask and make the grey levels in the time that is
measured. First order and the six families of texture, 32 grey levels over the region's range;
matrices of all directions are added up, as the peer does: contrast and joint entropy are checked to
be equal. With Flash-Radiomics both get an image and a mask of SimpleITK, and return PyRadiomics'
default set; the peer also writes them into a file, which it cannot leave out. All values are
checked to be equal to 1e-6 but kurtosis, of which the peer has the excess.
"""

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.common import GREY_LEVELS, describe, families, of_region
from benchmarks.ratio import Side, Table, compare, show, tabulate
from benchmarks.regions import ball
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from skiagram.features.discretisation import Discretisation
from skiagram.features.family import FeatureFamily
from skiagram.features.glcm import Glcm
from skiagram.features.gldzm import Gldzm
from skiagram.features.glrlm import Glrlm
from skiagram.radiomics.features import extract

os.environ.setdefault("PICTOLOGICS_DISABLE_WARMUP", "1")  # else minutes at each import
TARGET = 1.5
_SIDES = (25, 50, 100)
_AROUND = 200  # voxels, of a volume with a small region
_FILMS = ((28, 28), (224, 224), (1024, 1024), (3328, 2560))


_KURTOSIS = "original_firstorder_Kurtosis"


def tables() -> Iterator[Table]:
    """Compare with each peer that is there."""
    if find_spec("pictologics"):
        check_values(*ball(_SIDES[0]))
        yield tabulate(pictologics_ratios(), "Pictologics")
    if find_spec("flash_radiomics"):
        yield tabulate(flash_ratios(), "Flash-Radiomics")


def pictologics_ratios() -> Iterator[tuple[str, ...]]:
    """Compare the features of balls and of films."""
    levels = Discretisation(bin_number=GREY_LEVELS, bin_width=None)
    chosen = [_merged(one) for one in families().values()]
    chosen.append(Gldzm(levels=levels, region="whole"))
    for title, (image, mask) in _cases():
        yield compare(
            f"first order and texture of {title}",
            Side("skiagram", partial(_describe, chosen, image, mask)),
            Side("Pictologics 0.9.0", partial(describe_with_peer, *as_loaded(image, mask))),
            TARGET,
        )


def _describe(
    chosen: list[FeatureFamily], image: NDArray[np.float32], mask: NDArray[np.bool_]
) -> None:
    describe(chosen, of_region(image, mask))


def _cases() -> Iterator[tuple[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]]:
    for side in _SIDES:
        yield f"a ball in {side}³ voxels", ball(side)
    yield f"a ball of 25³ in {_AROUND}³ voxels", _surrounded(ball(_SIDES[0]), _AROUND)
    for height, width in _FILMS:
        yield f"an ellipse in {height:,} × {width:,} pixels", _film(height, width)


def _surrounded(
    region: tuple[NDArray[np.float32], NDArray[np.bool_]], side: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a region in the middle of a volume."""
    before = (side - len(region[0])) // 2
    around = (before, side - len(region[0]) - before)
    return np.pad(region[0], around), np.pad(region[1], around)


def _film(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return smooth noise and an ellipse that fills the film, as volumes of one slice."""
    noise = np.random.default_rng(0).normal(size=(1, height, width))
    row, column = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    mask = (row**2 + column**2 <= 0.96**2)[None]
    return gaussian_filter(noise, (0, 1, 1)).astype(np.float32), mask


def as_loaded(
    image: NDArray[np.float32], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return an image and a mask in the depths in which the peer loads them."""
    return image.astype(np.float64), mask.astype(np.uint8)


def describe_with_peer(image: NDArray[np.float64], mask: NDArray[np.uint8]) -> dict[str, Any]:
    """Compute the same families with Pictologics."""
    from pictologics.features.intensity import (  # type: ignore[import-not-found]
        calculate_intensity_features,
    )
    from pictologics.features.texture import (  # type: ignore[import-not-found]
        calculate_all_texture_features,
    )
    from pictologics.preprocessing import (  # type: ignore[import-not-found]
        apply_mask,
        discretise_image,
    )

    levels = discretise_image(image, "FBN", mask, n_bins=GREY_LEVELS)
    found: dict[str, Any] = calculate_intensity_features(apply_mask(image, mask))
    found |= calculate_all_texture_features(levels, mask, GREY_LEVELS)
    return found


def _merged(family: FeatureFamily) -> FeatureFamily:
    return replace(family, aggregation="merged") if isinstance(family, Glcm | Glrlm) else family


def check_values(image: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
    """Refuse to compare the speed of different values.

    Raises:
        ValueError: Contrast or joint entropy of the co-occurrence matrix differ.
    """
    glcm = _merged(families()["glcm"])
    values = glcm.extract(of_region(image, mask))[0].tolist()
    ours = dict(zip(glcm.names(), values, strict=True))
    theirs = describe_with_peer(*as_loaded(image, mask))
    for name, code in (
        ("glcm_contrast", "contrast_ACUI"),
        ("glcm_joint_entropy", "joint_entropy_TU9B"),
    ):
        if not np.isclose(ours[name], theirs[code], rtol=1e-6):
            raise ValueError(f"{name} {ours[name]}, {theirs[code]}")


def flash_ratios() -> Iterator[tuple[str, ...]]:
    """Compare PyRadiomics' default set of balls.

    Raises:
        ValueError: A value of both differs.
    """
    import SimpleITK
    from flash_radiomics import RadiomicsFeatureExtractor  # type: ignore[import-not-found]

    logging.disable(logging.INFO)  # else the peer names each class as it comes
    for side in _SIDES:
        noise, inside = ball(side)
        image = SimpleITK.GetImageFromArray(noise * 300)
        mask = SimpleITK.GetImageFromArray(inside.astype(np.uint8))
        own = partial(extract, image, mask, names="pyradiomics", bin_width=25)
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
            file = str(Path(folder) / "features.h5")
            with contextlib.redirect_stdout(io.StringIO()):
                extractor = RadiomicsFeatureExtractor(backend="cpu", binWidth=25, distances=[1])
            theirs = partial(extractor.execute, image, mask, label=1, output_hdf5_path=file)
            values = theirs()
            differing = [
                name
                for name, value in own().items()
                if name != _KURTOSIS and not np.isclose(float(values[name]), value, rtol=1e-6)
            ]
            if differing:
                raise ValueError(f"other values: {', '.join(differing)}")
            title = f"PyRadiomics' default set of a ball in {side}³ voxels"
            peer = Side("Flash-Radiomics 1.0.0", theirs)
            yield compare(title, Side("skiagram.extract", own), peer)


if __name__ == "__main__":
    show(tables())
