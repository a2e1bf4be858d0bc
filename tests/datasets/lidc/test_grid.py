"""Resampling to a common grid, against functions whose values are known everywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagram.datasets.lidc.grid import Grid


@given(st.floats(0.45, 1.0), st.integers(8, 24))
def test_a_plane_in_mm_stays_the_plane(spacing: float, size: int) -> None:
    at = (np.arange(71) - 35) * spacing
    plane = (3 * at[:, None] - 2 * at[None, :]).astype(np.float32)
    found = Grid(spacing_mm=0.68, size=size).resample(plane, spacing)
    new = (np.arange(size) - (size - 1) / 2) * 0.68
    np.testing.assert_allclose(found, 3 * new[:, None] - 2 * new[None, :], atol=1e-4)


def test_what_is_outside_or_beside_a_missing_pixel_is_missing() -> None:
    image = np.ones((20, 20), np.float32)
    image[0, 0] = np.nan
    found = Grid(spacing_mm=1.0, size=24).resample(image, 1.0)
    assert np.isnan(found[:2]).all()
    assert np.isnan(found[2, 2])
    assert found[3:22, 3:22] == pytest.approx(1)


def test_the_own_grid_changes_nothing() -> None:
    image = np.random.default_rng(0).normal(size=(15, 15)).astype(np.float32)
    np.testing.assert_array_equal(Grid(spacing_mm=0.7, size=15).resample(image, 0.7), image)
