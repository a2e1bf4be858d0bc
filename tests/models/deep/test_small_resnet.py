"""The small residual network has the published size and starts with blocks that do nothing."""

import pytest
import torch

from skiagram.errors import ModelFailure
from skiagram.models.deep.small_resnet import Block, SmallResNet
from skiagram.training.classifier import parameter_count
from tests.models.deep.spots import training

pytestmark = pytest.mark.slow


def network(blocks: int = 3) -> SmallResNet:
    return SmallResNet(widths=(16, 32, 64), blocks=blocks, dropout=0.0, training=training())


def test_three_blocks_a_stage_are_resnet_20() -> None:
    """He et al. 2016, Table 6: .27 million parameters; their shortcuts have none."""
    shortcuts = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert parameter_count(network().build(3, 32, 32, 10)) - shortcuts == 269_722


def test_a_block_starts_as_the_identity() -> None:
    maps = torch.rand(2, 4, 6, 6)
    torch.testing.assert_close(Block(4, 4, stride=1)(maps), maps)


def test_too_small_an_image_is_refused() -> None:
    with pytest.raises(ModelFailure, match=r"small_resnet: images of 7 × 64.*at least 8 × 8"):
        network().build(1, 7, 64, 2)
