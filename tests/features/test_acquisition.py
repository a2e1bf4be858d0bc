"""Traits of the file: what they count, and that they see no tissue."""

import numpy as np

from skiagram.features.acquisition import Acquisition
from skiagram.features.batch import FeatureBatch


def traits(images, spacing=None):
    found = Acquisition().extract(FeatureBatch(images.astype(np.float32), spacing=spacing))
    names = (name.removeprefix("acquisition_") for name in Acquisition().names())
    return dict(zip(names, found.T.tolist(), strict=True))


def test_traits_are_counted():
    image = np.array([[[0, 0, 0, 0], [0, 5, 9, 9]]])
    found = traits(image, np.array([[0.1, 0.3]]))
    assert (found["height"], found["width"]) == ([2.0], [4.0])
    np.testing.assert_allclose(found["pixel_spacing"], 0.2)
    assert found["distinct_values"] == [3.0]
    assert found["share_at_minimum"] == [5 / 8]
    assert found["share_at_maximum"] == [2 / 8]


def test_an_unknown_spacing_is_0_beside_a_known_one():
    found = traits(np.ones((2, 3, 3)), np.array([[np.nan, np.nan], [0.2, 0.2]]))
    assert found["pixel_spacing"] == [0.0, 0.2]
