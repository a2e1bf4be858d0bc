"""Networks that were trained on other images, without the layer that told their classes apart."""

import shutil
from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from pathlib import Path
from typing import Annotated, cast

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from safetensors.torch import save_file
from torch import nn

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
from skiagram.models.deep.weights import FRESH, WeightsFile, check_sha256, sha256_of
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

    def keep(self, folder: Path) -> None:
        """Write the weights to a new folder; `load` says what is raised."""
        folder.mkdir(parents=True)
        weights = self.load().network.state_dict()
        save_file({name: one.contiguous() for name, one in weights.items()}, folder / WEIGHTS)

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
        f"no network can be read here ({error})",
        where=str(path),
        remedy="name a folder models/NAME of a network, or train it again",
    )
