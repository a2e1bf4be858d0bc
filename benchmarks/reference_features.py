"""The families that are compared with MIRP, with equal settings on both sides."""

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from skiagram.features.batch import Batch
from skiagram.features.contract import FeatureFamily
from skiagram.options import build

OPTIONS = Path(__file__).resolve().parents[1] / "conf" / "features"
GREY_LEVELS = 32
MIRP_NAME = {
    "first_order": "statistics",
    "glcm": "glcm",
    "glrlm": "glrlm",
    "glszm": "glszm",
    "ngtdm": "ngtdm",
    "ngldm": "ngldm",
}


def families() -> dict[str, FeatureFamily]:
    """Return each family by name: 32 levels, neighbours at distance 1, directions averaged."""
    shared: dict[str, Any] = {
        "levels": {"bin_number": GREY_LEVELS, "bin_width": None},
        "aggregation": "averaged",
        "distances": [1],
        "region": "whole",
    }
    found = {}
    for name in MIRP_NAME:
        values = yaml.safe_load((OPTIONS / f"{name}.yaml").read_text())
        values |= {option: value for option, value in shared.items() if option in values}
        found[name] = build(values, name)
    return found


def describe(chosen: list[FeatureFamily], images: NDArray[np.float32]) -> None:
    """Compute features as the stage extract does, a batch that fits a processor's cache at once."""
    size = max(1, min(256, 2**17 // images[0].size))
    for start in range(0, len(images), size):
        batch = Batch(images[start : start + size])
        for family in chosen:
            family.extract(batch)


def describe_with_mirp(names: list[str], images: NDArray[np.float32]) -> None:
    """Compute the same features with MIRP, all images in one call."""
    from mirp import extract_features

    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        extract_features(
            image=[image[None].astype(np.float64) for image in images],
            mask=[np.ones((1, *image.shape), np.uint8) for image in images],
            by_slice=True,
            base_feature_families=[MIRP_NAME[name] for name in names],
            base_discretisation_method="fixed_bin_number",
            base_discretisation_n_bins=GREY_LEVELS,
            glcm_distance=1.0,
            glcm_spatial_method="2d_average",
            glrlm_spatial_method="2d_average",
        )
    logging.disable(logging.NOTSET)
