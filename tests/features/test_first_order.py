"""First-order statistics against SciPy, and what moves them."""

import numpy as np
import pytest
from scipy import stats

from skiagram.features.batch import FeatureBatch
from skiagram.features.first_order import FirstOrder, first_order_statistics
from skiagram.restoration.regions import Normalisation


def test_values_equal_scipy() -> None:
    samples = np.random.default_rng(0).gamma(2, 10, size=(4, 501))
    found = first_order_statistics(samples)
    np.testing.assert_allclose(found["variance"], np.var(samples, axis=1))
    np.testing.assert_allclose(found["skewness"], stats.skew(samples, axis=1))
    np.testing.assert_allclose(found["excess_kurtosis"], stats.kurtosis(samples, axis=1))
    np.testing.assert_allclose(found["interquartile_range"], stats.iqr(samples, axis=1))
    np.testing.assert_allclose(found["coefficient_of_variation"], stats.variation(samples, axis=1))
    np.testing.assert_allclose(
        found["percentile_25"], [stats.scoreatpercentile(row, 25) for row in samples]
    )


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 65535.0])
def test_constant_image_has_no_spread_and_no_shape(value: float) -> None:
    constant = np.full((1, 4096), np.float32(value), dtype=np.float64)
    found = first_order_statistics(constant)
    spread = ("variance", "skewness", "excess_kurtosis", "coefficient_of_variation", "range")
    assert [found[name][0] for name in spread] == [0] * 5


def test_robust_deviation_is_that_of_the_pixels_between_the_percentiles() -> None:
    samples = np.random.default_rng(1).integers(0, 40, size=(3, 100)).astype(np.float64)
    for row, found in zip(
        samples, first_order_statistics(samples)["robust_mean_absolute_deviation"], strict=True
    ):
        low, high = np.percentile(row, (10, 90))
        kept = row[(row >= low) & (row <= high)]
        np.testing.assert_allclose(found, np.abs(kept - kept.mean()).mean())


def test_two_far_apart_intensities_leave_none_between_the_percentiles() -> None:
    found = first_order_statistics(np.array([[0.0, 1.0]]))
    assert found["robust_mean_absolute_deviation"].tolist() == [0]


def test_only_the_region_counts() -> None:
    image = np.arange(30, dtype=np.float32).reshape(1, 5, 6)
    mask = np.zeros((1, 5, 6), dtype=np.bool_)
    mask[0, 1:3, 2:5] = True
    family = FirstOrder(region="whole")
    found = dict(zip(family.names(), family.extract(FeatureBatch(image, mask))[0], strict=True))
    assert found["first_order_minimum"] == 8
    assert found["first_order_maximum"] == 16
    assert found["first_order_mean"] == image[mask].mean()
    assert found["first_order_energy"] == np.sum(image[mask] ** 2)


def test_bright_region_lies_above_the_threshold() -> None:
    image = np.full((1, 8, 8), 10, dtype=np.float32)
    image[0, 2:4, 2:4] = 90
    family = FirstOrder(region="bright")
    found = dict(zip(family.names(), family.extract(FeatureBatch(image))[0], strict=True))
    assert found["first_order_minimum"] == found["first_order_maximum"] == 90
    assert found["first_order_energy"] == 4 * 90**2


def test_intensities_scaled_to_mean_0_have_no_variation_relative_to_it() -> None:
    image = np.random.default_rng(0).gamma(2, 100, (1, 40, 50))
    region = np.random.default_rng(1).random(image.shape) < 0.7
    scaled = Normalisation(mean=0.0, deviation=1.0, deviations=None).normalise(image, region)
    family = FirstOrder(region="whole")
    batch = FeatureBatch(scaled.astype(np.float32), region)
    found = dict(zip(family.names(), family.extract(batch)[0], strict=True))
    for name in ("mean", "coefficient_of_variation", "quartile_coefficient_of_dispersion"):
        assert found[f"first_order_{name}"] == 0
    assert found["first_order_variance"] == pytest.approx(1, rel=1e-5)
