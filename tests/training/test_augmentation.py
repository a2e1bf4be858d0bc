"""Views depend on seed, epoch and case alone, and are the maps they claim to be."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.ndimage import affine_transform, gaussian_filter
from scipy.spatial.transform import Rotation
from torch.nn.functional import affine_grid

from skiagram.errors import ModelFailure
from skiagram.training import augmentation
from skiagram.training.augmentation import augment, draws
from skiagram.training.options import Augmentation, VolumeAugmentation

pytestmark = pytest.mark.slow


def views(**changes):
    """Return views of images of which only those named change anything."""
    flips = dict.fromkeys(("horizontal_flip", "vertical_flip"), False)
    amounts = dict.fromkeys(("shift", "rotation", "shear", "zoom"), 0.0)
    return Augmentation(**flips | amounts | changes)


def picture(height=8, width=8):
    return torch.randn(1, 2, height, width, generator=torch.Generator().manual_seed(0))


STILL = torch.tensor([[0.9, 0.9, *[0.5] * 10]])  # draws that change nothing


@settings(max_examples=15)
@given(st.permutations([f"case{k}" for k in range(6)]), st.integers(0, 50))
def test_a_case_gets_the_same_draw_in_every_batch(order, epoch):
    together = draws(1, epoch, order)
    for row, case_id in enumerate(order):
        assert torch.equal(together[row], draws(1, epoch, [case_id])[0])


@pytest.mark.parametrize(
    ("option", "axis", "column"), [("horizontal_flip", 3, 0), ("vertical_flip", 2, 1)]
)
def test_flips_mirror(option, axis, column):
    image, chosen = picture(8, 6), STILL.clone()
    allowed = views(**{option: True})
    torch.testing.assert_close(augment(image, chosen, allowed), image)
    chosen[0, column] = 0.1
    torch.testing.assert_close(augment(image, chosen, allowed), image.flip(axis))


def test_images_are_shifted_by_whole_pixels():
    image, chosen = picture(8, 20), STILL.clone()
    chosen[0, 2] = 0.8  # 0.6 of 0.1 of 20 pixels, which is 1.2
    found = augment(image, chosen, views(shift=0.1))
    torch.testing.assert_close(found[..., :-1], image[..., 1:], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ["images", "volumes"])
def test_views_do_not_hang_on_the_precision_of_training(kind):
    shown = picture(96, 96) if kind == "images" else volumes()
    allowed = views(shift=0.1) if kind == "images" else views_of_volumes(shift=0.2)
    uniform = draws(0, 0, ["c"])
    with torch.autocast("cpu", torch.bfloat16):
        found = augment(shown, uniform, allowed)
    torch.testing.assert_close(found, augment(shown, uniform, allowed), atol=0, rtol=0)


@pytest.mark.parametrize("kind", ["images", "volumes"])
def test_places_are_found_in_full_products_that_training_goes_without(kind, monkeypatch):
    """TF32 rounds places of 224 pixels by parts of one, which blurs a view."""
    met = []

    def watched(*arguments, **options):
        met.append(torch.get_float32_matmul_precision())
        return affine_grid(*arguments, **options)

    monkeypatch.setattr(augmentation, "affine_grid", watched)
    torch.set_float32_matmul_precision("high")
    try:
        if kind == "images":
            augment(picture(9, 9), draws(0, 0, ["c"]), views(rotation=10.0))
        else:
            augment(volumes(), draws(0, 0, ["c"]), views_of_volumes(rotation=10.0))
        assert met == ["highest"]
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_turned_images_are_as_sharp_as_others():
    """Bilinear ones have half of the spread of what is noise."""
    noise = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    chosen = STILL.clone()
    chosen[0, 4] = 0.9
    found = augment(noise, chosen, views(rotation=10.0))
    assert found.std() > 0.8 * noise.std()


def test_a_shear_is_scipys_affine_map():
    image = torch.from_numpy(gaussian_filter(picture(9, 11).numpy(), (0, 0, 2, 2)))
    chosen = STILL.clone()
    chosen[0, 6] = 1.0
    slanted = augment(image, chosen, views(shear=0.25))
    centre, matrix = np.array([4.0, 5.0]), np.array([[1.0, 0.0], [0.25, 1.0]])
    for channel in range(2):
        expected = affine_transform(
            image[0, channel].numpy(), matrix, centre - matrix @ centre, order=3, mode="nearest"
        )
        assert_allclose(slanted[0, channel].numpy(), expected, atol=0.01)


FLIPS = ("horizontal_flip", "vertical_flip", "depth_flip")


def views_of_volumes(**changes):
    return VolumeAugmentation(**dict.fromkeys(FLIPS, False) | {"shift": 0.0} | changes)


def volumes(n=1):
    return torch.randn(n, 1, 5, 6, 8, generator=torch.Generator().manual_seed(0))


def test_views_of_volumes_are_refused_for_images():
    with pytest.raises(ModelFailure, match=r"training\.augmentation: views of volumes.*rotation"):
        augment(torch.zeros(1, 1, 8, 8), STILL, views_of_volumes())


TURNED = {"rotation": 40.0, "zoom": 0.2, "shift": 0.1}


def turn(angles):
    """Return the turn of (slice, row, column) about the axes across, down and through slices."""
    return Rotation.from_euler("xyz", angles).as_matrix()[::-1, ::-1]


def test_volumes_are_turned_zoomed_flipped_and_shifted_as_by_scipy():
    volume = volumes()
    allowed = views_of_volumes(depth_flip=True, horizontal_flip=True, **TURNED)
    uniform = draws(3, 0, ["c"])
    uniform[0, :3] = torch.tensor([0.1, 0.9, 0.1])
    signed = 2 * uniform[0].double().numpy() - 1
    sides = np.array(volume.shape[2:])
    flips = np.diag([-1.0, 1.0, -1.0])
    matrix = (1 + 0.2 * signed[9]) * turn(np.deg2rad(40 * signed[6:9])) @ flips
    moved = np.round(0.1 * sides[::-1] * signed[3:6])[::-1]
    centre = (sides - 1) / 2
    expected = affine_transform(
        volume[0, 0].numpy(), matrix, centre + moved - matrix @ centre, order=1, mode="nearest"
    )
    found = augment(volume, uniform, allowed)[0, 0].numpy()
    assert_allclose(found, expected, atol=2e-5)


def test_the_mask_is_moved_by_the_same_map_as_its_image():
    axes = torch.meshgrid(*[torch.arange(side) - side / 2 for side in (14, 16, 18)], indexing="ij")
    apart = torch.stack([(axis - 0.8).square() for axis in axes]).sum(dim=0).sqrt()
    height = 6.0 - apart  # above 0.5: a ball
    mask = (height >= 0.5).float()
    pair = torch.stack([height, mask])[None].repeat(6, 1, 1, 1, 1)
    allowed = views_of_volumes(**dict.fromkeys(FLIPS, True), **TURNED)
    uniform = draws(0, 1, list("abcdef"))
    found = augment(pair, uniform, allowed, masks=1)
    assert set(found[:, 1].flatten().tolist()) == {0.0, 1.0}
    for row in range(6):
        alone = augment(mask[None, None], uniform[row : row + 1], allowed)
        assert torch.equal(found[row, 1], (alone[0, 0] >= 0.5).float())
        expected = found[row, 0] >= 0.5  # the mask of the moved image
        assert (found[row, 1].bool() != expected).float().mean() < 0.02
        assert expected.any()


def test_slices_of_a_volume_and_images_take_their_mask_along():
    mask = (torch.arange(8).view(1, 1, 8, 1).expand(1, 1, 8, 8) < 4).float()
    image = torch.cat([mask * 3, mask], dim=1)
    chosen = STILL.clone()
    chosen[0, 4] = 1.0
    found = augment(image, chosen, views(rotation=90.0), masks=1)
    torch.testing.assert_close(found[:, 1], mask[0].rot90(1, (1, 2)))
    slices = image[:, :, None].expand(1, 2, 5, 8, 8).contiguous()
    whole = augment(slices, chosen, views(rotation=90.0), masks=1)
    for at in range(5):
        torch.testing.assert_close(whole[:, :, at], found)


def test_intensities_change_around_the_mean_of_each_channel_and_masks_do_not():
    pair = torch.cat([volumes(2) + 5, (volumes(2) > 0).float()], dim=1)
    chosen = torch.full((2, 12), 0.5)
    chosen[0, 10:] = torch.tensor([1.0, 0.0])
    found = augment(pair, chosen, views_of_volumes(contrast=0.3, brightness=0.2), masks=1)
    torch.testing.assert_close(found[1], pair[1])
    torch.testing.assert_close(found[:, 1], pair[:, 1])
    before, after = pair[0, 0], found[0, 0]
    deviation = before.std(correction=0)
    torch.testing.assert_close(after.mean(), before.mean() - 0.2 * deviation)
    torch.testing.assert_close(after.std(correction=0), 1.3 * deviation)


def test_half_of_the_views_are_turned_by_a_quarter():
    image, options = picture(), views(quarter_turn=True)
    torch.testing.assert_close(augment(image, STILL, options), image)
    chosen = STILL.clone()
    chosen[0, 7] = 0.4
    turned = augment(image, chosen, options)
    assert any(torch.allclose(turned, image.rot90(k, (2, 3)), atol=1e-5) for k in (1, 3))
