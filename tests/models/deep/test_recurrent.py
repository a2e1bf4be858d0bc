"""The recurrent network reads rows from top to bottom, or patches, and weighs all steps alike."""

from typing import Literal

import pytest
import torch

from skiagram.errors import ModelFailure
from skiagram.models.deep.recurrent import Recurrent
from skiagram.training.classifier import multiply_adds, parameter_count
from tests.models.deep.spots import training

pytestmark = pytest.mark.slow


def network(
    cell: Literal["lstm", "gru"] = "lstm", patch_size: int | None = None, bidirectional: bool = True
) -> Recurrent:
    return Recurrent(
        cell=cell,
        patch_size=patch_size,
        hidden=8,
        layers=1,
        bidirectional=bidirectional,
        dropout=0.0,
        training=training(),
    )


def test_a_row_is_a_step() -> None:
    built = network().build(1, 6, 5, 3)
    images = torch.randn(2, 1, 6, 5)
    steps, _ = built.cells(images[:, 0])  # type: ignore[operator]
    torch.testing.assert_close(built(images), built.head(steps.mean(dim=1)))  # type: ignore[operator]


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3)])
@pytest.mark.parametrize("directions", [1, 2])
def test_size_and_multiply_adds_are_those_counted_by_hand(
    cell: Literal["lstm", "gru"], gates: int, directions: int
) -> None:
    built = network(cell, patch_size=4, bidirectional=directions == 2).build(3, 12, 8, 2)
    entering, hidden, steps = 3 * 16, 8, 6
    step = directions * gates * hidden * (entering + hidden)
    biases = directions * 2 * gates * hidden
    head = directions * hidden * 2
    assert parameter_count(built) == step + biases + head + 2
    assert multiply_adds(built, (3, 12, 8)) == steps * step + head


def test_patches_that_do_not_tile_are_refused() -> None:
    with pytest.raises(ModelFailure, match=r"recurrent: images of 12 × 9 pixels.*patch_size"):
        network(patch_size=4).build(1, 12, 9, 2)


def test_a_slice_is_a_step() -> None:
    built = network().build_for_volumes(1, 6, 4, 5, 3)
    volumes = torch.randn(2, 1, 6, 4, 5)
    steps, _ = built.network.cells(volumes[:, 0].flatten(2))  # type: ignore[union-attr, operator]
    torch.testing.assert_close(built(volumes), built.network.head(steps.mean(dim=1)))  # type: ignore[union-attr, operator]


def test_patches_of_volumes_are_refused() -> None:
    with pytest.raises(ModelFailure, match=r"patches of 4 pixels, of volumes.*null"):
        network(patch_size=4).build_for_volumes(1, 6, 4, 4, 2)
