"""Colour features against scikit-image, SciPy and colours whose values are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import skew
from skimage.color import rgb2hsv, rgb2lab
from skimage.measure import shannon_entropy

from skiagram.features.batch import FeatureBatch
from tests.features.families import described, family

COLOUR = family("colour")
RGB = np.random.default_rng(4).integers(0, 256, (3, 12, 10, 3)).astype(np.float32)


def features(image):
    return described(COLOUR, image[None].astype(np.float32))


def flat(*rgb):
    return np.broadcast_to(np.array(rgb, np.float32), (9, 8, 3))


def test_moments_are_those_of_the_reference_libraries():
    found = features(RGB[0])
    lab, hsv = rgb2lab(RGB[0] / 255.0), rgb2hsv(RGB[0] / 255.0)
    channels = {"green": RGB[0][..., 1] / 255.0, "b": lab[..., 2], "saturation": hsv[..., 1]}
    for name, channel in channels.items():
        assert found[f"colour_{name}_mean"] == pytest.approx(channel.mean(), rel=1e-5)
        assert found[f"colour_{name}_standard_deviation"] == pytest.approx(channel.std(), rel=1e-5)
        assert found[f"colour_{name}_skewness"] == pytest.approx(skew(channel.ravel()), rel=1e-4)


def test_entropy_is_that_of_the_joint_histogram():
    level = RGB[0].astype(int) // 32
    joint = level @ [64, 8, 1]
    assert features(RGB[0])["colour_entropy"] == pytest.approx(shannon_entropy(joint, base=2))
    assert features(flat(10, 20, 30))["colour_entropy"] == 0


def test_hue_is_an_angle_red_lies_between_its_two_ends():
    reds = np.concatenate([flat(255, 0, 40), flat(255, 40, 0)])
    found = features(reds)
    assert found["colour_hue_cosine"] == pytest.approx(1, abs=1e-6)
    assert found["colour_hue_sine"] == pytest.approx(0, abs=1e-6)
    assert 0.98 < found["colour_hue_concentration"] < 1
    cyan = features(flat(0, 255, 255))
    assert cyan["colour_hue_cosine"] == pytest.approx(-1)
    assert cyan["colour_hue_concentration"] == pytest.approx(1)
    assert features(flat(90, 90, 90))["colour_hue_concentration"] == 0


def test_contrast_is_centre_minus_surround_and_asymmetry_knows_its_axis():
    image = np.full((40, 40, 3), 255.0)
    image[8:32, 8:32] = 0
    found = features(image)
    assert -100 < found["colour_lightness_contrast"] < -60
    assert found["colour_asymmetry_left_right"] == found["colour_asymmetry_top_bottom"] == 0
    image[:, :20] = 0
    found = features(image)
    assert found["colour_asymmetry_left_right"] > 50
    assert found["colour_asymmetry_top_bottom"] == pytest.approx(0)


def test_a_region_is_described_by_its_own_pixels_within_its_box():
    masks = np.zeros(RGB.shape[:3], dtype=np.bool_)
    masks[0, 2:9, 1:8] = True  # a box: as the image that is cut to it
    masks[1, 3:9, 2:9], masks[1, 3, 2] = True, False
    masks[2, 5, 5] = True  # a pixel has no surround and mirrors itself
    found = COLOUR.extract(FeatureBatch(RGB, masks))
    assert_allclose(found[:1], COLOUR.extract(FeatureBatch(RGB[:1, 2:9, 1:8])))
    outside = np.where(masks[..., None], RGB, 255 - RGB)
    assert_array_equal(found, COLOUR.extract(FeatureBatch(outside, masks)))
    assert abs(found[1] - COLOUR.extract(FeatureBatch(RGB[1:2, 3:9, 2:9]))[0]).max() > 1e-3
    names = COLOUR.names()
    pixel = dict(zip(names, found[2], strict=True))
    assert pixel["colour_green_mean"] == pytest.approx(RGB[2, 5, 5, 1] / 255)
    assert all(value == 0 for name, value in pixel.items() if "contrast" in name)
    assert all(value == 0 for name, value in pixel.items() if "asymmetry" in name)
