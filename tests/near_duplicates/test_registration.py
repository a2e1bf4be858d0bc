"""Empty ground is left out of the detail, wherever it lies."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

from skiagram.near_duplicates.registration import details_of


@pytest.mark.parametrize("seed", range(8))
def test_detail_is_nothing_where_a_pixel_is_the_same_as_all_around_it(seed: int) -> None:
    generator = np.random.default_rng(seed)
    images = generator.integers(0, 1 + 2 ** (seed % 3), (3, 17, 17)).astype(np.float64)
    images[0, 4:12, :9] = images[1] = 5.0
    around = (1, 3, 3)
    empty = maximum_filter(images, around) == minimum_filter(images, around)
    assert (details_of(images)[empty] == 0).all()
    assert empty[0].any()
    assert details_of(images)[~empty].any()
