"""Regions: re-segmentation, normalisation, cropping, their order, and resampling beside SciPy."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import ValidationError
from scipy import ndimage

from skiagram.errors import DataError
from skiagram.restoration.regions import (
    Normalisation,
    RegionPreparation,
    Resampling,
    Resegmentation,
    find_slice_axis,
    interpolate,
    new_places,
)

IMAGE = np.arange(60.0).reshape(3, 4, 5)
MASK = IMAGE >= 20
NOTHING = RegionPreparation(resampling=None, normalisation=None, resegmentation=None, margin=None)


def test_a_range_holds_its_bounds():
    kept = Resegmentation(lowest=30.0, highest=40.0, deviations=None).keep(IMAGE, MASK)
    assert IMAGE[kept].tolist() == list(range(30, 41))


def test_deviations_are_those_of_the_voxels_in_the_range():
    image = np.concatenate([np.zeros(50), np.full(50, 2.0), [5.0, 1e6]]).reshape(1, 1, -1)
    mask = np.ones(image.shape, dtype=np.bool_)
    chosen = Resegmentation(lowest=None, highest=100.0, deviations=3.0)
    assert chosen.keep(image, mask).sum() == 100  # 5 is more than 3σ from 1; 10⁶ moves nothing


def test_a_range_that_leaves_nothing_says_what_is_there():
    with pytest.raises(
        DataError, match="leaves no voxel of the region, whose intensities are 20 to 59"
    ):
        Resegmentation(lowest=100.0, highest=None, deviations=None).keep(IMAGE, MASK)
    with pytest.raises(ValidationError, match="`lowest` must be below `highest`"):
        Resegmentation(lowest=1.0, highest=0.0, deviations=None)


def test_normalisation_sets_mean_and_deviation_of_the_region():
    found = Normalisation(mean=300.0, deviation=100.0, deviations=None).normalise(IMAGE, MASK)
    assert found[MASK].mean() == pytest.approx(300)
    assert found[MASK].std() == pytest.approx(100)
    outlier = IMAGE.copy()
    outlier[-1, -1, -1] = 1e6
    robust = Normalisation(mean=0.0, deviation=1.0, deviations=3.0).normalise(outlier, MASK)
    assert abs(robust[MASK][:-1].mean()) < 1e-9
    constant = Normalisation(mean=7.0, deviation=1.0, deviations=None)
    assert (constant.normalise(np.full(IMAGE.shape, 3.0), MASK) == 7).all()


def test_a_region_is_kept_with_a_margin_in_mm():
    mask = np.zeros((9, 9, 9), dtype=np.bool_)
    mask[4, 4, 4] = True
    image = np.arange(729.0).reshape(mask.shape)
    found = dataclasses.replace(NOTHING, margin=2.0).prepare(image, mask, (3.0, 1.0, 1.0))
    assert found.image.shape == (3, 5, 5)
    assert found.image[found.outline].tolist() == image[mask].tolist()


def test_form_stays_where_intensities_leave_the_region():
    chosen = Resegmentation(lowest=30.0, highest=None, deviations=None)
    preparation = dataclasses.replace(NOTHING, resegmentation=chosen)
    prepared = preparation.prepare(IMAGE, MASK, (1.0, 1.0, 1.0))
    assert prepared.outline.sum() == 40
    assert prepared.inside.sum() == 30
    assert not (prepared.inside & ~prepared.outline).any()


def test_an_empty_region_is_refused():
    with pytest.raises(DataError, match="no voxel as it was drawn"):
        NOTHING.prepare(IMAGE, np.zeros(IMAGE.shape, dtype=np.bool_), (1.0, 1.0, 1.0))


def volume():
    generator = np.random.default_rng(0)
    image = ndimage.gaussian_filter(generator.normal(size=(14, 40, 38)), 1) * 1000
    mask = np.zeros(image.shape, dtype=np.bool_)
    mask[6:9, 18:24, 15:25] = True
    return image, mask


@pytest.mark.parametrize(("order", "spline"), [("nearest", 0), ("linear", 1), ("cubic", 3)])
def test_interpolation_is_that_of_scipy(order, spline):
    image, _ = volume()
    axes = [new_places(size, 2.0, 1.3) for size in image.shape]
    pairs = zip(axes, image.shape, strict=True)
    grid = np.meshgrid(*(np.clip(at, 0, size - 1) for at, size in pairs), indexing="ij")
    expected = ndimage.map_coordinates(image, grid, order=spline, mode="mirror")
    assert_allclose(interpolate(image, axes, order), expected, atol=1e-6)


@pytest.mark.parametrize("order", ["linear", "cubic"])
def test_near_the_region_the_values_are_those_of_the_whole_volume(order):
    image, mask = volume()
    chosen = Resampling(spacing=(1.5, 1.2, None), order=order, rounding=False)
    whole, region, spacing = chosen.resample(image, mask, (3.0, 1.0, 1.0))
    part, inside, same = chosen.resample(image, mask, (3.0, 1.0, 1.0), margin=4.0)
    assert spacing == same == (1.5, 1.2, 1.0)
    assert part.size < whole.size / 2
    assert inside.sum() == region.sum()
    assert_allclose(part[inside], whole[region], atol=1e-3)


def test_a_sagittal_volume_is_resampled_as_an_axial_one():
    image, mask = volume()
    chosen = Resampling(spacing=(3.0, 1.0, 1.0), order="linear", rounding=False)
    axial, region, spacing = chosen.resample(image, mask, (4.0, 0.6, 0.6))
    order = (1, 2, 0)  # slices from left to right, the last axis
    sagittal, turned, new_spacing = chosen.resample(
        image.transpose(order), mask.transpose(order), (0.6, 0.6, 4.0)
    )
    assert (spacing, new_spacing) == ((3.0, 1.0, 1.0), (1.0, 1.0, 3.0))
    assert_allclose(sagittal, axial.transpose(order), atol=1e-9)
    assert_array_equal(turned, region.transpose(order))


@pytest.mark.parametrize(
    ("shape", "spacing", "axis"),
    [
        ((9, 20, 20), (3.0, 4.0, 4.0), 0),  # PET, whose slices may be thinner than its pixels
        ((20, 9, 20), (0.9, 5.0, 0.9), 1),
        ((20, 20, 20), (1.0, 1.0, 1.0), 0),
        ((20, 20, 20), (3.0, 1.0, 2.0), 0),
        ((1, 20, 20), (1.0, 2.0, 1.0), 0),  # a plane image
    ],
)
def test_slices_lie_along_the_axis_whose_spacing_is_another(shape, spacing, axis):
    assert find_slice_axis(shape, spacing) == axis


def test_a_voxel_half_in_the_region_belongs_to_it():
    mask = np.zeros((1, 1, 4), dtype=np.bool_)
    mask[..., 2:] = True
    chosen = Resampling(spacing=(None, None, 0.5), order="linear", rounding=False)
    _, region, _ = chosen.resample(np.zeros(mask.shape), mask, (1.0, 1.0, 1.0))
    assert region.ravel().tolist() == [False] * 4 + [True] * 4
