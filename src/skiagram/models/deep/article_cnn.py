"""The articles' convolutional network: three convolutions, two poolings, two dense layers.

Convolutions are 3 × 3 without padding, with 32, 64 and 64 maps; at 28 × 28 × 1 with 10 classes the
network has 93,322 parameters. Under `keras` weights start as they do there: uniform after Glorot &
Bengio 2010 (equation 16), biases 0.
"""

from typing import ClassVar, Literal

from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.models.deep.layers import (
    check_smallest_side,
    glorot_uniform,
    halving_rectifier,
    sides_of_image,
)
from skiagram.strict import STRICT
from skiagram.training.options import Training

MIN_SIDE = 18


@dataclass(**STRICT)
class ArticleCNN:
    """Options of the articles' network.

    Attributes:
        initialisation: First weights as in `keras` or as in `torch`.
        training: How it is trained.
    """

    title: ClassVar[str] = "Convolutional network of the articles"

    initialisation: Literal["keras", "torch"]
    training: Training

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the network for images of at least 18 pixels a side, with logits of n_classes.

        Raises:
            ModelFailure: Images are smaller, or volumes.
        """
        channels, height, width = sides_of_image(self.title, shape)
        check_smallest_side("article_cnn", height, width, MIN_SIDE)
        # Each convolution takes two pixels, each pooling half of the rest.
        rows, columns = (((side - 2) // 2 - 2) // 2 - 2 for side in (height, width))
        network = nn.Sequential(
            nn.Conv2d(channels, 32, 3),
            *halving_rectifier(),
            nn.Conv2d(32, 64, 3),
            *halving_rectifier(),
            nn.Conv2d(64, 64, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64 * rows * columns, 64),
            nn.ReLU(),
            nn.Linear(64, n_classes),
        )
        # The article's program was written in Keras, whose first weights differ from PyTorch's.
        if self.initialisation == "keras":
            network.apply(glorot_uniform)
        return network
