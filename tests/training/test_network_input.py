"""A network sees the box around a region; modalities and mask are channels of one size."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image as Pillow
from PIL.Image import Resampling

from skiagram.errors import DataError, ModelFailure
from skiagram.images import Region
from skiagram.training.classifier import three_planes
from skiagram.training.data import ImageSet
from skiagram.training.network_input import StoredImage, region_box, resize, seen_part
from skiagram.training.options import NetworkInput, RegionBox
from tests.numbered_store import write_images

pytestmark = pytest.mark.slow

SHAPE = (9, 12, 10)
VOXELS = RegionBox(margin=1, unit="voxels", equal_sides=False)


def volume(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).normal(size=(*shape, 1)).astype(np.float32)


def ball(centre, radius, shape=SHAPE):
    axes = np.meshgrid(*map(np.arange, shape), indexing="ij")
    apart = sum((axis - at) ** 2 for axis, at in zip(axes, centre, strict=True))
    return Region(np.asarray(apart <= radius**2))


def stored(folder, images, regions=None):
    cases = {f"case{row}": image for row, image in enumerate(images)}
    store = write_images(folder, cases, None, dict(zip(cases, regions or [], strict=False)))
    return ImageSet(store, np.array(store.case_ids))


def seen(images, size, **how):
    return images.read(np.arange(len(images)), size, NetworkInput(**how))


def test_a_box_holds_the_region_its_margin_and_nothing_else(tmp_path):
    image, region = volume(), ball((4, 6, 5), 2)
    images = stored(tmp_path, [image], [region])
    found = seen(images, None, box=VOXELS, mask_channel=True)[0].numpy()
    part = (slice(1, 8), slice(3, 10), slice(2, 9))
    assert_array_equal(found[0], image[..., 0][part])
    assert_array_equal(found[1], region.inside[part])
    assert images.shape(None, NetworkInput(box=VOXELS, mask_channel=True)) == (2, 7, 7, 7)


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(1, 1), (4, 1), (1, 4), (20, 1), (5, 4)])
@pytest.mark.parametrize("shape", [(8, 8), (9, 7), (8, 1), (1, 8)])
def test_images_are_resized_as_pillow_resizes_them(shape, size, method):
    image = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    how = {"bilinear": Resampling.BILINEAR, "bicubic": Resampling.BICUBIC}[method]
    expected = Pillow.fromarray(image).resize(size[::-1], how)
    found = resize(torch.from_numpy(image)[None, None], size, method)
    assert_allclose(found[0, 0], np.asarray(expected), atol=1e-6)


def test_beyond_the_image_lies_its_border_and_no_mask(tmp_path):
    image, region = volume(), ball((0, 11, 5), 1)
    wide = RegionBox(margin=3, unit="voxels", equal_sides=False)
    found = seen(stored(tmp_path, [image], [region]), None, box=wide, mask_channel=True)[0].numpy()
    around = ((3, 0), (0, 3), (0, 0))
    part = (slice(0, 5), slice(7, 12), slice(1, 10))
    assert_array_equal(found[0], np.pad(image[..., 0][part], around, mode="edge"))
    assert_array_equal(found[1], np.pad(region.inside[part], around))


def test_a_margin_in_mm_counts_voxels_of_each_axis_and_equal_sides_are_in_mm():
    image = StoredImage(volume(), (3.0, 1.0, 2.0), ball((4, 6, 5), 2))
    plain = region_box(image, RegionBox(margin=3.0, unit="mm", equal_sides=False))
    assert plain == ((1, 8), (1, 12), (1, 10))
    cube = region_box(image, RegionBox(margin=3.0, unit="mm", equal_sides=True))
    lengths = [(stop - start) * of for (start, stop), of in zip(cube, (3, 1, 2), strict=True)]
    assert lengths == pytest.approx([21, 21, 21], abs=1)
    for (start, stop), (inner, end) in zip(cube, plain, strict=True):
        assert start <= inner
        assert stop >= end
    unknown = StoredImage(volume(), None, ball((4, 6, 5), 2))
    with pytest.raises(DataError, match=r"unknown spacing.*box\.unit to voxels"):
        region_box(unknown, RegionBox(margin=3.0))


def test_the_region_as_it_was_drawn_counts_not_what_resegmentation_left():
    drawn, left = ball((4, 6, 5), 3).inside, ball((4, 6, 5), 1).inside
    image = StoredImage(volume(), None, Region(left, drawn))
    found = seen_part(image, None, NetworkInput(), with_mask=True)
    assert_array_equal(found[1].numpy(), drawn)


@settings(max_examples=15)
@given(
    arrays.arrays(np.bool_, (5, 6, 7)),
    st.tuples(*[st.integers(2, 12)] * 3),
    st.sampled_from(["resample", "pad"]),
)
def test_every_region_comes_to_every_size_with_a_mask_of_zeros_and_ones(inside, size, sizing):
    inside[2, 3, 3] = True
    image = StoredImage(volume((5, 6, 7)), None, Region(inside))
    how = NetworkInput(box=VOXELS, sizing=sizing)
    found = seen_part(image, size, how, with_mask=True)
    assert found.shape == (2, *size)
    assert bool(torch.isfinite(found).all())
    assert set(found[1].flatten().tolist()) <= {0.0, 1.0}
    if sizing == "resample":
        assert found[1].any()  # however thin the region is


def test_padding_keeps_voxels_and_centres_them(tmp_path):
    image, region = volume((3, 8, 5)), ball((1, 4, 2), 1, (3, 8, 5))
    images = stored(tmp_path, [image], [region])
    found = seen(images, (5, 4, 5), sizing="pad", mask_channel=True)[0].numpy()
    expected = np.pad(image[..., 0], ((1, 1), (0, 0), (0, 0)), mode="edge")[:, 2:6]
    assert_array_equal(found[0], expected)
    assert_array_equal(found[1], np.pad(region.inside, ((1, 1), (0, 0), (0, 0)))[:, 2:6])


def several(folder, *sizes):
    stores = {}
    for number, size in enumerate(sizes):
        name = f"M{number}"
        centre = tuple(side / 2 for side in size)
        images = [volume(size, seed=10 * number + row) for row in range(3)]
        regions = [ball(centre, 1.5 + number, size)] * 3
        stores[name] = stored(folder / name, images, regions).store
    first = stores["M0"]
    return ImageSet(first, np.array(first.case_ids), modalities=stores)


def test_modalities_are_channels_in_order_and_the_mask_is_the_last(tmp_path):
    images = several(tmp_path, SHAPE, SHAPE)
    found = seen(images, None, mask_channel=True)
    assert found.shape == (3, 3, *SHAPE)
    for channel, store in enumerate(images.modalities.values()):
        expected = np.stack([store.image(case)[..., 0] for case in store.case_ids])
        assert_array_equal(found[:, channel].numpy(), expected)
    region = images.store.region("case0")
    assert_array_equal(found[0, 2].numpy(), region.inside)
    rows = np.array([2, 0])
    assert_array_equal(images.select(rows).read(np.arange(2), None), found[rows][:, :2])


def test_modalities_on_their_own_grids_come_to_one_size(tmp_path):
    images = several(tmp_path, SHAPE, (5, 20, 18))
    box = NetworkInput(box=VOXELS)
    with pytest.raises(ModelFailure, match=r"M0 of 6 × .*M1 of 7.*case0.*name one modality"):
        images.shape(None, box)
    assert seen(images, 8, box=VOXELS).shape == (3, 2, 8, 8, 8)


def test_a_missing_region_names_the_case(tmp_path):
    images = stored(tmp_path, [volume()])
    with pytest.raises(DataError, match=r"case0: no region of interest.*mask_channel"):
        seen(images, None, mask_channel=True)


def test_plane_images_have_boxes_and_masks_too(tmp_path):
    colour = np.random.default_rng(0).integers(0, 255, (12, 10, 3)).astype(np.uint8)
    images = stored(tmp_path, [colour], [ball((6, 5), 2, (12, 10))])
    found = seen(images, None, box=VOXELS, mask_channel=True)[0].numpy()
    assert_array_equal(found[:3], colour[3:10, 2:9].transpose(2, 0, 1))
    assert found.shape == (4, 7, 7)


def test_three_planes_cross_in_the_centre():
    cube = torch.randn(2, 2, 7, 7, 7)
    planes = three_planes(cube)
    assert planes.shape == (2, 6, 7, 7)
    for channel in range(2):
        own = planes[:, channel::2]
        torch.testing.assert_close(own[:, 0], cube[:, channel, 3])
        torch.testing.assert_close(own[:, 1], cube[:, channel, :, 3])
        torch.testing.assert_close(own[:, 2], cube[:, channel, :, :, 3])
        assert torch.equal(own[:, 0, 3, 3], own[:, 2, 3, 3])
