"""Dependence features against published values, and what moves them."""

import numpy as np
import pytest

from skiagram.errors import OptionError
from skiagram.features.batch import Batch
from skiagram.features.discretisation import Discretisation
from skiagram.features.kernels.dependence import dependence_counts
from skiagram.features.ngldm import Ngldm
from skiagram.features.statistics.level_counts import LevelCounts
from skiagram.features.statistics.ngldm import NgldmFeatures
from skiagram.options import check
from tests.features.ibsi_phantom import PHANTOM

# Reference values of the digital phantom at distance 1 and coarseness 0, IBSI reference manual,
# section 3.11: 2D averaged, 2.5D merged, 3D.
PUBLISHED = {
    "low_dependence_emphasis": (0.158, 0.159, 0.045),
    "high_dependence_emphasis": (19.2, 18.8, 109),
    "low_grey_level_count_emphasis": (0.702, 0.693, 0.693),
    "high_grey_level_count_emphasis": (7.49, 7.66, 7.66),
    "low_dependence_low_grey_level_emphasis": (0.0473, 0.0477, 0.00963),
    "low_dependence_high_grey_level_emphasis": (3.06, 3.07, 0.736),
    "high_dependence_low_grey_level_emphasis": (17.6, 17.2, 102),
    "high_dependence_high_grey_level_emphasis": (49.5, 50.8, 235),
    "grey_level_non_uniformity": (10.2, 37.9, 37.9),
    "normalised_grey_level_non_uniformity": (0.562, 0.512, 0.512),
    "dependence_count_non_uniformity": (3.96, 12.4, 4.86),
    "normalised_dependence_count_non_uniformity": (0.212, 0.167, 0.0657),
    "dependence_count_percentage": (1, 1, 1),
    "grey_level_variance": (2.7, 3.05, 3.05),
    "dependence_count_variance": (2.73, 3.27, 22.1),
    "dependence_count_entropy": (2.71, 3.36, 4.4),
    "dependence_count_energy": (0.17, 0.122, 0.0533),
}
LEVELS = {"bin_number": 8, "bin_width": None}


def family(distance: int = 1, coarseness: int = 0) -> Ngldm:
    levels = Discretisation(bin_number=8, bin_width=None)
    return Ngldm(levels=levels, region="whole", distance=distance, coarseness=coarseness)


def features(of: Ngldm, image: np.ndarray, mask: np.ndarray | None = None) -> dict[str, float]:
    batch = Batch(image[None], None if mask is None else mask[None])
    return dict(zip(of.names(), of.extract(batch)[0].tolist(), strict=True))


@pytest.mark.parametrize("name", PUBLISHED)
def test_digital_phantom_gives_the_published_values(name: str) -> None:
    slices = dependence_counts(PHANTOM[:, None].astype(np.uint16), 6, 1, 0)
    volume = dependence_counts(PHANTOM[None].astype(np.uint16), 6, 1, 0)
    found = [
        getattr(NgldmFeatures(LevelCounts.of_matrices(counts)), name).mean()
        for counts in (slices, slices.sum(axis=0, keepdims=True), volume)
    ]
    assert [f"{value:.3g}" for value in found] == [f"{value:.3g}" for value in PUBLISHED[name]]


def test_published_names_are_all_names() -> None:
    assert family().names() == tuple(f"ngldm_{name}" for name in PUBLISHED)


def test_a_lone_pixel_depends_on_itself() -> None:
    found = features(family(), np.zeros((1, 1)))
    assert found["ngldm_high_dependence_emphasis"] == found["ngldm_dependence_count_energy"] == 1


def test_wider_neighbourhoods_and_looser_levels_raise_the_dependence() -> None:
    image = np.random.default_rng(0).normal(size=(20, 20))
    name = "ngldm_high_dependence_emphasis"
    plain = features(family(), image)[name]
    assert features(family(distance=2), image)[name] > plain
    assert features(family(coarseness=1), image)[name] > plain
    assert features(family(distance=1, coarseness=7), np.eye(3))[name] == (4 * 16 + 4 * 36 + 81) / 9


def test_pixels_outside_the_region_are_no_neighbours() -> None:
    mask = np.array([[True, False, True], [False, False, False], [True, False, True]])
    assert features(family(), np.zeros((3, 3)), mask)["ngldm_high_dependence_emphasis"] == 1


@pytest.mark.parametrize(
    ("option", "value"), [("distance", 0), ("distance", 8), ("coarseness", -1)]
)
def test_nonsense_is_refused_by_name(option: str, value: int) -> None:
    values = {"levels": LEVELS, "region": "whole", "distance": 1, "coarseness": 0, option: value}
    with pytest.raises(OptionError, match=rf"ngldm\.{option}"):
        check(Ngldm, values, "ngldm")
