"""Views depend on seed, epoch and case alone, and are the maps they claim to be."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import affine_transform, shift

from skiagram.errors import ModelFailure
from skiagram.training.augmentation import augment, draws
from skiagram.training.options import PRESETS, Augmentation, VolumeAugmentation


def views(**changes: bool | float) -> Augmentation:
    still: dict[str, bool | float] = {
        "horizontal_flip": False,
        "vertical_flip": False,
        "shift": 0.0,
        "rotation": 0.0,
        "shear": 0.0,
        "zoom": 0.0,
    }
    return Augmentation(**(still | changes))  # type: ignore[arg-type]


def picture(height: int = 8, width: int = 8) -> torch.Tensor:
    return torch.randn(1, 2, height, width, generator=torch.Generator().manual_seed(0))


def uniform(*values: float) -> torch.Tensor:
    return torch.tensor([values])


STILL = uniform(0.9, 0.9, 0.5, 0.5, 0.5, 0.5, 0.5)


@given(st.permutations([f"case{k}" for k in range(6)]), st.integers(0, 50))
def test_a_case_gets_the_same_draw_in_every_batch(order: list[str], epoch: int) -> None:
    together = draws(1, epoch, order)
    for row, case_id in enumerate(order):
        assert torch.equal(together[row], draws(1, epoch, [case_id])[0])


def test_epochs_seeds_and_cases_draw_differently() -> None:
    rows = [draws(0, 0, ["a"]), draws(0, 1, ["a"]), draws(1, 0, ["a"]), draws(0, 0, ["b"])]
    assert len({tuple(row[0].tolist()) for row in rows}) == 4


def test_no_allowed_view_leaves_the_image() -> None:
    image = picture()
    torch.testing.assert_close(augment(image, draws(0, 0, ["a"]), views()), image)


@pytest.mark.parametrize(
    ("option", "axis", "column"), [("horizontal_flip", 3, 0), ("vertical_flip", 2, 1)]
)
def test_flips_mirror(option: str, axis: int, column: int) -> None:
    image, chosen = picture(8, 6), STILL.clone()
    allowed = views(**{option: True})
    torch.testing.assert_close(augment(image, chosen, allowed), image)
    chosen[0, column] = 0.1
    torch.testing.assert_close(augment(image, chosen, allowed), image.flip(axis))


def test_a_shift_moves_by_a_share_of_the_side() -> None:
    image = picture()
    moved = augment(image, uniform(0.9, 0.9, 1.0, 0.5, 0.5, 0.5, 0.5), views(shift=0.25))
    expected = shift(image.numpy(), (0, 0, 0, -2), order=1, mode="nearest")
    np.testing.assert_allclose(moved.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("width", [8, 9])
def test_half_a_turn_is_both_flips_and_any_turn_keeps_the_centre(width: int) -> None:
    image = picture(9, width)
    turned = augment(image, uniform(0.9, 0.9, 0.5, 0.5, 1.0, 0.5, 0.5), views(rotation=180.0))
    torch.testing.assert_close(turned, image.flip(2, 3), atol=1e-4, rtol=0)


def test_a_quarter_turn_of_a_square_is_numpys() -> None:
    image = picture()
    turned = augment(image, uniform(0.9, 0.9, 0.5, 0.5, 1.0, 0.5, 0.5), views(rotation=90.0))
    expected = np.rot90(image.numpy(), axes=(2, 3))
    np.testing.assert_allclose(turned.numpy(), expected, atol=1e-4)


def test_a_shear_is_scipys_affine_map() -> None:
    image = picture(9, 11)
    slanted = augment(image, uniform(0.9, 0.9, 0.5, 0.5, 0.5, 0.5, 1.0), views(shear=0.25))
    centre = np.array([4.0, 5.0])
    matrix = np.array([[1.0, 0.0], [0.25, 1.0]])
    for channel in range(2):
        expected = affine_transform(
            image[0, channel].numpy(), matrix, centre - matrix @ centre, order=1, mode="nearest"
        )
        np.testing.assert_allclose(slanted[0, channel].numpy(), expected, atol=1e-5)


def test_the_articles_views_have_its_ranges_and_the_medical_ones_keep_sides() -> None:
    article, medical = PRESETS["article"], PRESETS["medical"]
    assert (article.rotation, article.shift, article.shear, article.zoom) == (40.0, 0.2, 0.2, 0.2)
    assert article.horizontal_flip
    assert not article.vertical_flip
    assert not medical.horizontal_flip
    assert not medical.vertical_flip
    for name in ("rotation", "shift", "shear", "zoom"):
        assert getattr(medical, name) < getattr(article, name)


STILL_volume_views = torch.tensor([[0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.5]])
AXES = {"horizontal_flip": (4, 0), "vertical_flip": (3, 1), "depth_flip": (2, 2)}


def views_volume_views(**changes: bool | float) -> VolumeAugmentation:
    still: dict[str, bool | float] = {**dict.fromkeys(AXES, False), "shift": 0.0}
    return VolumeAugmentation(**(still | changes))  # type: ignore[arg-type]


def volumes(n: int = 1) -> torch.Tensor:
    return torch.randn(n, 1, 5, 6, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("option", AXES)
def test_flips_mirror_along_their_own_axis(option: str) -> None:
    axis, column = AXES[option]
    chosen, allowed = STILL_volume_views.clone(), views_volume_views(**{option: True})
    torch.testing.assert_close(augment(volumes(), chosen, allowed), volumes())
    chosen[0, column] = 0.1
    torch.testing.assert_close(augment(volumes(), chosen, allowed), volumes().flip(axis))
    torch.testing.assert_close(augment(volumes(), chosen, views_volume_views()), volumes())


@pytest.mark.parametrize(("column", "axis"), [(3, 2), (4, 1), (5, 0)])
@pytest.mark.parametrize("drawn", [0.0, 0.3, 0.9])
def test_shifts_are_those_of_scipy_by_whole_voxels(column: int, axis: int, drawn: float) -> None:
    chosen = STILL_volume_views.clone()
    chosen[0, column] = drawn
    by = [0, 0, 0]
    by[axis] = -round(0.4 * (2 * drawn - 1) * (5, 6, 8)[axis])
    expected = shift(volumes()[0, 0].numpy(), by, order=0, mode="nearest")
    found = augment(volumes(), chosen, views_volume_views(shift=0.4))[0, 0]
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-4, atol=1e-5)


def test_ranges_for_images_turn_every_slice_of_a_volume_alike_and_mix_no_slices() -> None:
    both, uniform = volumes(2), draws(0, 0, ["a", "b"])
    found = augment(both, uniform, PRESETS["article"])
    for at in range(both.shape[2]):
        alone = augment(both[:, :, at], uniform, PRESETS["article"])
        torch.testing.assert_close(found[:, :, at], alone)


def test_views_of_volumes_are_refused_for_images() -> None:
    with pytest.raises(ModelFailure, match=r"training\.augmentation: views of volumes.*rotation"):
        augment(torch.zeros(1, 1, 8, 8), STILL_volume_views, views_volume_views())
