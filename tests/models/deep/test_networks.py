"""Networks have the published size, start as promised and refuse what they cannot see."""

import math
from contextlib import nullcontext

import pytest
import torch
from torch import nn

from skiagram.errors import ModelFailure, OptionError
from skiagram.models.deep import vision_transformer
from skiagram.models.deep.article_cnn import ArticleCNN
from skiagram.models.deep.layers import QuickGradients, has_narrow_stride
from skiagram.models.deep.recurrent import Recurrent
from skiagram.models.deep.small_cnn import SmallCNN
from skiagram.models.deep.small_resnet import ResidualBlock, SmallResNet
from skiagram.models.deep.vision_transformer import VisionTransformer
from skiagram.training.classifier import multiply_adds, parameter_count
from tests.models.deep.spots import training
from tests.yaml_rows import of_rows

pytestmark = pytest.mark.slow

ARTICLE = ArticleCNN(initialisation="keras", training=training())
RESIDUAL = SmallResNet(widths=(16, 32, 64), blocks=3, dropout=0.0, training=training())
SMALL = SmallCNN(widths=(16, 32, 64, 128), dropout=0.2, training=training())


def transformer(width=64):
    return VisionTransformer(
        patch_size=4, width=width, depth=4, heads=4, dropout=0.1, training=training()
    )


def recurrent(patch_size=None, **changed):
    values = {"cell": "lstm", "bidirectional": True, "hidden": 8, "layers": 1}
    of_tests = values | {"dropout": 0.0} | changed
    return Recurrent(patch_size=patch_size, training=training(), **of_tests)


def test_article_network_has_the_published_parameters_and_multiply_adds_counted_by_hand():
    network = ARTICLE.build((1, 28, 28), 10)
    assert parameter_count(network) == 93_322
    convolutions = 26 * 26 * 32 * 9 + 11 * 11 * 64 * 32 * 9 + 3 * 3 * 64 * 64 * 9
    assert multiply_adds(network, (1, 28, 28)) == convolutions + 576 * 64 + 64 * 10


def test_keras_initialisation_is_glorot_uniform_with_zero_biases():
    torch.manual_seed(0)
    network = ARTICLE.build((1, 28, 28), 10)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert len(layers) == 5
    for layer in layers:
        receptive = layer.weight[0, 0].numel()
        fans = receptive * (layer.weight.shape[0] + layer.weight.shape[1])
        limit = math.sqrt(6 / fans)
        assert float(layer.weight.detach().abs().max()) <= limit
        expected = limit / math.sqrt(3)
        assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=0.15)
        assert not layer.bias.any()


def test_three_blocks_a_stage_are_resnet_20():
    """He et al. 2016, Table 6: .27 million parameters; their shortcuts have none."""
    shortcuts = 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    assert parameter_count(RESIDUAL.build((3, 32, 32), 10)) - shortcuts == 269_722


def test_a_block_starts_as_the_identity():
    maps = torch.rand(2, 4, 6, 6)
    torch.testing.assert_close(ResidualBlock(4, 4, stride=1)(maps), maps)


def test_only_narrow_shortcuts_with_a_stride_stay_out_of_the_layout_that_onednn_fails_in():
    narrow = SmallResNet(widths=(4, 8), blocks=1, dropout=0.0, training=training())
    assert has_narrow_stride(narrow.build((3, 16, 16), 2))
    for network in (ARTICLE, RESIDUAL, SMALL):
        assert not has_narrow_stride(network.build((3, 32, 32), 2))


@pytest.mark.parametrize(
    ("rows", "side", "stride", "padding"),
    [(12, 5, 1, 2), (3, 5, 1, 2), (13, 5, 2, 0), (9, 7, 2, 3)],
)
def test_quick_gradients_of_wide_kernels_are_pytorchs_own(rows, side, stride, padding):
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 4, side, stride, padding, groups=4, bias=False).double()
    images = torch.rand(2, 4, rows, 11, dtype=torch.float64, requires_grad=True)
    found = []
    for mode in (nullcontext(), QuickGradients()):
        with mode:
            maps = layer(images)
        weighted = (maps * torch.arange(maps.numel()).view_as(maps)).sum()
        found.append((maps, *torch.autograd.grad(weighted, (images, *layer.parameters()))))
    torch.testing.assert_close(*found)


def test_a_block_of_the_transformer_is_pytorchs_pre_norm_encoder_layer():
    torch.manual_seed(0)
    block = vision_transformer.TransformerBlock(width=16, heads=4, dropout=0.5).eval()
    reference = nn.TransformerEncoderLayer(
        16, 4, 64, activation="gelu", norm_first=True, batch_first=True
    ).eval()
    names = {
        "norm1": "attended",
        "self_attn.in_proj_": "queries_keys_values.",
        "self_attn.out_proj": "joined",
        "norm2": "perceptron.0",
        "linear1": "perceptron.1",
        "linear2": "perceptron.3",
    }
    weights = reference.state_dict()
    for theirs, ours in names.items():
        weights = {name.replace(theirs, ours): value for name, value in weights.items()}
    block.load_state_dict(weights)
    tokens = torch.randn(2, 9, 16)
    torch.testing.assert_close(block(tokens), reference(tokens), rtol=1e-5, atol=1e-5)


def test_multiply_adds_of_the_transformer_are_those_counted_by_hand():
    tokens, width = 49, 64
    block = 12 * tokens * width**2 + 2 * tokens**2 * width
    expected = tokens * 16 * width + 4 * block + 2 * width
    assert multiply_adds(transformer().build((1, 28, 28), 2), (1, 28, 28)) == expected


def test_steps_of_the_recurrent_network_are_rows_or_slices_and_weigh_alike():
    of_images = recurrent().build((1, 6, 5), 3)
    images = torch.randn(2, 1, 6, 5)
    steps, _ = of_images.cells(images[:, 0])
    torch.testing.assert_close(of_images(images), of_images.head(steps.mean(dim=1)))
    of_volumes = recurrent().build((1, 6, 4, 5), 3)
    volumes = torch.randn(2, 1, 6, 4, 5)
    steps, _ = of_volumes.network.cells(volumes[:, 0].flatten(2))
    torch.testing.assert_close(of_volumes(volumes), of_volumes.network.head(steps.mean(dim=1)))


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3)])
@pytest.mark.parametrize("directions", [1, 2])
def test_size_and_multiply_adds_of_the_recurrent_network_are_those_counted_by_hand(
    cell, gates, directions
):
    built = recurrent(4, cell=cell, bidirectional=directions == 2).build((3, 12, 8), 2)
    entering, hidden, steps = 3 * 16, 8, 6
    step = directions * gates * hidden * (entering + hidden)
    biases = directions * 2 * gates * hidden
    head = directions * hidden * 2
    assert parameter_count(built) == step + biases + head + 2
    assert multiply_adds(built, (3, 12, 8)) == steps * step + head


NETWORKS = {"article": ARTICLE, "small": SMALL, "residual": RESIDUAL}
NETWORKS |= {"transformer": transformer(), "recurrent": recurrent(4)}


@of_rows(__file__, "sizes", "refused.yaml")
def test_other_images_are_refused(network, shape, said):
    with pytest.raises(ModelFailure, match=said):
        NETWORKS[network].build((1, *shape), 2)


def test_options_that_do_not_fit_are_refused():
    with pytest.raises(OptionError, match=r"model\.width.*62.*multiple"):
        transformer(width=62)
    with pytest.raises(ModelFailure, match=r"patches of 4 pixels, of volumes.*null"):
        recurrent(4).build((1, 6, 4, 4), 2)
