"""Intensity–volume histograms: options and limits."""

import numpy as np
import pytest
from pydantic import ValidationError

from skiagram.errors import DataError
from skiagram.features.discretisation import Discretisation
from skiagram.features.intensity_volume_histogram import IntensityVolumeHistogram

WHOLE = IntensityVolumeHistogram(bin_number=None, bin_width=None, lowest=None, highest=None)


def test_bounds_set_the_range_of_the_intensity():
    values = np.arange(40.0, 61.0)
    bounded = IntensityVolumeHistogram(bin_number=None, bin_width=None, lowest=0.0, highest=100.0)
    assert (bounded.curve(values).volume_at(0.1), bounded.curve(values).volume_at(0.9)) == (1, 0)


def test_a_constant_region_is_one_step():
    curve = WHOLE.curve(np.full(5, 7.0))
    assert (curve.volume_at(0.1), curve.volume_at(0.9), curve.intensity_at(0.1)) == (0, 0, 7)


def test_bins_of_a_number_are_the_grey_levels_of_other_families():
    values = np.arange(101.0)  # each on the edge of a bin
    binned = IntensityVolumeHistogram(bin_number=100, bin_width=None, lowest=None, highest=None)
    grey = Discretisation(bin_number=100, bin_width=None).grey_levels(values[None, None])
    at_least = [(grey.levels >= level).mean() for level in range(1, 101)]
    np.testing.assert_allclose(binned.curve(values).volume, at_least)


def test_both_kinds_of_bins_are_refused():
    with pytest.raises(ValidationError, match="give `bin_number` or `bin_width`"):
        IntensityVolumeHistogram(bin_number=10, bin_width=1.0, lowest=None, highest=None)


@pytest.mark.parametrize("width", [1e-12, 1e-30, None])
def test_more_steps_than_memory_holds_are_refused(width):
    family = IntensityVolumeHistogram(bin_number=None, bin_width=width, lowest=None, highest=None)
    with pytest.raises(DataError, match=r"steps of .*at most 1000000.*wider bins"):
        family.curve(np.array([0.0, 1e9]))
