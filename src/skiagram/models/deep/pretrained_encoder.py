"""Feature family `embedding`: what a network trained on other images makes of each image.

The network ends before the layer that told its own classes apart (Donahue et al. 2014, DeCAF). Each
image on its own takes mean 0 and deviation 1 over its pixels, is resized to what the network reads,
and runs through it. The network computes in float32 on one thread; columns of an image alone and in
a batch agree to about 1e-5.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import interpolate

from skiagram.errors import DataError, OptionError
from skiagram.features.batch import FeatureBatch
from skiagram.features.feature import Definition
from skiagram.models.deep.fitted import (
    ARCHITECTURE,
    WEIGHTS,
    Architecture,
    Ensemble,
    load_classifier,
    read_architecture,
)
from skiagram.models.deep.transfer import (
    FRESH,
    WeightsFile,
    check_sha256,
    cut_last_layer,
    sha256_of,
    take_torchvision_weights,
    torchvision_base,
)
from skiagram.models.deployment import repeat_folder
from skiagram.options import STRICT
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records import read_record
from skiagram.training.classifier import Classifier

WHERE = "features.embedding.network"
_PACKAGE = "skiagram.models.deep."
_IMAGE_AXES = 3  # channels, height, width
_AT_ONCE = 32
_FLAT = 1e-6  # a smaller share of its mean is no contrast but rounding


@plain_dataclass(frozen=True)
class PretrainedEncoder:
    """A loaded network that ends before its last layer.

    Attributes:
        network: Maps (n, *shape) float32 to (n, numbers).
        shape: (channels, height, width) of its images; 1 or 3 channels.
    """

    network: nn.Module
    shape: tuple[int, ...]


@dataclass(**STRICT)
class TorchvisionNetwork:
    """A classifier of torchvision's with weights that others trained.

    Attributes:
        architecture: torchvision's name of it.
        weights: torchvision's name of the weights, or a file.
        image_size: Side in pixels that images are resized to.
    """

    architecture: str
    weights: str | WeightsFile
    image_size: Annotated[int, Field(ge=1)]

    def width(self) -> int:
        """Return how many numbers describe an image; no weights are needed."""
        with torch.device("meta"):
            return torchvision_base(self.architecture, self.image_size, self.image_size)[1]

    def load(self) -> PretrainedEncoder:
        """Return the network with its weights.

        Raises:
            OptionError: torchvision has no such classifier, or no weights of that name.
            DataError: The weights cannot be had, or belong to another network.
        """
        if self.weights == FRESH:
            raise OptionError(
                f"`{FRESH}` was given: untrained weights describe nothing",
                where=f"{WHERE}.weights",
                allowed="torchvision's name of weights, or a file with its sha256",
            )
        base, _ = torchvision_base(self.architecture, self.image_size, self.image_size)
        take_torchvision_weights(base, self.architecture, self.weights, f"{WHERE}.weights")
        return PretrainedEncoder(base.eval(), (3, self.image_size, self.image_size))

    def check_unseen(self, preparation: Preparation) -> None:
        """Do nothing: what these weights saw is not recorded."""

    def keep(self, folder: Path) -> None:
        """Write the weights to a new folder; `load` says what is raised."""
        folder.mkdir(parents=True)
        weights = self.load().network.state_dict()
        content = save({name: one.contiguous() for name, one in weights.items()})
        (folder / WEIGHTS).write_bytes(content)

    def kept(self, folder: Path) -> "TorchvisionNetwork":
        """Return the network with the weights that `keep` wrote.

        Raises:
            DataError: They are not there.
        """
        path = folder / WEIGHTS
        try:
            weights = WeightsFile(file=str(path), sha256=sha256_of(path))
        except OSError as error:
            raise _unreadable(path, error) from error
        return replace(self, weights=weights)


@dataclass(**STRICT)
class TrainedNetwork:
    """A network that this program trained on another data set.

    Attributes:
        folder: Its folder `models/NAME`; a relative one counts from the project's folder.
        sha256: SHA-256 checksum of `repeat0/weights.safetensors` in it.
    """

    folder: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    def width(self) -> int:
        """Return how many numbers describe an image.

        Raises:
            DataError: The folder holds no network.
        """
        with torch.device("meta"):
            return cut_last_layer(self._architecture().build())

    def load(self) -> PretrainedEncoder:
        """Return the network of the first repeat; of an ensemble, its first member.

        Raises:
            DataError: The folder holds no network, or another one than `sha256` says.
        """
        architecture, weights = self._architecture(), self._fitted / WEIGHTS
        try:
            check_sha256(weights, self.sha256, f"{WHERE}.sha256")
        except OSError as error:
            raise _unreadable(weights, error) from error
        whole, _ = load_classifier(self._fitted)
        classifier = cast(Classifier, whole.members[0] if isinstance(whole, Ensemble) else whole)
        network = classifier.network
        cut_last_layer(network)
        channels, height, width = architecture.shape
        return PretrainedEncoder(network.eval(), (channels, height, width))

    def check_unseen(self, preparation: Preparation) -> None:
        """Refuse a network that was trained on the very images it is to describe.

        Raises:
            DataError: It was, or its folder does not say.
        """
        path = Path(self.folder) / PREPARATION
        trained = read_record(Preparation, path)
        if not trained.images_sha256:
            raise DataError(
                "does not say which images the network was trained on",
                where=str(path),
                remedy="train it again with this version",
            )
        if trained.images_sha256 == preparation.images_sha256:
            raise DataError(
                "this network was trained on the same images; it has seen labels of held-out cases",
                where=str(Path(self.folder)),
                allowed="a network of another data set",
                remedy="use the model `refitted_head`, which trains the network inside each fold",
            )

    def keep(self, folder: Path) -> None:
        """Write the network to a new folder.

        Raises:
            DataError: The folder holds no network, or another one than `sha256` says.
        """
        self.load()
        target = folder / repeat_folder(0)
        target.mkdir(parents=True)
        for name in (ARCHITECTURE, WEIGHTS):
            shutil.copyfile(self._fitted / name, target / name)

    def kept(self, folder: Path) -> "TrainedNetwork":
        """Return the network that `keep` wrote."""
        return replace(self, folder=str(folder))

    @property
    def _fitted(self) -> Path:
        return Path(self.folder) / repeat_folder(0)

    def _architecture(self) -> Architecture:
        path = self._fitted / ARCHITECTURE
        try:
            architecture = read_architecture(path)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _unreadable(path, error) from error
        target = str(architecture.network.get("_target_", ""))
        if not target.startswith(_PACKAGE):
            raise DataError(
                f"names the class `{target}`",
                where=str(path),
                allowed=f"classes of {_PACKAGE}*; code that comes with a model is not run",
            )
        if architecture.columns or len(architecture.shape) != _IMAGE_AXES:
            raise DataError(
                "this network reads volumes, or covariates beside the image",
                where=str(path),
                allowed="networks on images alone",
            )
        return architecture


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"no network can be loaded from here ({error})",
        where=str(path),
        remedy="name a folder models/NAME of a network, or train it again",
    )


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
        return tuple(f"embedding_{number:0{digits}d}" for number in range(width))

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

    def extract(self, batch: FeatureBatch) -> NDArray[np.float64]:
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
def _loaded(network: TorchvisionNetwork | TrainedNetwork) -> PretrainedEncoder:
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


def _images(batch: FeatureBatch, channels: int) -> Iterator[Tensor]:
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
