"""An encoder that this program trained: a network of another data set, without its last layer.

The network ends before the layer that told its own classes apart (Donahue et al. 2014, DeCAF).
Encoders of other origin stand in `skiagram.encoders`, with all that is common to them.
"""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Annotated, cast

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.encoders.encoder import (
    SMALL,
    Encoder,
    LoadedNetwork,
    check_own_class,
)
from skiagram.encoders.weights import check_sha256
from skiagram.errors import DataError, refusal
from skiagram.fitting.deployment import repeat_folder
from skiagram.models.deep.fitted import (
    ARCHITECTURE,
    WEIGHTS,
    Ensemble,
    load_classifier,
    read_architecture,
)
from skiagram.models.deep.layers import cut_last_layer
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record
from skiagram.strict import STRICT
from skiagram.training.classifier import Classifier

WHERE = "encoder.folder"
_PACKAGE = "skiagram.models.deep."
_IMAGE_AXES = 3  # channels, height, width
_BYTE = 255.0


@dataclass(**STRICT)
class TrainedNetwork(Encoder):
    """A network that this program trained on another data set.

    Of the first repeat; of an ensemble, its first member. `preprocessing` without a value takes the
    size it was trained at, and mean and deviation of its own training images, where these were
    bytes.

    Attributes:
        folder: Its folder `models/NAME`; a relative one counts from the project's folder.
        sha256: SHA-256 checksum of `repeat0/weights.safetensors` in it.
    """

    folder: str
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    def load(self) -> LoadedNetwork:
        # Only networks of this program, on images alone.
        described = self._fitted / ARCHITECTURE
        try:
            architecture = read_architecture(described)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _unreadable(described, str(error)) from error
        check_own_class(architecture.network, (_PACKAGE,), f"{_PACKAGE}*", described)
        if architecture.columns or len(architecture.shape) != _IMAGE_AXES:
            raise refusal("models.encoder_of_volumes", str(described))
        # The weights that the option names, and no others.
        weights = self._fitted / WEIGHTS
        if not weights.is_file():
            raise _unreadable(weights, "no such file")
        check_sha256(weights, self.sha256, "encoder.sha256")
        # The network, of an ensemble the first, without its last layer.
        whole, _ = load_classifier(self._fitted)
        classifier = cast(Classifier, whole.members[0] if isinstance(whole, Ensemble) else whole)
        network = classifier.network
        numbers = cut_last_layer(network)
        channels, height, width = architecture.shape
        if channels not in (1, 3) or (height != width and self.preprocessing.size is None):
            raise refusal(
                "models.encoder_of_channels", WHERE, channels=channels, height=height, width=width
            )
        # Mean and deviation of its own training images, where these were bytes.
        chosen = self.preprocessing
        mean, std = chosen.mean, chosen.std
        if mean is None or std is None:
            trained = self._preparation()
            own_unit = any(map(trained.has_normalised, trained.modalities or ("",)))
            if not trained.of_bytes or own_unit:
                raise refusal("models.no_mean")
            mean = mean or tuple((classifier.mean.flatten() / _BYTE).tolist())
            std = std or tuple((classifier.deviation.flatten() / _BYTE).tolist())
        interpolation = chosen.interpolation or "bilinear"
        # What is not chosen is as in its training.
        how = replace(
            chosen, size=chosen.size or height, interpolation=interpolation, mean=mean, std=std
        )
        frozen = network.eval().requires_grad_(False)
        return LoadedNetwork(frozen, channels, numbers, self.sha256, how)

    def check_unseen(self, preparation: Preparation) -> None:
        """Refuse a network that was trained on an image that it is to encode, or its patient."""
        # Images and patients are compared by digests.
        trained = self._preparation()
        if not trained.image_digests:
            fault, where = "does not say which images it was trained on", self.folder
            raise refusal("models.earlier_network", where, found=fault)
        for kind, number in trained.shared(preparation).items():
            if number:
                raise refusal("models.seen_images", self.folder, number=number, images=kind)

    def keep(self, folder: Path) -> None:
        if (self._fitted / WEIGHTS).stat().st_size <= SMALL:
            target = folder / repeat_folder(0)
            target.mkdir(parents=True)
            shutil.copyfile(Path(self.folder) / PREPARATION, folder / PREPARATION)
            for name in (ARCHITECTURE, WEIGHTS):
                shutil.copyfile(self._fitted / name, target / name)

    def kept(self, folder: Path, sha256: str) -> "TrainedNetwork":
        if (folder / repeat_folder(0)).is_dir():
            return replace(self, folder=str(folder), sha256=sha256)
        return replace(self, sha256=sha256)

    @property
    def _fitted(self) -> Path:
        return Path(self.folder) / repeat_folder(0)

    def _preparation(self) -> Preparation:
        return read_record(Preparation, Path(self.folder) / PREPARATION)


def _unreadable(path: Path, why: str) -> DataError:
    return refusal("models.no_network", str(path), reason=why)
