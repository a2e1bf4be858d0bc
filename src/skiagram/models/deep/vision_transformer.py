"""A small Vision Transformer, trained from scratch (Dosovitskiy et al. 2021).

Square patches become tokens with learned positions; pre-norm blocks of self-attention and a
two-layer perceptron follow; the mean over all tokens feeds one linear layer, which serves small
models better than a class token (Beyer et al. 2022).
"""

from typing import ClassVar, cast

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from skiagram.errors import refusal
from skiagram.models.deep.layers import check_patches, sides_of_image
from skiagram.strict import STRICT, OneOrMore, ShareBelowOne
from skiagram.training.options import Training


@dataclass(**STRICT)
class VisionTransformer:
    """Options of the small Vision Transformer.

    Attributes:
        patch_size: Side of a patch in pixels; divides both sides of the images.
        width: Numbers that describe a token; a multiple of `heads`.
        depth: Blocks of attention and perceptron.
        heads: Attention heads of a block.
        dropout: Share of each block's results that is dropped while training.
        training: How it is trained.
    """

    title: ClassVar[str] = "Small Vision Transformer"

    patch_size: OneOrMore
    width: OneOrMore
    depth: OneOrMore
    heads: OneOrMore
    dropout: ShareBelowOne
    training: Training

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise refusal("models.width_of_heads", width=self.width, heads=self.heads)

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the network for images that patches divide.

        Raises:
            ModelFailure: They do not, or volumes are given.
        """
        # Patches become tokens, whose mean at the end is the image.
        channels, height, width = sides_of_image(self.title, shape)
        rows, columns = check_patches("vision_transformer", self.patch_size, height, width)
        blocks = [TransformerBlock(self.width, self.heads, self.dropout) for _ in range(self.depth)]
        return nn.Sequential(
            Tokens(channels, rows * columns, self.patch_size, self.width),
            nn.Dropout(self.dropout),
            *blocks,
            nn.LayerNorm(self.width),
            TokenMean(),
            nn.Linear(self.width, n_classes),
        )


class Tokens(nn.Module):
    """A linear image of each patch plus the learned position of its place."""

    def __init__(self, channels: int, patches: int, patch_size: int, width: int) -> None:
        """Draw the projection as PyTorch does, and positions of a deviation of .02.

        Args:
            channels: Of the images.
            patches: Of an image.
            patch_size: Side of a patch in pixels.
            width: Numbers that describe a token.
        """
        super().__init__()
        self.projection = nn.Conv2d(channels, width, patch_size, stride=patch_size)
        self.position = nn.Parameter(torch.empty(patches, width))
        nn.init.trunc_normal_(self.position, std=0.02)

    def forward(self, images: Tensor) -> Tensor:
        """Turn (n, channels, height, width) into (n, patches, width)."""
        tokens: Tensor = self.projection(images).flatten(2).transpose(1, 2)
        return tokens + self.position


class TransformerBlock(nn.Module):
    """Self-attention, then a perceptron; each reads normalised tokens and adds to them."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        # Attention, then a perceptron on each token.
        self.heads = heads
        self.attended = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Pass (n, tokens, width) through attention and perceptron; each adds to what enters."""
        # Queries, keys and values of each head: (n, heads, tokens, width / heads).
        parts = self.queries_keys_values(self.attended(tokens))
        query, key, value = parts.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        heads = scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.dropout(self.joined(heads.transpose(1, 2).flatten(2)))
        return tokens + cast(Tensor, self.dropout(self.perceptron(tokens)))


class TokenMean(nn.Module):
    """Mean over all tokens."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Average (n, tokens, width) to (n, width)."""
        return tokens.mean(dim=1)
