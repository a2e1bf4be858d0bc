"""Places carried from one breast to another."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from skiagram.datasets.mini_mias.breast_place import BreastPlace, pixel_at, relative_place

share = st.floats(0, 1)


def half_ellipse(height: int, depth: int, wall: int = 7) -> NDArray[np.bool_]:
    row, column = np.mgrid[:200, :150]
    inside: NDArray[np.bool_] = ((row - 100) / height) ** 2 + ((column - wall) / depth) ** 2 <= 1
    inside &= column >= wall
    return inside


masks = st.builds(half_ellipse, st.integers(5, 90), st.integers(5, 130), st.integers(0, 9))


@settings(deadline=None)
@given(masks, share, share)
def test_every_place_is_on_every_breast(
    mask: NDArray[np.bool_], height: float, depth: float
) -> None:
    assert mask[pixel_at(mask, BreastPlace(height, depth))]


@settings(deadline=None)
@given(masks, st.data())
def test_pixel_comes_back_from_its_place(mask: NDArray[np.bool_], data: st.DataObject) -> None:
    pixels = np.argwhere(mask)
    row, column = pixels[data.draw(st.integers(0, len(pixels) - 1))].tolist()
    place = relative_place(mask, row, column)
    assert place is not None
    assert pixel_at(mask, place) == (row, column)


def test_place_keeps_its_share_of_height_and_depth() -> None:
    small, large = half_ellipse(40, 50), half_ellipse(80, 100)
    place = relative_place(small, 100, 32)  # half-way in, at half the height
    assert place == BreastPlace(0.5, 0.5)
    assert pixel_at(large, place) == (100, 57)


def test_pixel_off_the_breast_has_no_place() -> None:
    assert relative_place(half_ellipse(40, 50), 10, 10) is None
