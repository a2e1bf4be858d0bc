"""First-order statistics where the IBSI gives no value."""

import numpy as np
import pytest

from skiagram.features.first_order import FirstOrder, first_order_statistics
from skiagram.restoration.regions import Normalisation
from tests.features.families import described


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 65535.0])
def test_constant_image_has_no_spread_and_no_shape(value):
    constant = np.full((1, 4096), np.float32(value), dtype=np.float64)
    found = first_order_statistics(constant)
    spread = ("variance", "skewness", "excess_kurtosis", "coefficient_of_variation", "range")
    assert [found[name][0] for name in spread] == [0] * 5


def test_bright_region_lies_above_the_threshold():
    image = np.full((1, 8, 8), 10, dtype=np.float32)
    image[0, 2:4, 2:4] = 90
    found = described(FirstOrder(region="bright"), image)
    assert found["first_order_minimum"] == found["first_order_maximum"] == 90
    assert found["first_order_energy"] == 4 * 90**2


def test_intensities_scaled_to_mean_0_have_no_variation_relative_to_it():
    image = np.random.default_rng(0).gamma(2, 100, (1, 40, 50))
    region = np.random.default_rng(1).random(image.shape) < 0.7
    scaled = Normalisation(mean=0.0, deviation=1.0, deviations=None).normalise(image, region)
    found = described(FirstOrder(region="whole"), scaled.astype(np.float32), region)
    for name in ("mean", "coefficient_of_variation", "quartile_coefficient_of_dispersion"):
        assert found[f"first_order_{name}"] == 0
    assert found["first_order_variance"] == pytest.approx(1, rel=1e-5)
