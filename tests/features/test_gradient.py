"""Gradient magnitude on images whose gradient is known."""

import numpy as np
import pytest

from skiagram.features.gradient import GradientMagnitude


def test_inclined_plane_has_one_gradient_everywhere() -> None:
    y, x = np.mgrid[:6, :7]
    found = GradientMagnitude((3.0 * x + 4.0 * y)[None])
    np.testing.assert_allclose(found.columns(), [[5, 0, 5]], atol=1e-12)


@pytest.mark.parametrize(("shape", "steepest"), [((1, 1), 0), ((1, 3), 2), ((3, 1), 2)])
def test_an_axis_of_one_pixel_has_no_gradient(shape: tuple[int, int], steepest: float) -> None:
    image = 2 * np.arange(max(shape), dtype=np.float64).reshape(1, *shape)
    assert GradientMagnitude(image).maximum.tolist() == [steepest]
