"""Resampling: the IBSI's grid, interpolation against SciPy, and work near the region alone."""

import numpy as np
import pytest
from scipy import ndimage

from skiagram.restoration.regions import Interpolation, Resampling, interpolate, new_places


def volume() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    image = ndimage.gaussian_filter(generator.normal(size=(14, 40, 38)), 1) * 1000
    mask = np.zeros(image.shape, dtype=np.bool_)
    mask[6:9, 18:24, 15:25] = True
    return image, mask


def test_the_new_grid_covers_the_old_one_and_shares_its_centre() -> None:
    places = new_places(10, 3.0, 2.0)
    assert len(places) == 15  # 30 mm
    assert places.mean() == pytest.approx(4.5)
    np.testing.assert_allclose(np.diff(places), 2 / 3)
    assert len(new_places(201, 0.977, 2.0)) == 99  # as published for the CT phantom
    assert len(new_places(3, 0.3, 0.9)) == 1


@pytest.mark.parametrize(("order", "spline"), [("nearest", 0), ("linear", 1), ("cubic", 3)])
def test_interpolation_is_that_of_scipy(order: Interpolation, spline: int) -> None:
    image, _ = volume()
    axes = [new_places(size, 2.0, 1.3) for size in image.shape]
    pairs = zip(axes, image.shape, strict=True)
    grid = np.meshgrid(*(np.clip(at, 0, size - 1) for at, size in pairs), indexing="ij")
    expected = ndimage.map_coordinates(image, grid, order=spline, mode="mirror")
    np.testing.assert_allclose(interpolate(image, axes, order), expected, atol=1e-6)


@pytest.mark.parametrize("order", ["linear", "cubic"])
def test_near_the_region_the_values_are_those_of_the_whole_volume(order: Interpolation) -> None:
    image, mask = volume()
    chosen = Resampling(spacing=(1.5, 1.2, None), order=order, rounding=False)
    whole, region, spacing = chosen.resample(image, mask, (3.0, 1.0, 1.0))
    part, inside, same = chosen.resample(image, mask, (3.0, 1.0, 1.0), margin=4.0)
    assert spacing == same == (1.5, 1.2, 1.0)
    assert part.size < whole.size / 2
    assert inside.sum() == region.sum()
    np.testing.assert_allclose(part[inside], whole[region], atol=1e-3)


def test_a_flipped_volume_is_the_flipped_result() -> None:
    image, mask = volume()
    chosen = Resampling(spacing=(2.0, 2.0, 2.0), order="cubic", rounding=True)
    values, region, _ = chosen.resample(image, mask, (3.0, 0.9, 0.9))
    flipped, turned, _ = chosen.resample(image[:, ::-1], mask[:, ::-1], (3.0, 0.9, 0.9))
    np.testing.assert_array_equal(turned[:, ::-1], region)
    np.testing.assert_array_equal(flipped[:, ::-1], values)


def test_a_voxel_half_in_the_region_belongs_to_it() -> None:
    mask = np.zeros((1, 1, 4), dtype=np.bool_)
    mask[..., 2:] = True
    chosen = Resampling(spacing=(None, None, 0.5), order="linear", rounding=False)
    _, region, _ = chosen.resample(np.zeros(mask.shape), mask, (1.0, 1.0, 1.0))
    assert region.ravel().tolist() == [False] * 4 + [True] * 4
