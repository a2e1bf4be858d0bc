"""Texture of regions and films compared with Pictologics, one thread each, in one run.

    python3.12 -m venv .work/pictologics
    .work/pictologics/bin/pip install . pictologics==0.9.0 threadpoolctl
    NUMBA_NUM_THREADS=1 .work/pictologics/bin/python -m benchmarks.pictologics_peer

The peer asks for Python 3.12 and newer versions of shared packages, so it has a venv of its own.
Both sides get an image and a mask: ours makes the grey levels in the time that is measured, the
peer is given them. The six families of texture, 32 grey levels over the region's range; matrices
of all directions are added up, as the peer does: contrast and joint entropy are checked to be
equal.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from benchmarks.common import GREY_LEVELS, families
from benchmarks.ratio import Ratio, Side, compare, show
from benchmarks.regions import ball, describe
from numpy.typing import NDArray

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.family import FeatureFamily
from skiagram.features.glcm import Glcm
from skiagram.features.gldzm import Gldzm
from skiagram.features.glrlm import Glrlm

os.environ.setdefault("PICTOLOGICS_DISABLE_WARMUP", "1")  # else minutes at each import
TARGET = 1.5
_SIDES = (25, 100)
_FILM = 224


def ratios() -> Iterator[Ratio]:
    """Compare the texture of balls and of a film."""
    levels = Discretisation(bin_number=GREY_LEVELS, bin_width=None)
    texture = [_merged(one) for name, one in families().items() if name != "first_order"]
    texture.append(Gldzm(levels=levels, region="whole"))
    cases = {f"a ball in {side}³ voxels": ball(side) for side in _SIDES}
    image, mask = ball(_FILM // 4)
    plane = np.tile(image[len(image) // 2], (4, 4))[None]
    cases[f"a film of {_FILM}²"] = (plane, np.ones(plane.shape, dtype=np.bool_))
    for title, (image, mask) in cases.items():
        yield compare(
            f"texture of {title}",
            Side("skiagram", partial(describe, texture, image, mask), 1),
            Side("Pictologics 0.9.0", partial(describe_with_peer, *discretised(image, mask)), 1),
            TARGET,
        )


def discretised(
    image: NDArray[np.float32], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return grey levels from 1 and the mask, as the peer takes them."""
    low, high = image[mask].min(), image[mask].max()
    levels = np.floor(GREY_LEVELS * (image - low) / (high - low)) + 1
    inside = levels.clip(1, GREY_LEVELS).astype(np.float64)
    return np.where(mask, inside, 0.0), mask.astype(np.uint8)


def describe_with_peer(levels: NDArray[np.float64], mask: NDArray[np.uint8]) -> dict[str, Any]:
    """Compute the same families with Pictologics."""
    from pictologics.features.texture import (  # type: ignore[import-not-found]
        calculate_all_texture_features,
    )

    found: dict[str, Any] = calculate_all_texture_features(levels, mask, GREY_LEVELS)
    return found


def _merged(family: FeatureFamily) -> FeatureFamily:
    return replace(family, aggregation="merged") if isinstance(family, Glcm | Glrlm) else family


def check_values(image: NDArray[np.float32], mask: NDArray[np.bool_]) -> None:
    """Refuse to compare the speed of different values.

    Raises:
        ValueError: Contrast or joint entropy of the co-occurrence matrix differ.
    """
    glcm = _merged(families()["glcm"])
    batch = FeatureBatch(image[None, ..., None], mask[None], np.ones((1, 3)))
    own = dict(zip(glcm.names(), glcm.extract(batch)[0].tolist(), strict=True))
    theirs = describe_with_peer(*discretised(image, mask))
    for name, code in (
        ("glcm_contrast", "contrast_ACUI"),
        ("glcm_joint_entropy", "joint_entropy_TU9B"),
    ):
        if not np.isclose(own[name], theirs[code], rtol=1e-6):
            raise ValueError(f"{name} {own[name]}, {theirs[code]}")


if __name__ == "__main__":
    check_values(*ball(_SIDES[0]))
    show(ratios())
