"""Sharpness and noise against SciPy's filters, and against noise that is known."""

import numpy as np
import pytest
from scipy import ndimage

from skiagram.features.batch import FeatureBatch
from skiagram.features.sharpness import Sharpness

NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]])
INNER = (slice(1, -1), slice(1, -1))


def described(images: np.ndarray) -> dict[str, np.ndarray]:
    values = Sharpness().extract(FeatureBatch(images.astype(np.float32)))
    return dict(zip(Sharpness().names(), values.T, strict=True))


def test_features_are_those_of_the_filters_of_scipy() -> None:
    images = np.random.default_rng(0).integers(0, 4096, size=(3, 17, 23)).astype(np.float64)
    found = described(images)
    for row, image in enumerate(images):
        laplacian = ndimage.laplace(image)[INNER]
        squares = ndimage.sobel(image, 0) ** 2 + ndimage.sobel(image, 1) ** 2
        response = np.abs(ndimage.convolve(image, NOISE_MASK))[INNER].mean()
        assert found["sharpness_laplacian_variance"][row] == pytest.approx(laplacian.var())
        assert found["sharpness_tenengrad"][row] == pytest.approx(squares[INNER].mean())
        assert found["sharpness_noise"][row] == pytest.approx(np.sqrt(np.pi / 2) * response / 6)


@pytest.mark.parametrize("deviation", [0.5, 5.0, 50.0])
def test_noise_on_a_smooth_image_is_estimated_to_two_per_cent(deviation: float) -> None:
    y, x = np.mgrid[:256, :256]
    smooth = 1000 + 3 * x + 2 * y + 0.5 * x * y / 256  # planes and products go unseen
    noise = np.random.default_rng(0).normal(0, deviation, size=(4, 256, 256))
    found = described(smooth + noise)["sharpness_noise"]
    np.testing.assert_allclose(found, deviation, rtol=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (9, 2), (5, 5)])
def test_a_constant_image_and_one_of_two_rows_have_zeros(shape: tuple[int, int]) -> None:
    assert not any(values.any() for values in described(np.full((1, *shape), 7.0)).values())
