"""Families of features on the response of a filter."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.errors import DataError, OptionError
from skiagram.features.batch import FeatureBatch
from skiagram.features.first_order import FirstOrder
from skiagram.records.feature_table import has_prefix
from tests.features.families import family, read_family

FILTER = read_family("log_3mm")["filter"]


def images():
    image = np.random.default_rng(0).normal(size=(2, 5, 40, 44)).astype(np.float32)
    mask = np.zeros(image.shape, dtype=np.bool_)
    mask[:, 1:4, 15:25, 18:30] = True
    return image, mask


def test_features_are_those_of_the_response_in_the_region():
    image, mask = images()
    chosen = family("log_3mm")
    batch = FeatureBatch(image[..., None], mask, np.full((2, 3), 1.5))
    response = np.stack([chosen.filter.respond(one.astype(float), [1.5] * 3) for one in image])
    whole = FeatureBatch(response[..., None].astype(np.float32), mask)
    expected = FirstOrder(region="whole").extract(whole)
    assert_allclose(chosen.extract(batch)[:, : expected.shape[1]], expected, rtol=1e-4)


@pytest.mark.parametrize("boundary", ["mirror", "periodic"])
@pytest.mark.parametrize("name", ["first_order", "gradient", "lbp", "shape"])
def test_features_are_those_of_the_response_of_the_whole_image(name, boundary):
    """The response was one of the region's surroundings: it wrapped round these, and ended."""
    image, mask = images()
    image, mask = image[:, 0], np.roll(mask[:, 1], -13, axis=1)
    chosen = family("log_3mm", filter=FILTER | {"boundary": boundary}, families=[read_family(name)])
    response = np.stack([chosen.filter.respond(one[None], [1.0] * 3)[0] for one in image])
    expected = family(name).extract(FeatureBatch(response.astype(np.float32), mask))
    found = chosen.extract(FeatureBatch(image, mask, np.ones((2, 2))))
    assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("changes", "margin", "message"),
    [
        ({}, 12.0, ""),
        ({"boundary": "periodic"}, 50.0, "looks at the whole image, of which 50 mm"),
        ({}, 10.0, "looks 12 mm around the region, of which 10 mm are kept.*`margin`.*to 12"),
        ({"riesz": [1, 0]}, 50.0, "looks at the whole image, of which 50 mm .*to null"),
    ],
)
def test_a_filter_that_looks_beyond_the_margin_is_refused(changes, margin, message):
    image, mask = images()
    batch = FeatureBatch(image[..., None], mask, np.full((2, 3), 1.5), margin=margin)
    chosen = family("log_3mm", filter=FILTER | changes)
    if message:
        with pytest.raises(DataError, match=message):
            chosen.extract(batch)
    else:
        whole = chosen.extract(FeatureBatch(image[..., None], mask, np.full((2, 3), 1.5)))
        assert_array_equal(chosen.extract(batch), whole)


def test_names_and_definitions_carry_the_filter():
    chosen = family("log_3mm")
    assert chosen.names()[0] == "log_3mm.first_order_mean"
    assert "log_3mm.glcm_contrast" in chosen.names()
    for name in chosen.names():
        assert sum(definition.fits(name) for definition in chosen.definitions()) == 1
        assert has_prefix(name, "log_3mm")
    assert has_prefix("log_3mm.glcm_contrast", "log_3mm.glcm")
    assert not has_prefix("log_3mm.glcm_contrast", "log_3")


def test_plane_images_are_described_as_one_slice():
    image, mask = images()
    plane = FeatureBatch(image[:, 0], mask[:, 1], np.full((2, 2), 1.5))
    slices = FeatureBatch(image[:, :1, :, :, None], mask[:, 1:2], np.full((2, 3), 1.5))
    assert_allclose(family("log_3mm").extract(plane), family("log_3mm").extract(slices))


def test_refusals_name_the_filter():
    image, mask = images()
    with pytest.raises(DataError, match="`log_3mm` in mm needs the spacing"):
        family("log_3mm").extract(FeatureBatch(image[:, 0], mask[:, 1]))
    across = family("log_3mm", filter=FILTER | {"dimension": "3D"})
    with pytest.raises(DataError, match="`log_3mm` is a filter in 3D"):
        across.extract(FeatureBatch(image[:, 0], mask[:, 1], np.ones((2, 2))))


def test_wrong_options_are_one_line():
    with pytest.raises(OptionError, match="sigma: -1 was given"):
        family("log_3mm", filter=FILTER | {"sigma": -1})
    with pytest.raises(OptionError, match=r"a class of `skiagram\.features\.filters`"):
        family("log_3mm", filter=read_family("log_3mm")["families"][0])
    with pytest.raises(OptionError, match="is no feature family"):
        family("log_3mm", families=[FILTER])
