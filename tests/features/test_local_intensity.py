"""Peaks in spheres of 1 cm³."""

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.features.batch import FeatureBatch
from skiagram.features.local_intensity import LocalIntensity, peaks

SPACING = np.array([3.0, 2.0, 2.5])


def test_a_plane_image_is_one_slice():
    image = np.random.default_rng(0).random((2, 9, 8)).astype(np.float32)
    plane = LocalIntensity().extract(FeatureBatch(image, spacing=np.full((2, 2), 2.0)))
    slices = FeatureBatch(image[:, None, :, :, None], spacing=np.tile([9.0, 2.0, 2.0], (2, 1)))
    np.testing.assert_allclose(plane, LocalIntensity().extract(slices))


def test_an_unknown_spacing_is_refused_by_name():
    with pytest.raises(DataError, match="`local_intensity` in mm needs the spacing"):
        LocalIntensity().extract(FeatureBatch(np.zeros((1, 4, 4), dtype=np.float32)))


def test_a_region_has_the_peaks_of_the_whole_volume():
    image = np.random.default_rng(0).random((1, 20, 30, 25, 1)).astype(np.float32)
    mask = np.zeros(image.shape[:-1], dtype=np.bool_)
    mask[0, 9:12, 14:17, :3] = True
    found = LocalIntensity().extract(FeatureBatch(image, mask, SPACING[None]))
    whole = peaks(image[0, ..., 0].astype(np.float64), mask[0], SPACING)
    assert found[0] == pytest.approx(whole)
