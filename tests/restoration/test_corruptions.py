"""Images get worse by the amount asked for, whatever their depth, and faults stay faults."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as Pillow
from skimage.filters import gaussian
from skimage.metrics import peak_signal_noise_ratio

from skiagram.errors import DataError
from skiagram.restoration.corruptions import CORRUPTIONS, corrupt

EVERY = pytest.mark.parametrize("name", CORRUPTIONS)
MODERATE = {"noise": 0.1, "blur": 1.0, "contrast": 0.5, "brightness": 0.1, "jpeg": 50.0}
MODERATE |= {"missing_lines": 0.1, "rotation": 10.0}


def tissue(side=48):
    """Return a smooth image of standard deviation 1 and mean 0."""
    rough = np.random.default_rng(7).standard_normal((side, side))
    smooth = gaussian(rough, 2, mode="wrap")
    return np.asarray((smooth - smooth.mean()) / smooth.std())


def worse(image, name, amount, seed=0):
    return corrupt(image, CORRUPTIONS[name], amount, np.random.default_rng(seed))


def span(image):
    low, high = np.percentile(image, (5, 95))
    return float(high - low)


@EVERY
def test_more_of_it_takes_an_image_further_away(name):
    image = tissue().astype(np.float32)
    amounts = np.array([0.25, 1, 2]) * MODERATE[name] if name != "jpeg" else [10, 60, 95]
    distance = [
        peak_signal_noise_ratio(image, worse(image, name, one), data_range=6) for one in amounts
    ]
    assert distance == sorted(distance, reverse=True)
    assert len(set(distance)) == 3


@EVERY
@settings(max_examples=15, deadline=None)
@given(scale=st.floats(0.01, 1000), offset=st.floats(-1000, 1000))
def test_scale_and_offset_of_the_intensities_do_not_matter(name, scale, offset):
    image = tissue()
    expected = worse(image, name, MODERATE[name])
    found = (worse(scale * image + offset, name, MODERATE[name]) - offset) / scale
    if name == "jpeg":  # a rounding that falls the other way moves a block by some grey levels
        assert np.abs(found - expected).mean() < 3 * span(image) / 255
    else:
        assert_allclose(found, expected, atol=1e-9 * (1 + abs(offset) / scale))


@EVERY
@pytest.mark.parametrize("depth", ["uint8", "uint16", "int16", "float32"])
def test_depth_and_shape_stay(name, depth):
    grey = np.clip(128 + 40 * tissue(), 0, 255).astype(depth)
    for image in (grey, np.dstack([grey] * 3), np.dstack([grey] * 2)):
        found = worse(image, name, MODERATE[name])
        assert (found.dtype, found.shape) == (image.dtype, image.shape)
        assert not np.array_equal(found, image)
        assert_array_equal(found, worse(image, name, MODERATE[name]))


@EVERY
def test_faults_of_the_detector_stay_where_and_as_they_are(name):
    image = tissue().astype(np.float32)
    gap, hot = (5, 6), (20, 30)
    image[gap], image[hot] = np.nan, 50.0
    clean = tissue().astype(np.float32)
    whole, found = (worse(each, name, MODERATE[name]) for each in (clean, image))
    assert np.isnan(found[gap])
    assert found[hot] == 50
    assert np.isfinite(np.delete(found.ravel(), 5 * 48 + 6)).all()
    far = np.ones_like(image, dtype=bool)
    for row, column in (gap, hot):
        far[row - 5 : row + 6, column - 5 : column + 6] = False
    if name not in {"missing_lines", "jpeg"}:
        assert_allclose(found[far], whole[far], atol=0.1)


@EVERY
def test_an_image_of_one_value_or_none_has_nothing_to_lose_and_volumes_are_refused(name):
    with pytest.raises(DataError, match="a volume of 4 slices"):
        worse(np.zeros((4, 8, 8, 1), np.float32), name, MODERATE[name])
    for image in (np.full((16, 16), 9, np.uint8), np.full((16, 16), np.nan, np.float32)):
        assert_array_equal(worse(image, name, MODERATE[name]), image)


def test_noise_has_the_standard_deviation_asked_for():
    image = tissue(128)
    noise = worse(image, "noise", 0.2) - image
    assert noise.std() == pytest.approx(0.2 * span(image), rel=0.02)
    assert abs(noise.mean()) < 0.01


def test_blur_is_scikit_images():
    image = tissue()
    assert_allclose(worse(image, "blur", 1.5), gaussian(image, 1.5, mode="reflect"), atol=1e-9)


def test_contrast_and_brightness_are_linear_and_saturate():
    image = tissue()
    assert np.corrcoef(worse(image, "contrast", 0.9).ravel(), image.ravel())[0, 1] > 1 - 1e-12
    assert worse(image, "contrast", 0.9).std() == pytest.approx(0.1 * image.std())
    assert_allclose(worse(image, "brightness", 0.5) - image, 0.5 * span(image))
    grey = np.clip(200 + 20 * image, 0, 255).astype(np.uint8)
    assert worse(grey, "brightness", 2.0).min() == 255


def test_jpeg_of_8_bits_is_what_a_file_of_that_quality_holds():
    grey = np.clip(128 + 40 * tissue(), 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(grey).save(file, format="JPEG", quality=30)
    assert_array_equal(worse(grey, "jpeg", 70), np.asarray(Pillow.open(file)))


@settings(max_examples=20, deadline=None)
@given(amount=st.floats(0.01, 0.9), seed=st.integers(0, 100))
def test_the_share_of_rows_asked_for_is_lost(amount, seed):
    image = tissue()
    lost = (worse(image, "missing_lines", amount, seed) == image.min()).all(axis=1)
    assert lost.sum() == max(1, round(amount * 48))


def test_a_quarter_turn_is_numpys_to_either_side():
    image = tissue()
    turned = {1: np.rot90(image), -1: np.rot90(image, -1)}
    found = [worse(image, "rotation", 90, seed) for seed in range(8)]
    sides = {
        side
        for one in found
        for side, other in turned.items()
        if np.allclose(one[1:-1, 1:-1], other[1:-1, 1:-1], atol=1e-6)
    }
    assert sides == {1, -1}
