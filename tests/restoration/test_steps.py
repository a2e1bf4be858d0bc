"""All steps together: planted faults, switches, shapes and depths."""

import dataclasses
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal, assert_equal

from skiagram.errors import DataError
from skiagram.restoration.steps import Steps
from tests.restoration.phantom import OPTION_FILES, film, psnr, restoration, restored, tissue

DEFAULT = restoration("wavelet")
NONE = Steps(missing=None, outliers=None, denoising=None)
ALL = [  # those of regions have no steps, and tests of their own
    path.stem for path in OPTION_FILES.glob("*.yaml") if not path.stem.startswith("region_")
]
STATELESS = sorted(set(ALL) - {"training_mean"})
FILLING = sorted(set(STATELESS) - {"none"})

PIXELS = st.floats(-(2**16), 2**16, width=32) | st.sampled_from([math.nan, math.inf, -math.inf])
IMAGES = arrays(np.float32, array_shapes(min_dims=2, max_dims=3, max_side=20), elements=PIXELS)


def test_each_step_brings_the_image_nearer_to_the_truth():
    zeros, filled, sound, whole = np.mean(
        [
            (
                psnr(np.nan_to_num(example.faulty), example.clean),
                *(psnr(restored(steps, example.faulty)[0], example.clean) for steps in growing()),
            )
            for example in map(film, range(5))
        ],
        axis=0,
    )
    assert filled > zeros + 0.1
    assert sound > filled + 4
    assert whole > sound + 2.5


def growing():
    fill = dataclasses.replace(NONE, missing=DEFAULT.missing)
    return [fill, dataclasses.replace(fill, outliers=DEFAULT.outliers), DEFAULT]


def test_the_treatment_counts_what_was_planted():
    example = film(2)
    _, treatment = restored(DEFAULT, example.faulty)
    assert treatment.missing == 80
    assert treatment.dead_lines == 2
    on_lines = np.zeros_like(example.hot)
    on_lines[[20, 41]] = True
    assert treatment.outliers == np.sum(on_lines | example.hot)
    assert treatment.noise == pytest.approx(0.3, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILLING)
@settings(max_examples=30)
@given(image=IMAGES)
def test_any_image_comes_out_finite_and_of_its_shape(name, image):
    planes = image.reshape(*image.shape[:2], -1)
    if np.isfinite(planes).any(axis=(0, 1)).all():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            clean, treatment = restored(restoration(name), image)
        assert clean.shape == image.shape
        assert clean.dtype == np.float32
        assert np.isfinite(clean).all()
        assert treatment.missing == np.sum(~np.isfinite(image))
    else:
        with pytest.raises(DataError, match="every pixel is missing"):
            restored(restoration(name), image)


@pytest.mark.parametrize("name", STATELESS)
@settings(max_examples=20)
@given(value=st.integers(0, 2**16 - 1), height=st.integers(1, 40), width=st.integers(1, 40))
def test_a_constant_image_is_unchanged(name, value, height, width):
    image = np.full((height, width), value, np.uint16)
    assert_array_equal(restored(restoration(name), image)[0], image)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(STATELESS) - {"padding"}))  # for which 0 is dark
@settings(max_examples=15)
@given(scale=st.floats(0.01, 100), offset=st.floats(-100, 100))
def test_restoring_follows_a_change_of_units(name, scale, offset):
    image = film(8).faulty
    assert_allclose(
        restored(restoration(name), (image + np.float32(offset)) * np.float32(scale))[0],
        (restored(restoration(name), image)[0] + np.float32(offset)) * np.float32(scale),
        atol=2e-4 * scale,
        rtol=1e-6,
    )


def test_with_everything_off_pixels_stay_and_missing_ones_are_nan():
    image = np.array([[1, math.inf], [-math.inf, math.nan]], np.float32)
    clean, treatment = restored(restoration("none"), image)
    assert_array_equal(clean, np.array([[1, math.nan], [math.nan, math.nan]]))
    assert (treatment.missing, treatment.outliers, treatment.dead_lines) == (3, 0, 0)
    assert math.isnan(treatment.noise)


