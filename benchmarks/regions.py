"""Features of a region in a volume compared with MIRP: texture, morphology, with the region's size.

    python -m benchmarks.regions

Balls of smooth noise in a volume. The values are those of the IBSI (docs/results/ibsi.md).
"""

from collections.abc import Iterator
from functools import partial
from importlib.metadata import version

import numpy as np
from benchmarks.common import GREY_LEVELS, describe, describe_with_mirp, families, of_region
from benchmarks.ratio import Side, Table, compare, show, tabulate
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from skiagram.features.discretisation import Discretisation
from skiagram.features.family import FeatureFamily
from skiagram.features.gldzm import Gldzm
from skiagram.features.morphology import Morphology

_TEXTURE = ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
_ZONES = ("glszm", "gldzm", "ngtdm", "ngldm")
_METHODS = {f"{name}_spatial_method": "3d" for name in _ZONES}
_METHODS |= dict.fromkeys(("glcm_spatial_method", "glrlm_spatial_method"), "3d_average")


def tables() -> Iterator[Table]:
    """Compare texture and form of balls of several sizes."""
    yield tabulate(
        [
            _compare("texture", texture(), _TEXTURE, 25),
            # Of larger ones the peer sums all pairs of voxels for Moran's I.
            _compare(
                "morphology", [Morphology(unit="mm", autocorrelation=False)], ("morphology",), 25
            ),
            _compare("texture", texture(), _TEXTURE, 100),
        ]
    )


def _compare(
    what: str, own: list[FeatureFamily], theirs: tuple[str, ...], side: int
) -> tuple[str, ...]:
    image, mask = ball(side)
    peer = image.astype(np.float64), mask.astype(np.uint8)
    return compare(
        f"{what} of a ball in {side}³ voxels",
        Side("skiagram", lambda: describe(own, of_region(image, mask))),
        Side(f"MIRP {version('mirp')}", partial(describe_with_mirp, theirs, *peer, **_METHODS)),
    )


def texture() -> list[FeatureFamily]:
    """Return the six families of texture, 32 grey levels."""
    levels = Discretisation(bin_number=GREY_LEVELS, bin_width=None)
    known = [family for name, family in families().items() if name != "first_order"]
    return [*known, Gldzm(levels=levels, region="whole")]


def ball(side: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return smooth noise and a ball that fills the volume."""
    places = np.indices((side, side, side)) - (side - 1) / 2
    mask = np.sum(places**2, axis=0) <= (0.48 * side) ** 2
    noise = np.random.default_rng(0).normal(size=mask.shape)
    return gaussian_filter(noise, 1).astype(np.float32), mask


if __name__ == "__main__":
    show(tables())
