"""Agreement of every family of the reference manual with MIRP, and where MIRP departs from it.

MIRP (Zwanenburg et al., J. Open Source Software 9(99), 2024) follows the IBSI's reference manual.
"""

import logging
import re
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from skiagram.features.glcm import Aggregation
from tests.features.families import described, family, read_family
from tests.features.ibsi_reference import tags

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


class Case(NamedTuple):
    """One image (height, width) and the region to describe."""

    image: NDArray[Any]
    mask: NDArray[np.bool_]


def whole(image):
    return Case(image, np.ones(image.shape, np.bool_))


def plain(name):
    """Return MIRP's name of a feature without what tells distance, method and discretisation."""
    return _OPTIONS.sub("", name)


def mirp_features(cases, setting, family):
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
                mask=[case.mask.astype(np.uint8)[None] for case in cases],
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


SETTINGS = [
    Setting(bin_number=32),
    Setting(bin_number=8, aggregation="merged", distance=2),
    Setting(bin_width=5.0, distance=2),  # integers stand on the edges of these bins
    Setting(bin_width=12.5, aggregation="merged"),
    Setting(bin_width=0.25),  # up to two thousand levels
]
each_family = pytest.mark.parametrize(
    "name",
    ["first_order", "glcm", "gldzm", "glrlm", "glszm", "intensity_histogram", "ngldm", "ngtdm"],
)
# The manual's formula divides by 0: our value, and MIRP's.
UNDEFINED = {"first_order_quartile_coefficient_of_dispersion": (0.0, 1.0)}


def ours(name, cases, setting):
    chosen = {
        "levels": {"bin_number": setting.bin_number, "bin_width": setting.bin_width},
        "aggregation": setting.aggregation,
        "distances": [setting.distance],
    }
    known = read_family(name)
    options = {option: value for option, value in chosen.items() if option in known}
    of_setting = family(name, **options)
    return [described(of_setting, case.image[None], case.mask[None]) for case in cases]


def assert_agreement(name, cases, setting):
    known = tags(name)
    tag = FAMILIES[next(iter(known.values())).split("_")[0]]
    found, expected = ours(name, cases, setting), mirp_features(cases, setting, tag)
    for feature, theirs in known.items():
        pairs = [
            (row[feature], other[plain(theirs)]) for row, other in zip(found, expected, strict=True)
        ]
        undefined = UNDEFINED.get(feature)
        mine, others = np.array([pair for pair in pairs if pair != undefined]).T
        assert len(mine) > 0.9 * len(pairs)
        message = f"{feature} with {setting}"
        np.testing.assert_allclose(mine, others, rtol=1e-6, err_msg=message)


def random_case(generator):
    """Return an image of 3 to 40 pixels a side, integer or float, rough or smooth."""
    height, width = generator.integers(3, 41, size=2)
    noise = generator.normal(size=(height, width))
    smooth = np.cumsum(np.cumsum(noise, axis=0), axis=1)
    image = (
        generator.integers(0, 256, size=noise.shape).astype(np.uint8),
        (40 * generator.integers(0, 6, size=noise.shape)).astype(np.uint16),
        50 * noise - 300,
        (generator.integers(0, 40, size=noise.shape) / 10 - 2).astype(np.float32) * 20,
        (200 * smooth / np.ptp(smooth)).astype(np.float32),
    )[generator.integers(5)]
    if generator.random() < 0.5:
        return whole(image)
    mask = generator.random(noise.shape) < generator.uniform(0.3, 0.9)
    mask[0, :2] = mask[-1, -1] = True
    return Case(image, mask)


def from_zero(case):
    """Shift the intensities so that the minimum of the region is 0, as MIRP's bins of a width."""
    image = case.image.astype(np.float64)
    return Case(image - image[case.mask].min(), case.mask)


@pytest.mark.slow
@each_family
def test_random_images_agree(name):
    generator = np.random.default_rng(0)
    for setting in SETTINGS:
        cases = [random_case(generator) for _ in range(8)]
        if setting.bin_width is not None:
            cases = [from_zero(case) for case in cases]
        assert_agreement(name, cases, setting)


CORNER = Case(np.array([[0.0, 0], [9, 1]]), np.array([[True, True], [False, True]]))


@pytest.mark.parametrize(
    ("name", "feature", "case", "bins", "value"),
    [
        # Every pair differs by 1 but the vertical ones: an empty sum, which is 0 by the formula.
        # MIRP leaves out directions of equal pairs.
        ("glcm", "inverse_variance", whole(np.tile([0.0, 1.0], (4, 2))), 2, 3 / 4),
        # Vertical and diagonal: levels 1 and 2, HXY = HX = 1, HXY₁ = 2, hence −1. Horizontal: HXY =
        # HXY₁ = HX = 0, no information is shared; the measure lies in [−1, 0], MIRP's is 1.
        ("glcm", "information_correlation_1", CORNER, 2, (-1 - 1 - 0) / 3),
        # Lengths 2 and 1 downwards, three times 1 across and on both diagonals. MIRP loses a
        # diagonal of regions one pixel wide.
        ("glrlm", "long_runs_emphasis", whole(np.array([[0.0], [0], [1]])), 2, (2.5 + 3) / 4),
        # The manual's level of a constant region, ⌊32 · 0 / 0⌋ + 1, is undefined; here it is the
        # lowest, MIRP's is the middle one.
        ("glcm", "joint_average", whole(np.full((3, 3), 7.0)), 32, 1),
    ],
)
def test_where_mirp_departs_from_the_manual_its_value_is_had(name, feature, case, bins, value):
    (found,) = ours(name, [case], Setting(bin_number=bins))
    assert found[f"{name}_{feature}"] == pytest.approx(value)
