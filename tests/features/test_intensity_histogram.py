"""Histogram features against published values."""

import numpy as np
import pytest

from skiagram.features.discretisation import histograms
from skiagram.features.intensity_histogram import IntensityHistogram
from tests.features.ibsi_phantom import REGION


# Reference values of the digital phantom, IBSI reference manual, section 3.4.
@pytest.mark.parametrize(
    ("name", "published"), [("mode", 1), ("entropy", 1.27), ("uniformity", 0.512)]
)
def test_digital_phantom_gives_the_published_value(name: str, published: float) -> None:
    found = IntensityHistogram(histograms(REGION[None] - 1, 6))
    assert f"{getattr(found, name)[0]:.3g}" == f"{published:.3g}"


def test_of_several_modes_the_nearest_to_the_mean_counts() -> None:
    shares = np.array([[0.4, 0.0, 0.1, 0.4, 0.1], [0.5, 0.0, 0.5, 0.0, 0.0]])
    assert IntensityHistogram(shares).mode.tolist() == [4, 1]
