"""Features of a region in a volume compared with MIRP: texture, morphology, with the region's size.

    python -m benchmarks.regions

Balls of smooth noise in a volume. The values are those of the IBSI (docs/results/ibsi.md).
"""

import logging
import warnings
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version

import numpy as np
from benchmarks.common import GREY_LEVELS, families
from benchmarks.ratio import Ratio, Side, compare, show
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.family import FeatureFamily
from skiagram.features.gldzm import Gldzm
from skiagram.features.morphology import Morphology

_TEXTURE = ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
_FORM = ("morphology",)


def ratios() -> Iterator[Ratio]:
    """Compare texture and form of balls of several sizes."""
    peer = f"MIRP {version('mirp')}"
    form: list[FeatureFamily] = [Morphology(unit="mm", autocorrelation=False)]
    for side in (25, 100):
        image, mask = ball(side)
        for what, own, theirs in (("texture", texture(), _TEXTURE), ("morphology", form, _FORM)):
            if what == "morphology" and side == 100:
                continue  # the peer sums all pairs of voxels for Moran's I
            yield compare(
                f"{what} of a ball in {side}³ voxels",
                Side("skiagram", partial(describe, own, image, mask), 1),
                Side(peer, partial(describe_with_mirp, theirs, image, mask), 1),
                None,
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


def describe(
    chosen: list[FeatureFamily], image: NDArray[np.float32], mask: NDArray[np.bool_]
) -> None:
    """Compute features as the stage extract does."""
    batch = FeatureBatch(image[None, ..., None], mask[None], np.ones((1, 3)))
    for family in chosen:
        family.extract(batch)


def describe_with_mirp(
    names: tuple[str, ...], image: NDArray[np.float32], mask: NDArray[np.bool_]
) -> None:
    """Compute the same features with MIRP."""
    from mirp import extract_features

    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            extract_features(
                image=image.astype(np.float64),
                mask=mask.astype(np.uint8),
                base_feature_families=list(names),
                base_discretisation_method="fixed_bin_number",
                base_discretisation_n_bins=GREY_LEVELS,
                glcm_spatial_method="3d_average",
                glrlm_spatial_method="3d_average",
                glszm_spatial_method="3d",
                gldzm_spatial_method="3d",
                ngtdm_spatial_method="3d",
                ngldm_spatial_method="3d",
            )
    finally:
        logging.disable(logging.NOTSET)


if __name__ == "__main__":
    show(ratios())
