"""MIRP's features of plane images under the names that skiagram's tests compare.

MIRP (Zwanenburg et al., J. Open Source Software 9(99), 2024) follows the IBSI's reference manual.
"""

import logging
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.features.batch import FeatureBatch
from skiagram.features.glcm import Aggregation

SPATIAL = {"averaged": "2d_average", "merged": "2d_slice_merge"}
FAMILIES = {
    "cm": "glcm",
    "rlm": "glrlm",
    "szm": "glszm",
    "dzm": "gldzm",
    "ngt": "ngtdm",
    "ngl": "ngldm",
    "stat": "statistics",
    "ih": "intensity_histogram",
}
_OPTIONS = re.compile(r"(_d\d+)?(_a0\.0)?(_2d(_avg|_s_mrg)?)?(_fb[ns]_[nw][\d.]+)?$")


@dataclass(frozen=True)
class Setting:
    """How features are computed; give `bin_number` or `bin_width`, in intensity units."""

    bin_number: int | None = None
    bin_width: float | None = None
    aggregation: Aggregation = "averaged"
    distance: int = 1


@dataclass(frozen=True)
class Case:
    """One image (height, width) and the region to describe, if not all of it."""

    image: NDArray[Any]
    mask: NDArray[np.bool_] | None = None

    def batch(self) -> FeatureBatch:
        """Return the image as a batch of one."""
        return FeatureBatch(self.image[None], None if self.mask is None else self.mask[None])


def plain(name: str) -> str:
    """Return MIRP's name of a feature without what tells distance, method and discretisation."""
    return _OPTIONS.sub("", name)


def mirp_features(cases: Sequence[Case], setting: Setting, family: str) -> list[dict[str, float]]:
    """Compute a family's features of each case, by plain name.

    MIRP gets double precision, since it computes in that of the image, and counts bins of a fixed
    width from 0: each region's minimum must be 0 for those.
    """
    from mirp import extract_features

    wide = setting.bin_width is not None
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tables = extract_features(
                image=[case.image.astype(np.float64)[None] for case in cases],
                mask=[_mask(case)[None] for case in cases],
                by_slice=True,
                base_feature_families=[family],
                base_discretisation_method="fixed_bin_size" if wide else "fixed_bin_number",
                base_discretisation_n_bins=setting.bin_number,
                base_discretisation_bin_width=setting.bin_width,
                resegmentation_intensity_range=[0.0, np.nan] if wide else None,
                glcm_distance=float(setting.distance),
                glcm_spatial_method=SPATIAL[setting.aggregation],
                glrlm_spatial_method=SPATIAL[setting.aggregation],
            )
    finally:
        logging.disable(logging.NOTSET)
    return [{plain(name): table[name].iloc[0] for name in table.columns} for table in tables]


def _mask(case: Case) -> NDArray[np.uint8]:
    inside = np.ones(case.image.shape) if case.mask is None else case.mask
    return inside.astype(np.uint8)
