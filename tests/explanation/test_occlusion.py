"""A map by occlusion is the mean loss over the windows that hold a place."""

import numpy as np
import pytest

from skiagram.explanation.occlusion import occlusion_maps, slide_window


@pytest.mark.parametrize(
    ("shape", "sides", "steps", "number"),
    [
        ((8, 8), (2, 2), (1, 1), 49),
        ((7, 5), (4, 2), (2, 1), 12),
        ((1, 3, 4), (2, 2, 2), (1,) * 3, 6),
    ],
)
def test_windows_cover_the_grid_and_a_place_has_the_mean_of_its_own(shape, sides, steps, number):
    windows = slide_window(shape, sides, steps)
    assert len(windows) == number
    loss = np.random.default_rng(1).normal(size=(number, 2))
    maps = occlusion_maps(shape, windows, loss)
    for place in np.ndindex(shape):
        holds = [
            all(part.start <= at < part.stop for part, at in zip(window, place, strict=True))
            for window in windows
        ]
        np.testing.assert_allclose(maps[:, *place], loss[holds].mean(axis=0))
