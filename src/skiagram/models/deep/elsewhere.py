"""Networks that were trained on other images, without the layer that told their classes apart."""

from collections.abc import Callable
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated, cast

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from skiagram.errors import DataError, OptionError
from skiagram.models.deep.ensemble import Ensemble
from skiagram.models.deep.fitted import (
    ARCHITECTURE,
    WEIGHTS,
    Architecture,
    load_classifier,
    read_architecture,
)
from skiagram.models.deep.torchvision_base import take_torchvision_weights, torchvision_base
from skiagram.models.deep.transfer import cut_last_layer
from skiagram.models.deep.weights import FRESH, WeightsFile, check_sha256
from skiagram.models.deployment import repeat_folder
from skiagram.options import STRICT
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records import read_record
from skiagram.training.classifier import Classifier

WHERE = "features.embedding.network"
_PACKAGE = "skiagram.models.deep."
_IMAGE_AXES = 3  # channels, height, width


@plain_dataclass(frozen=True)
class Embedder:
    """A loaded network that ends before its last layer.

    Attributes:
        embed: Maps (n, *shape) float32 to (n, numbers).
        shape: (channels, height, width) of its images; 1 or 3 channels.
    """

    embed: Callable[[Tensor], Tensor]
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

    def load(self) -> Embedder:
        """Return the network with its weights.

        Raises:
            OptionError: torchvision has no such classifier, or no weights of that name.
            DataError: The weights cannot be had, or belong to another network.
        """
        if self.weights == FRESH:
            raise OptionError(
                f"`{FRESH}` was given: fresh weights describe nothing",
                where=f"{WHERE}.weights",
                allowed="torchvision's name of weights, or a file with its sha256",
            )
        base, _ = torchvision_base(self.architecture, self.image_size, self.image_size)
        take_torchvision_weights(base, self.architecture, self.weights, f"{WHERE}.weights")
        return Embedder(base.eval(), (3, self.image_size, self.image_size))

    def check_unseen(self, preparation: Preparation) -> None:
        """Do nothing: what these weights saw is not recorded."""


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

    def load(self) -> Embedder:
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
        return Embedder(network.eval(), (channels, height, width))

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
                "this network was trained on the images it is to describe, so it knows labels of "
                "cases that folds hold out",
                where=str(Path(self.folder)),
                allowed="a network of another data set",
                remedy="use the model `refitted_head`, which trains the network inside each fold",
            )

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
        f"no network can be read here ({error})",
        where=str(path),
        remedy="name a folder models/NAME of a network, or train it again",
    )
