"""The networks have the published size, start as promised and refuse what they cannot see."""

import math

import pytest
import torch
from torch import nn

from skiagram.errors import ModelFailure
from skiagram.models.deep.article_cnn import ArticleCNN
from skiagram.models.deep.contract import Network
from skiagram.models.deep.layers import has_narrow_stride
from skiagram.models.deep.small_cnn import SmallCNN
from skiagram.models.deep.small_resnet import Block, SmallResNet
from skiagram.training.classifier import multiply_adds, parameter_count
from tests.models.deep.spots import training

pytestmark = pytest.mark.slow

ARTICLE = ArticleCNN(initialisation="keras", training=training())
RESIDUAL = SmallResNet(widths=(16, 32, 64), blocks=3, dropout=0.0, training=training())
SMALL = SmallCNN(widths=(16, 32, 64, 128), dropout=0.2, training=training())


def test_article_network_has_the_published_number_of_parameters() -> None:
    assert parameter_count(ARTICLE.build(1, 28, 28, 10)) == 93_322


def test_article_network_has_the_multiply_adds_counted_by_hand() -> None:
    convolutions = 26 * 26 * 32 * 9 + 11 * 11 * 64 * 32 * 9 + 3 * 3 * 64 * 64 * 9
    dense = 576 * 64 + 64 * 10
    assert multiply_adds(ARTICLE.build(1, 28, 28, 10), (1, 28, 28)) == convolutions + dense


def test_keras_initialisation_is_glorot_uniform_with_zero_biases() -> None:
    torch.manual_seed(0)
    network = ARTICLE.build(1, 28, 28, 10)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(layers) == 5
    for layer in layers:
        receptive = layer.weight[0, 0].numel()
        fans = receptive * (layer.weight.shape[0] + layer.weight.shape[1])
        limit = math.sqrt(6 / fans)
        assert float(layer.weight.detach().abs().max()) <= limit
        expected = limit / math.sqrt(3)
        assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.15)
        assert layer.bias is not None
        assert not layer.bias.any()


def test_small_network_has_one_size_for_all_images() -> None:
    assert 50_000 <= parameter_count(SMALL.build(1, 64, 64, 2)) <= 150_000
    assert parameter_count(SMALL.build(1, 28, 28, 2)) == parameter_count(SMALL.build(1, 64, 64, 2))
    for side in (15, 28, 64):
        assert SMALL.build(3, side, side, 7)(torch.zeros(2, 3, side, side)).shape == (2, 7)


def test_three_blocks_a_stage_are_resnet_20() -> None:
    """He et al. 2016, Table 6: .27 million parameters; their shortcuts have none."""
    shortcuts = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert parameter_count(RESIDUAL.build(3, 32, 32, 10)) - shortcuts == 269_722


def test_a_block_starts_as_the_identity() -> None:
    maps = torch.rand(2, 4, 6, 6)
    torch.testing.assert_close(Block(4, 4, stride=1)(maps), maps)


def test_only_narrow_shortcuts_with_a_stride_stay_out_of_the_layout_that_onednn_fails_in() -> None:
    narrow = SmallResNet(widths=(4, 8), blocks=1, dropout=0.0, training=training())
    assert has_narrow_stride(narrow.build(3, 16, 16, 2))
    for network in (ARTICLE, RESIDUAL, SMALL):
        assert not has_narrow_stride(network.build(3, 32, 32, 2))


@pytest.mark.parametrize(
    ("network", "side"), [(ARTICLE, 17), (SMALL, 14), (SMALL, 1), (RESIDUAL, 7)]
)
def test_too_small_an_image_is_refused(network: Network, side: int) -> None:
    with pytest.raises(ModelFailure, match=rf"{side} × 64 pixels.*at least.*training\.image_size"):
        network.build(1, side, 64, 2)
