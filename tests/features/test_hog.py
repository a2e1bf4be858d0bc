"""Histograms of oriented gradients against scikit-image."""

import numpy as np
import pytest
from skimage.feature import hog

from skiagram.features.batch import FeatureBatch
from skiagram.features.hog import OrientedGradients


@pytest.mark.parametrize(
    ("shape", "grid", "block", "orientations"),
    [((28, 28), 4, 2, 9), ((40, 64), 8, 3, 8), ((35, 21), 7, 1, 12), ((12, 18), 2, 2, 4)],
)
def test_features_equal_scikit_image(
    shape: tuple[int, int], grid: int, block: int, orientations: int
) -> None:
    images = np.random.default_rng(0).integers(0, 9, size=(3, *shape)).astype(np.float32)
    family = OrientedGradients(grid=grid, block=block, orientations=orientations)
    cell = (shape[0] // grid, shape[1] // grid)
    expected = [
        hog(image.astype(np.float64), orientations, cell, (block, block)) for image in images
    ]
    # scikit-image sums a cell in single precision
    np.testing.assert_allclose(family.extract(FeatureBatch(images)), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("angle", "orientation"), [(0, 1), (45, 2), (90, 3), (135, 4), (200, 1)])
def test_an_inclined_plane_stands_under_the_orientation_of_its_gradient(
    angle: float, orientation: int
) -> None:
    y, x = np.mgrid[:30, :30]
    plane = np.cos(np.radians(angle)) * x + np.sin(np.radians(angle)) * y
    family = OrientedGradients(grid=3, block=1, orientations=4)
    turned = FeatureBatch(np.round(plane, 3)[None].astype(np.float32))
    found = dict(zip(family.names(), family.extract(turned)[0], strict=True))
    centre = [found[f"hog_block_2_2_cell_1_1_orientation_{at}"] for at in range(1, 5)]
    assert np.argmax(centre) + 1 == orientation
    np.testing.assert_allclose(sorted(centre), [0, 0, 0, 1], atol=1e-3)


def test_a_finer_image_of_the_same_scene_has_nearly_the_same_features() -> None:
    def scene(height: int, width: int) -> FeatureBatch:
        y, x = (np.arange(height)[:, None] + 0.5) / height, (np.arange(width) + 0.5) / width
        return FeatureBatch((1000 * np.hypot(y - 0.4, x - 0.7) ** 2)[None].astype(np.float32))

    family = OrientedGradients(grid=4, block=2, orientations=9)
    coarse, fine = family.extract(scene(48, 64))[0], family.extract(scene(150, 200))[0]
    assert np.corrcoef(coarse, fine)[0, 1] > 0.95
