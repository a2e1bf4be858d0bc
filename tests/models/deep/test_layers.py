"""Patches stand in reading order and tile the image."""

import pytest
import torch
from torch.nn.functional import unfold

from skiagram.errors import ModelFailure
from skiagram.models.deep.layers import check_patches, patch_sequence


@pytest.mark.parametrize("patch", [(1, 12), (4, 4), (2, 3), (8, 12)])
def test_patches_are_those_of_torchs_unfold(patch: tuple[int, int]) -> None:
    images = torch.randn(3, 2, 8, 12)
    expected = unfold(images, patch, stride=patch).transpose(1, 2)
    assert torch.equal(patch_sequence(images, *patch), expected)


def test_patches_that_do_not_tile_are_refused() -> None:
    assert check_patches("recurrent", 4, 8, 12) == (2, 3)
    with pytest.raises(ModelFailure, match=r"^recurrent: images of 8 × 10.*patch size 4.*set"):
        check_patches("recurrent", 4, 8, 10)