@pytest.mark.parametrize(("least", "dark"), [(-990, -990.0), (100, 0.0)])  # as of CT, of MR
def test_a_slice_without_a_known_voxel_is_as_dark_as_its_volume(least, dark):
    volume = np.arange(2 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 1) + least - 10
    volume[0] = volume[1, 0, 0] = math.nan
    clean, treatment = restored(restoration("padding"), volume)
    assert set(clean[0].ravel()) == {clean[1, 0, 0, 0]} == {dark}
    assert treatment.missing == 10
    with pytest.raises(DataError, match="every pixel is missing"):
        restored(restoration("padding"), np.full_like(volume, math.nan))


def test_with_filling_off_the_other_steps_work_around_the_gaps():
    example = film(9)
    steps = dataclasses.replace(DEFAULT, missing=None)
    clean, treatment = restored(steps, example.faulty)
    assert_array_equal(np.isnan(clean), example.missing)
    assert treatment.dead_lines == 2
    known = ~example.missing
    assert psnr(clean[known], example.clean[known]) > 26


@pytest.mark.parametrize("name", sorted(set(STATELESS) - {"padding"}))  # the volume's lowest value
@pytest.mark.parametrize("volume", [True, False])
def test_slices_and_channels_are_restored_each_on_its_own(name, volume):
    planes = [film(seed).faulty for seed in range(3)]
    image = np.stack(planes)[..., None] if volume else np.stack(planes, axis=-1)
    whole, treatment = restored(restoration(name), image)
    alone = [restored(restoration(name), plane) for plane in planes]
    found = whole[..., 0] if volume else np.moveaxis(whole, -1, 0)
    assert_array_equal(found, np.stack([plane for plane, _ in alone]))
    for count in ("missing", "outliers", "dead_lines"):
        assert getattr(treatment, count) == sum(getattr(each, count) for _, each in alone)
    noise = np.array([each.noise for _, each in alone])
    assert treatment.noise == pytest.approx(np.sqrt(np.mean(noise**2)), nan_ok=True)


@pytest.mark.parametrize("name", STATELESS)
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_batch_gives_what_its_images_give_one_by_one(name, channels):
    planes = [film(seed).faulty if seed % 3 else film(seed).noisy for seed in range(6)]
    images = np.stack(planes)
    if channels:
        images = np.stack([images[:2], images[2:4], images[4:]], axis=-1)
    batch, treatments = restoration(name).restore(images)
    for image, clean, treatment in zip(images, batch, treatments, strict=True):
        alone, own = restored(restoration(name), image)
        assert_array_equal(clean, alone)
        assert_equal(tuple(treatment), tuple(own))


@pytest.mark.parametrize("name", FILLING)
@pytest.mark.parametrize("shape", [(1, 8192), (8192, 1), (8192, 20), (17, 8192)])
def test_long_and_narrow_images_come_out_whole(name, shape):
    image = np.random.default_rng(0).normal(100, 5, shape).astype(np.float32)
    known = image.copy()
    image.flat[100:7000] = np.nan
    clean, treatment = restored(restoration(name), image)
    assert treatment.missing == 6900
    assert clean.shape == shape
    # A band of missing rows is padding, and wavelets overshoot where it ends.
    assert -20 <= clean.min() <= clean.max() <= known.max() + 5


@pytest.mark.parametrize("name", FILLING)
def test_what_float32_cannot_hold_is_missing(name):
    image = 100 + 20.0 * tissue(0).astype(np.float64)
    image[3, 4] = 1e300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clean, treatment = restored(restoration(name), image)
    assert treatment.missing == 1
    assert np.isfinite(clean).all()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64])
def test_any_depth_comes_out_as_float32_of_the_same_values(depth):
    image = np.rint(100 + 20 * tissue(0)).astype(depth)
    image.flags.writeable = False  # nor is it changed
    clean, _ = restored(NONE, image)
    assert_array_equal(clean, image)
    assert clean.dtype == np.float32
    assert_array_equal(restored(DEFAULT, image)[0], restored(DEFAULT, image.astype(np.float32))[0])
