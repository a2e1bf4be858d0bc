"""Medians in windows against SciPy and NumPy."""

import numpy as np
import pytest
from scipy import ndimage

from skiagram.restoration import windows
from skiagram.restoration.windows import Surroundings, local_median, square


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 3), (17, 31)])
@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("strip", [1, 2**22])
def test_local_median_equals_scipy_whatever_the_strips(
    shape: tuple[int, int], radius: int, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "_STRIP_VALUES", strip)
    plane = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = ndimage.median_filter(plane, 2 * radius + 1, mode="mirror")
    np.testing.assert_array_equal(local_median(plane, radius), expected)


@pytest.mark.parametrize("chunk", [1, 2**22])
def test_surrounding_median_ignores_invalid_pixels_and_the_outside(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "_STRIP_VALUES", chunk)
    rng = np.random.default_rng(1)
    plane = rng.normal(size=(9, 7)).astype(np.float32)
    valid = rng.random(plane.shape) > 0.3
    pixels = np.argwhere(np.ones_like(valid))
    medians = Surroundings(plane, valid, 1).median(pixels, square(1))
    known = np.pad(np.where(valid, plane, np.nan), 1, constant_values=np.nan)
    expected = [np.nanmedian(known[row : row + 3, column : column + 3]) for row, column in pixels]
    np.testing.assert_allclose(medians, expected, rtol=1e-5, atol=1e-6)


def test_offsets_beyond_a_distance_leave_a_ring() -> None:
    assert len(square(2)) == 25
    ring = square(3, beyond=3)
    assert len(ring) == 24
    assert set(np.abs(ring).max(axis=1)) == {3}
