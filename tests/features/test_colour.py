"""Colour features against scikit-image, SciPy and colours whose values are known."""

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import skew
from skimage.color import rgb2hsv, rgb2lab
from skimage.measure import shannon_entropy

from skiagram.errors import DataError
from skiagram.features.batch import FeatureBatch
from skiagram.features.colour import Colour
from skiagram.options import build
from tests.features.test_families import FOLDER

COLOUR: Colour = build(yaml.safe_load((FOLDER / "colour.yaml").read_text()), "colour")
RGB = np.random.default_rng(4).integers(0, 256, (3, 12, 10, 3)).astype(np.float32)


def features(image: np.ndarray) -> dict[str, float]:
    row = COLOUR.extract(FeatureBatch(image[None].astype(np.float32)))[0].tolist()
    return dict(zip(COLOUR.names(), row, strict=True))


def flat(*rgb: float) -> np.ndarray:
    return np.broadcast_to(np.array(rgb, np.float32), (9, 8, 3))


def test_moments_are_those_of_the_reference_libraries() -> None:
    found = features(RGB[0])
    lab, hsv = rgb2lab(RGB[0] / 255.0), rgb2hsv(RGB[0] / 255.0)
    channels = {"green": RGB[0][..., 1] / 255.0, "b": lab[..., 2], "saturation": hsv[..., 1]}
    for name, channel in channels.items():
        assert found[f"colour_{name}_mean"] == pytest.approx(channel.mean(), rel=1e-5)
        assert found[f"colour_{name}_standard_deviation"] == pytest.approx(channel.std(), rel=1e-5)
        assert found[f"colour_{name}_skewness"] == pytest.approx(skew(channel.ravel()), rel=1e-4)


def test_entropy_is_that_of_the_joint_histogram() -> None:
    level = RGB[0].astype(int) // 32
    joint = level @ [64, 8, 1]
    assert features(RGB[0])["colour_entropy"] == pytest.approx(shannon_entropy(joint, base=2))
    assert features(flat(10, 20, 30))["colour_entropy"] == 0


def test_hue_is_an_angle_red_lies_between_its_two_ends() -> None:
    reds = np.concatenate([flat(255, 0, 40), flat(255, 40, 0)])
    found = features(reds)
    assert found["colour_hue_cosine"] == pytest.approx(1, abs=1e-6)
    assert found["colour_hue_sine"] == pytest.approx(0, abs=1e-6)
    assert 0.98 < found["colour_hue_concentration"] < 1
    cyan = features(flat(0, 255, 255))
    assert cyan["colour_hue_cosine"] == pytest.approx(-1)
    assert cyan["colour_hue_concentration"] == pytest.approx(1)
    assert features(flat(90, 90, 90))["colour_hue_concentration"] == 0


def test_contrast_is_centre_minus_surround_and_asymmetry_knows_its_axis() -> None:
    image = np.full((40, 40, 3), 255.0)
    image[8:32, 8:32] = 0
    found = features(image)
    assert -100 < found["colour_lightness_contrast"] < -60
    assert found["colour_asymmetry_left_right"] == found["colour_asymmetry_top_bottom"] == 0
    image[:, :20] = 0
    found = features(image)
    assert found["colour_asymmetry_left_right"] > 50
    assert found["colour_asymmetry_top_bottom"] == pytest.approx(0)


def test_a_batch_equals_its_images_one_by_one() -> None:
    alone = np.vstack([COLOUR.extract(FeatureBatch(image[None])) for image in RGB])
    np.testing.assert_allclose(COLOUR.extract(FeatureBatch(RGB)), alone, rtol=1e-9, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    arrays(
        np.float32,
        st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 9), st.just(3)),
        elements=st.floats(-1e6, 1e6, width=32),
    )
)
def test_every_finite_colour_image_is_described(images: np.ndarray) -> None:
    values = COLOUR.extract(FeatureBatch(images))
    assert values.shape == (2, len(COLOUR.names()))
    assert np.isfinite(values).all()


@pytest.mark.parametrize("shape", [(1, 9, 9), (1, 9, 9, 4)])
def test_images_without_three_channels_are_refused_by_name(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=r"`colour` is not defined for .* channel.*leave `colour`"):
        COLOUR.extract(FeatureBatch(np.zeros(shape, np.float32)))
