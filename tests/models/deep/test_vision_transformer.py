"""The transformer attends as PyTorch's own layer does and counts its places."""

import pytest
import torch
from torch import nn

from skiagram.errors import ModelFailure, OptionError
from skiagram.models.deep.vision_transformer import Block, VisionTransformer
from skiagram.training.classifier import multiply_adds
from tests.models.deep.spots import training

pytestmark = pytest.mark.slow


def network(patch_size: int = 4, width: int = 64) -> VisionTransformer:
    return VisionTransformer(
        patch_size=patch_size, width=width, depth=4, heads=4, dropout=0.1, training=training()
    )


def test_a_block_is_pytorchs_pre_norm_encoder_layer() -> None:
    torch.manual_seed(0)
    block = Block(width=16, heads=4, dropout=0.5).eval()
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


def test_multiply_adds_are_those_counted_by_hand() -> None:
    tokens, width = 49, 64
    block = 12 * tokens * width**2 + 2 * tokens**2 * width
    expected = tokens * 16 * width + 4 * block + 2 * width
    assert multiply_adds(network().build(1, 28, 28, 2), (1, 28, 28)) == expected


def test_images_and_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ModelFailure, match=r"vision_transformer: images of 28 × 30"):
        network().build(1, 28, 30, 2)
    with pytest.raises(OptionError, match=r"model\.width.*62.*multiple"):
        network(width=62)
