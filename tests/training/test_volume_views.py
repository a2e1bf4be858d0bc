"""Views of volumes: along three axes, or in the plane of the slices, and never of images."""

import pytest
import torch
from scipy.ndimage import shift

from skiagram.errors import ModelFailure
from skiagram.training.augmentation import augment, draws
from skiagram.training.options import PRESETS, VolumeAugmentation

STILL = torch.tensor([[0.9, 0.9, 0.9, 0.5, 0.5, 0.5, 0.5]])
AXES = {"horizontal_flip": (4, 0), "vertical_flip": (3, 1), "depth_flip": (2, 2)}


def views(**changes: bool | float) -> VolumeAugmentation:
    still: dict[str, bool | float] = {**dict.fromkeys(AXES, False), "shift": 0.0}
    return VolumeAugmentation(**(still | changes))  # type: ignore[arg-type]


def volumes(n: int = 1) -> torch.Tensor:
    return torch.randn(n, 1, 5, 6, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("option", AXES)
def test_flips_mirror_along_their_own_axis(option: str) -> None:
    axis, column = AXES[option]
    chosen, allowed = STILL.clone(), views(**{option: True})
    torch.testing.assert_close(augment(volumes(), chosen, allowed), volumes())
    chosen[0, column] = 0.1
    torch.testing.assert_close(augment(volumes(), chosen, allowed), volumes().flip(axis))
    torch.testing.assert_close(augment(volumes(), chosen, views()), volumes())


@pytest.mark.parametrize(("column", "axis"), [(3, 2), (4, 1), (5, 0)])
@pytest.mark.parametrize("drawn", [0.0, 0.3, 0.9])
def test_shifts_are_those_of_scipy_by_whole_voxels(column: int, axis: int, drawn: float) -> None:
    chosen = STILL.clone()
    chosen[0, column] = drawn
    by = [0, 0, 0]
    by[axis] = -round(0.4 * (2 * drawn - 1) * (5, 6, 8)[axis])
    expected = shift(volumes()[0, 0].numpy(), by, order=0, mode="nearest")
    found = augment(volumes(), chosen, views(shift=0.4))[0, 0]
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-4, atol=1e-5)


def test_ranges_for_images_turn_every_slice_of_a_volume_alike_and_mix_no_slices() -> None:
    both, uniform = volumes(2), draws(0, 0, ["a", "b"])
    found = augment(both, uniform, PRESETS["article"])
    for at in range(both.shape[2]):
        alone = augment(both[:, :, at], uniform, PRESETS["article"])
        torch.testing.assert_close(found[:, :, at], alone)


def test_views_of_volumes_are_refused_for_images() -> None:
    with pytest.raises(ModelFailure, match=r"training\.augmentation: views of volumes.*rotation"):
        augment(torch.zeros(1, 1, 8, 8), STILL, views())
