"""The breast on a film: marks are left out, tissue is kept, doubt is admitted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.sources.mini_mias.films import (
    RelativePosition,
    find_breast,
    to_pixel,
    to_relative_position,
)
from tests.sources.mini_mias_folder import LABEL, breast, film


def test_breast_is_kept_and_the_label_is_not():
    pixels = film(2)
    found = find_breast(pixels)
    mask, truth = found.mask(), breast(wall_on_left=True)
    assert found.plausible
    assert (mask & truth).sum() / (mask | truth).sum() > 0.98
    assert not mask[pixels == LABEL].any()


def test_label_that_a_thin_line_ties_to_the_breast_is_left_out():
    pixels = film(2)
    pixels[:40, 256:768] = LABEL  # a bright edge of the film, as digitisers leave
    pixels[:200, 300:340] = LABEL
    found = find_breast(pixels)
    assert not found.mask()[20:110, 690:760].any()


@pytest.mark.parametrize("level", [0, 200])
def test_film_of_one_grey_holds_no_breast(level):
    found = find_breast(np.full((256, 256), level, dtype=np.uint8))
    assert not found.plausible
    assert not found.mask().any()


def test_two_equal_bright_parts_are_doubtful():
    pixels = np.zeros((1024, 1024), dtype=np.uint8)
    pixels[:, :300] = 200
    assert find_breast(pixels).plausible
    pixels[:, 700:] = 200
    assert not find_breast(pixels).plausible


@pytest.mark.slow
@settings(max_examples=5, deadline=None)
@given(st.integers(1, 10), st.integers(0, 2**32 - 1))
def test_mirrored_film_has_the_mirrored_breast(number, seed):
    noise = np.random.default_rng(seed).integers(0, 6, (512, 512), dtype=np.uint8)
    pixels = film(number)[::2, ::2] + noise
    mirrored = find_breast(np.ascontiguousarray(pixels[:, ::-1]))
    np.testing.assert_array_equal(mirrored.blocks[:, ::-1], find_breast(pixels).blocks)


share = st.floats(0, 1)


def half_ellipse(height, depth, wall=7):
    row, column = np.mgrid[:200, :150]
    inside = ((row - 100) / height) ** 2 + ((column - wall) / depth) ** 2 <= 1
    inside &= column >= wall
    return inside


masks = st.builds(half_ellipse, st.integers(5, 90), st.integers(5, 130), st.integers(0, 9))


@settings(deadline=None, max_examples=20)
@given(masks, share, share)
def test_every_place_is_on_every_breast(mask, height, depth):
    assert mask[to_pixel(mask, RelativePosition(height, depth))]


@settings(deadline=None, max_examples=20)
@given(masks, st.data())
def test_pixel_comes_back_from_its_place(mask, data):
    pixels = np.argwhere(mask)
    row, column = pixels[data.draw(st.integers(0, len(pixels) - 1))].tolist()
    place = to_relative_position(mask, row, column)
    assert to_pixel(mask, place) == (row, column)


def test_place_keeps_its_share_of_height_and_depth():
    small, large = half_ellipse(40, 50), half_ellipse(80, 100)
    place = to_relative_position(small, 100, 32)  # half-way in, at half the height
    assert place == RelativePosition(0.5, 0.5)
    assert to_pixel(large, place) == (100, 57)
