"""Tone difference features against published values, and what moves them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.features.batch import Batch
from skiagram.features.discretisation import Discretisation
from skiagram.features.kernels.tone_difference import tone_differences
from skiagram.features.ngtdm import Ngtdm, NgtdmFeatures
from tests.features.ibsi_phantom import PHANTOM

# Reference values of the digital phantom, IBSI reference manual, section 3.10: 2D averaged, 2.5D
# merged, 3D.
PUBLISHED = {
    "coarseness": (0.121, 0.0285, 0.0296),
    "contrast": (0.925, 0.601, 0.584),
    "busyness": (2.99, 6.8, 6.54),
    "complexity": (10.4, 14.1, 13.5),
    "strength": (2.88, 0.741, 0.763),
}
SLICES = PHANTOM[:, None].astype(np.uint16)
FAMILY = Ngtdm(levels=Discretisation(bin_number=8, bin_width=None), region="whole")
NOTHING = [1e6, 0, 0, 0, 0]


@pytest.mark.parametrize("name", PUBLISHED)
def test_digital_phantom_gives_the_published_values(name: str) -> None:
    counts, sums = tone_differences(SLICES, 6)
    merged = counts.sum(axis=0, keepdims=True), sums.sum(axis=0, keepdims=True)
    volume = tone_differences(PHANTOM[None].astype(np.uint16), 6)
    found = [
        getattr(NgtdmFeatures(*each), name).mean() for each in ((counts, sums), merged, volume)
    ]
    assert [f"{value:.3g}" for value in found] == [f"{value:.3g}" for value in PUBLISHED[name]]


def test_published_names_are_all_names() -> None:
    assert FAMILY.names() == tuple(f"ngtdm_{name}" for name in PUBLISHED)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (9, 7)])
def test_without_differences_coarseness_is_a_million_and_all_else_0(shape: tuple[int, int]) -> None:
    assert FAMILY.extract(Batch(np.full((1, *shape), 3.0)))[0].tolist() == NOTHING


def test_pixels_without_a_neighbour_in_the_region_are_left_out() -> None:
    image, mask = np.zeros((1, 5, 5)), np.zeros((1, 5, 5), dtype=np.bool_)
    mask[0, ::2, ::2] = True
    image[0, 2, 2] = 1
    assert FAMILY.extract(Batch(image, mask))[0].tolist() == NOTHING


def test_two_levels_of_equal_weight_have_busyness_0() -> None:
    counts, sums = np.array([[6, 3]]), np.array([[1.0, 2.0]])  # 1 · 6 = 2 · 3: nothing to divide by
    assert NgtdmFeatures(counts, sums).busyness[0] == 0


@given(
    arrays(
        np.float64,
        array_shapes(min_dims=3, max_dims=3, max_side=8),
        elements=st.integers(0, 9).map(float),
    )
)
def test_features_do_not_depend_on_how_the_image_lies(images: np.ndarray) -> None:
    turned = np.rot90(images, axes=(1, 2)).copy()
    np.testing.assert_array_equal(FAMILY.extract(Batch(turned)), FAMILY.extract(Batch(images)))
