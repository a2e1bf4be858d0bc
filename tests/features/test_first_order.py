"""The family of first-order statistics: where it looks."""

import numpy as np

from skiagram.features.batch import Batch
from skiagram.features.first_order import FirstOrder


def test_only_the_region_counts() -> None:
    image = np.arange(30, dtype=np.float32).reshape(1, 5, 6)
    mask = np.zeros((1, 5, 6), dtype=np.bool_)
    mask[0, 1:3, 2:5] = True
    family = FirstOrder(region="whole")
    found = dict(zip(family.names(), family.extract(Batch(image, mask))[0], strict=True))
    assert found["first_order_minimum"] == 8
    assert found["first_order_maximum"] == 16
    assert found["first_order_mean"] == image[mask].mean()
    assert found["first_order_energy"] == np.sum(image[mask] ** 2)


def test_bright_region_lies_above_the_threshold() -> None:
    image = np.full((1, 8, 8), 10, dtype=np.float32)
    image[0, 2:4, 2:4] = 90
    family = FirstOrder(region="bright")
    found = dict(zip(family.names(), family.extract(Batch(image))[0], strict=True))
    assert found["first_order_minimum"] == found["first_order_maximum"] == 90
    assert found["first_order_energy"] == 4 * 90**2
