"""Filling of gaps against a window that is grown pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.restoration.missing import Missing, find_padding
from tests.restoration.phantom import tissue

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9)).filter(
    lambda mask: not mask.all() and not find_padding(mask).any()
)


def fill(method, plane, missing, radius=1):
    return Missing(method=method, radius=radius).fill(plane, missing, 0.0, None)


def grown(plane, missing, radius, centre):
    """Fill pixel by pixel, widening the window until it holds a known pixel."""
    filled = plane.copy()
    for row, column in np.argwhere(missing):
        reach = radius
        while True:
            rows = slice(max(row - reach, 0), row + reach + 1)
            columns = slice(max(column - reach, 0), column + reach + 1)
            known = plane[rows, columns][~missing[rows, columns]]
            if known.size:
                break
            reach += 1
        filled[row, column] = centre(known)
    return filled


@settings(max_examples=30)
@given(mask=MASKS, radius=st.integers(1, 3), seed=st.integers(0, 99))
def test_local_fills_grow_the_window_until_a_pixel_is_known(mask, radius, seed):
    plane = np.random.default_rng(seed).normal(size=mask.shape).astype(np.float32)
    plane[mask] = np.nan
    centres = {"local_mean": np.mean, "local_median": np.median}
    for method, centre in centres.items():
        expected = grown(plane, mask, radius, centre)
        filled = fill(method, plane, mask, radius)
        np.testing.assert_allclose(filled, expected, rtol=1e-5, atol=1e-6)


@settings(max_examples=30)
@given(mask=MASKS, seed=st.integers(0, 99))
def test_nearest_takes_a_pixel_at_the_least_distance(mask, seed):
    plane = np.random.default_rng(seed).permutation(mask.size).reshape(mask.shape)
    filled = fill("nearest", plane.astype(np.float32), mask)
    known = np.argwhere(~mask)
    for at in np.argwhere(mask):
        (source,) = np.argwhere(plane == filled[tuple(at)])
        least = np.linalg.norm(known - at, axis=1).min()
        assert not mask[tuple(source)]
        assert np.linalg.norm(source - at) == pytest.approx(least)


@pytest.mark.parametrize("method", ["local_mean", "local_median", "nearest"])
def test_padding_around_a_picture_is_dark_and_a_gap_in_it_is_filled(method):
    plane = tissue(2, 64) + 100
    row, column = np.mgrid[:64, :64]
    padding = (row - 31.5) ** 2 + (column - 31.5) ** 2 > 31.5**2
    missing = padding.copy()
    missing[30:37, 20:27] = True  # as wide as padding, but within the picture
    missing[:, 40] = True  # a dead line up to the edge
    filled = fill(method, np.where(missing, np.float32(np.nan), plane), missing)
    assert not filled[padding].any()
    assert (filled[30:37, 20:27] >= plane[~missing].min()).all()


def test_a_line_of_missing_pixels_up_to_the_edge_is_no_padding():
    missing = np.zeros((40, 40), np.bool_)
    missing[:4] = missing[:, 10:14] = True
    assert not find_padding(missing).any()
    missing[4] = True
    assert find_padding(missing).any()
