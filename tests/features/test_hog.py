"""Histograms of oriented gradients against scikit-image."""

import numpy as np
import pytest
from skimage.feature import hog

from skiagram.errors import OptionError
from skiagram.features.batch import FeatureBatch
from skiagram.features.hog import OrientedGradients
from tests.features.families import described, family


@pytest.mark.parametrize(
    ("shape", "grid", "block", "orientations"),
    [((28, 28), 4, 2, 9), ((40, 64), 8, 3, 8), ((35, 21), 7, 1, 12), ((12, 18), 2, 2, 4)],
)
def test_features_equal_scikit_image(
    shape: tuple[int, int], grid: int, block: int, orientations: int
) -> None:
    images = np.random.default_rng(0).integers(0, 9, size=(3, *shape)).astype(np.float32)
    chosen = OrientedGradients(grid=grid, block=block, orientations=orientations)
    cell = (shape[0] // grid, shape[1] // grid)
    expected = [
        hog(image.astype(np.float64), orientations, cell, (block, block)) for image in images
    ]
    # scikit-image sums a cell in single precision
    np.testing.assert_allclose(chosen.extract(FeatureBatch(images)), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("angle", "orientation"), [(0, 1), (45, 2), (90, 3), (135, 4), (200, 1)])
def test_an_inclined_plane_stands_under_the_orientation_of_its_gradient(
    angle: float, orientation: int
) -> None:
    y, x = np.mgrid[:30, :30]
    plane = np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y
    chosen = OrientedGradients(grid=3, block=1, orientations=4)
    found = described(chosen, np.round(plane, 3)[None].astype(np.float32))
    centre = [found[f"hog_block_2_2_cell_1_1_orientation_{at}"] for at in range(1, 5)]
    assert np.argmax(centre) + 1 == orientation
    np.testing.assert_allclose(sorted(centre), [0, 0, 0, 1], atol=1e-3)


def test_a_block_larger_than_the_grid_is_refused() -> None:
    with pytest.raises(OptionError, match="at most 2 cells"):
        family("hog", grid=2, block=3)
