"""Feature family `embedding`: what a network trained on other images makes of each image.

Each image on its own takes mean 0 and deviation 1 over its pixels, is resized to what the network
reads, and runs through it up to the last layer (Donahue et al. 2014, DeCAF). The network computes
in float32 on one thread; columns of an image alone and in a batch agree to about 1e-5.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.nn.functional import interpolate

from skiagram.features.batch import Batch
from skiagram.features.definition import Definition
from skiagram.models.deep.elsewhere import Embedder, TorchvisionNetwork, TrainedNetwork
from skiagram.options import STRICT
from skiagram.preparation import Preparation

_AT_ONCE = 32
_FLAT = 1e-6  # a smaller share of its mean is no contrast but rounding


@dataclass(**STRICT)
class Embedding:
    """What enters the last layer of a network that was trained on other images.

    The network sees no label of this data set. It reads three channels or one: an image of one
    channel is repeated, a colour image reduced to its luminance, as the network asks.

    Attributes:
        network: A classifier of torchvision's, or a network that was trained on another data set.
    """

    network: TorchvisionNetwork | TrainedNetwork

    def names(self) -> tuple[str, ...]:
        """Return the feature names in column order: `embedding_000` and so on."""
        width = _width(self.network)
        digits = max(3, len(str(width - 1)))
        return tuple(f"embedding_{at:0{digits}d}" for at in range(width))

    def definitions(self) -> tuple[Definition, ...]:
        """Return what the features mean."""
        return (
            Definition(
                name="embedding_<number>",
                meaning="Number that enters the last layer of a network trained on other images.",
                formula="h_k of the network's last layer W h + b, of the image (x − mean) / "
                "deviation over its own pixels",
                unit="1",
                range="(−∞, ∞); [0, ∞) after rectified units",
            ),
        )

    def extract(self, batch: Batch) -> NDArray[np.float64]:
        """Compute the features of a batch; a constant image counts as zeros.

        Args:
            batch: Images of one channel or three.

        Returns:
            (n, numbers) float64.

        Raises:
            DataError: The images have neither one channel nor three, or the network cannot be had.
            OptionError: There is no such network.
        """
        batch.luminance("embedding")  # refuses images before weights are fetched for them
        embedder = _loaded(self.network)
        channels, *size = embedder.shape
        with torch.inference_mode(), _one_thread():
            parts = [
                embedder.network(_resized(pixels, size)).double().numpy()
                for pixels in _images(batch, channels)
            ]
        return np.concatenate(parts)

    def check_unseen(self, preparation: Preparation) -> None:
        """Refuse to describe the images that the network was trained on.

        Raises:
            DataError: It was trained on them, or its folder does not say.
        """
        self.network.check_unseen(preparation)

    def keep(self, folder: Path) -> None:
        """Write the network to a new folder.

        Raises:
            DataError: It cannot be had.
        """
        self.network.keep(folder)

    def kept(self, folder: Path) -> "Embedding":
        """Return the family with the network that `keep` wrote to a folder."""
        return Embedding(network=self.network.kept(folder))


@lru_cache(maxsize=4)
def _width(network: TorchvisionNetwork | TrainedNetwork) -> int:
    return network.width()


@lru_cache(maxsize=1)
def _loaded(network: TorchvisionNetwork | TrainedNetwork) -> Embedder:
    return network.load()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Late digits depend on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _images(batch: Batch, channels: int) -> Iterator[Tensor]:
    """Yield (m, channels, height, width) float32 of mean 0 and deviation 1, some at a time."""
    colour = channels == 3 and batch.images.shape[3:] == (3,)
    pixels = batch.images if colour else batch.luminance("embedding")[..., None]
    for start in range(0, len(batch), _AT_ONCE):
        planes = pixels[start : start + _AT_ONCE].astype(np.float64).transpose(0, 3, 1, 2)
        mean = planes.mean(axis=(1, 2, 3), keepdims=True)
        deviation = planes.std(axis=(1, 2, 3), keepdims=True)
        flat = deviation <= _FLAT * np.maximum(np.abs(mean), _FLAT)
        standard = (planes - mean) / np.where(flat, np.inf, deviation)
        yield torch.from_numpy(standard.astype(np.float32)).expand(-1, channels, -1, -1)


def _resized(images: Tensor, size: list[int]) -> Tensor:
    if list(images.shape[2:]) == size:
        return images
    return interpolate(images, size, mode="bilinear", antialias=True)
