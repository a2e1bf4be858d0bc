"""Networks that others trained: weights, torchvision's classifiers, a base under a new head."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, cast

import torch
from pydantic.dataclasses import dataclass
from safetensors.torch import load_file
from torch import Tensor, nn

from skiagram.encoders.weights import Sha256, check_sha256
from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.options import STRICT

FRESH = "none"
Gray = Literal["repeat", "sum"]
_COLOURS = 3  # channels of the images that published weights were made for
_UNLIKE = ("googlenet", "inception_v3", "squeezenet1_0", "squeezenet1_1")


@dataclass(**STRICT)
class WeightsFile:
    """A state dict of torchvision's form in a file; nothing but tensors is read from it.

    Attributes:
        file: Path of a `.safetensors` file or of one that `torch.save` wrote; a relative one
            counts from the project's folder.
        sha256: Its SHA-256 checksum.
    """

    file: str
    sha256: Sha256


WeightsSource = str | WeightsFile


def read_state_dict(
    architecture: str, source: WeightsSource, where: str = "model.weights"
) -> dict[str, Tensor] | None:
    """Return weights by their names in torchvision's architecture; None for fresh ones.

    Weights by name are fetched once into the folder of `torch.hub` and checked against the hash in
    their file's name.

    Args:
        architecture: torchvision's name of the architecture.
        source: `none`, torchvision's name of the weights, or a file.
        where: Option that names them, for messages.

    Raises:
        OptionError: torchvision knows no weights of that name.
        DataError: They cannot be fetched, or the file is absent, damaged or another one.
    """
    if source == FRESH:
        return None
    if isinstance(source, WeightsFile):
        return _read(source, architecture, where)
    return _fetched(architecture, source, where)


def _fetched(architecture: str, name: str, where: str) -> dict[str, Tensor]:
    from torchvision.models import get_model_weights

    known = get_model_weights(architecture)
    if name not in known.__members__:
        raise OptionError(
            f"torchvision has no weights `{name}` of {architecture}",
            where=where,
            allowed=", ".join([FRESH, *known.__members__, "a file with its sha256"]),
        )
    try:
        # urllib's errors are OSErrors; a wrong hash is a RuntimeError.
        return dict(known[name].get_state_dict(progress=True, check_hash=True, weights_only=True))
    except (OSError, RuntimeError) as error:
        raise _unavailable(architecture, f"{known[name].url} ({error})", where) from error


def _read(source: WeightsFile, architecture: str, where: str) -> dict[str, Tensor]:
    path = Path(source.file)
    try:
        check_sha256(path, source.sha256, f"{where}.sha256")
    except OSError as error:
        raise _unavailable(architecture, f"{path} ({error.strerror})", where) from error
    weights = _tensors(path)
    if weights is None:
        raise DataError(
            "no state dict",
            where=str(path),
            allowed="tensors by name, as safetensors or as torch.save(network.state_dict())",
        )
    return weights


def _tensors(path: Path) -> dict[str, Tensor] | None:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # what a damaged archive raises is nowhere listed
        return None
    is_state_dict = isinstance(values, dict) and all(
        isinstance(tensor, Tensor) for tensor in values.values()
    )
    return dict(values) if is_state_dict else None


def _unavailable(architecture: str, tried: str, where: str) -> DataError:
    return DataError(
        f"no weights of {architecture} at {tried}",
        where=where,
        remedy="run once where the internet is reached (torch.hub keeps them in $TORCH_HOME), or "
        f"set {where} to {{file: PATH, sha256: CHECKSUM}} of a state dict you have"
        + (", or to none to start from fresh weights" if where.startswith("model.") else ""),
    )


class Transfer(nn.Module):
    """A base that is frozen for some epochs, and a head that learns from the first.

    A frozen base takes no gradient, and its batch normalisation keeps the means and deviations it
    came with.

    Args:
        base: Maps images to (n, numbers).
        head: Maps these numbers to (n, n_classes) logits.
        frozen_epochs: Epochs before the base learns as well; None: it never does.
        repeated: Whether the base reads three channels where images have one.
    """

    def __init__(
        self, base: nn.Module, head: nn.Module, frozen_epochs: int | None, *, repeated: bool
    ) -> None:
        super().__init__()
        self.base, self.head = base, head
        self.frozen_epochs = frozen_epochs
        self._repeated = repeated
        self._frozen = frozen_epochs != 0
        if frozen_epochs is None:
            base.requires_grad_(False)

    def begin_epoch(self, epoch: int) -> None:
        """Freeze or release the base for an epoch, counted from 0."""
        self._frozen = self.frozen_epochs is None or epoch < self.frozen_epochs
        self.train(self.training)

    def train(self, mode: bool = True) -> "Transfer":
        """Choose training or inference; a frozen base stays in inference."""
        super().train(mode)
        self.base.train(mode and not self._frozen)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Turn (n, channels, height, width) into (n, n_classes) logits."""
        if self._repeated:
            images = images.expand(-1, 3, -1, -1)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self._frozen):
            numbers = self.base(images)
        return cast(Tensor, self.head(numbers))


class TransferOptions(ABC):
    """Base of the options of a network that others trained, under a new head.

    Attributes:
        architecture: Its name in the library whose code it is.
        gray: How images of one channel enter a network for three.
    """

    architecture: str
    gray: Gray

    @property
    def title(self) -> str:
        """Return the name for people."""
        return f"{self.architecture} of {self._library()}"

    def build(self, channels: int, height: int, width: int, n_classes: int) -> nn.Module:
        """Return the network with fresh weights.

        Raises:
            OptionError: The library is not installed, or has no such network.
            ModelFailure: The network is not defined for such images, or not as the options want it.
        """
        try:
            base, numbers = self._base(height, width)
            repeated = adapt_channels(base, channels, self.gray, self.architecture)
            head = nn.Linear(numbers, n_classes)
            network = self._network(base, head, repeated, (height, width))
            with torch.no_grad():
                network.eval()(torch.zeros(1, channels, height, width))
        except (RuntimeError, AssertionError, ValueError) as error:
            raise ModelFailure(
                f"images of {height} × {width} pixels",
                where=self.architecture,
                allowed=f"what the code of {self._library()} takes ({error})",
                remedy="set training.image_size",
            ) from error
        return network.train()

    @abstractmethod
    def _library(self) -> str:
        """Return whose code it is."""

    @abstractmethod
    def _base(self, height: int, width: int) -> tuple[nn.Module, int]:
        """Return a network on three channels without a last layer, and how many numbers it gives.

        Raises:
            OptionError: There is no such network.
        """

    @abstractmethod
    def _network(
        self, base: nn.Module, head: nn.Linear, repeated: bool, size: tuple[int, int]
    ) -> Transfer:
        """Return base and head in one, for images of a size."""


def adapt_channels(base: nn.Module, channels: int, gray: Gray, where: str) -> bool:
    """Make a base of three channels fit the images; say whether these must be repeated.

    Under `sum` the first layer's filters are added up over the channels, which gives what three
    equal channels give, at a third of that layer's work. More channels (modalities, planes, a mask)
    take the three filters in turn, scaled so that their sum keeps its size (as timm does).

    Args:
        base: A network on three channels; its first convolution may be replaced.
        channels: Of the images.
        gray: `repeat` or `sum`, for images of one channel.
        where: Name of the network, for messages.

    Raises:
        ModelFailure: The images have other than three channels, and the base starts with no plain
            convolution.
    """
    if channels == _COLOURS or (channels == 1 and gray == "repeat"):
        return channels == 1
    name = first_convolution(base)
    colour = cast(nn.Conv2d, base.get_submodule(name))
    if colour.in_channels != _COLOURS or colour.groups != 1:
        raise ModelFailure(f"images of {channels} channels", where=where, allowed="1 or 3 channels")
    adapted = nn.Conv2d(
        channels,
        colour.out_channels,
        cast(tuple[int, int], colour.kernel_size),
        cast(tuple[int, int], colour.stride),
        cast(tuple[int, int], colour.padding),
        bias=colour.bias is not None,
    )
    adapted.load_state_dict(_spread(colour.state_dict(), "weight", channels))
    base.set_submodule(name, adapted)
    return False


def cut_last_layer(network: nn.Module) -> int:
    """Put nothing in the place of the last linear layer; return how many numbers entered it."""
    last = last_layer(network)
    name = next(name for name, module in network.named_modules() if module is last)
    network.set_submodule(name, nn.Identity())
    return last.in_features


def last_layer(network: nn.Module) -> nn.Linear:
    """Return the linear layer that a network ends in."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]


def first_convolution(base: nn.Module) -> str:
    """Return the name of the layer that reads the image."""
    names: list[str] = [
        name for name, module in base.named_modules() if isinstance(module, nn.Conv2d)
    ]
    return names[0]


def take_weights(base: nn.Module, weights: dict[str, Tensor], where: str) -> None:
    """Give a base the weights of three-channel images; its first layer may read other channels.

    Raises:
        DataError: They are those of another architecture or of another image size.
    """
    weight = f"{first_convolution(base)}.weight"
    channels = base.state_dict()[weight].shape[1]
    if weight in weights and weights[weight].shape[1] == _COLOURS != channels:
        weights = _spread(weights, weight, channels)
    try:
        base.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(
            f"these weights do not fit ({' '.join(str(error).split())[:300]})",
            where=where,
            remedy="choose those of this architecture, and its training.image_size",
        ) from error


def _spread(weights: dict[str, Tensor], name: str, channels: int) -> dict[str, Tensor]:
    """Return weights whose first filters read other than three channels."""
    filters = weights[name]
    if channels == 1:
        return weights | {name: filters.sum(dim=1, keepdim=True)}
    in_turn = filters[:, [channel % _COLOURS for channel in range(channels)]]
    return weights | {name: in_turn * (_COLOURS / channels)}


# These return more than logits while they train, or end in a convolution.


def torchvision_base(architecture: str, height: int, width: int) -> tuple[nn.Module, int]:
    """Return a classifier with fresh weights that ends before its last layer.

    Args:
        architecture: torchvision's name of it.
        height: Of the images, in pixels.
        width: Of the images, in pixels.

    Returns:
        It maps (n, 3, height, width) to (n, numbers); and how many numbers.

    Raises:
        OptionError: torchvision has no such classifier.
    """
    base = _classifier(architecture)(**_sized(architecture, height, width))
    return base, cut_last_layer(base)


def take_torchvision_weights(
    base: nn.Module, architecture: str, source: WeightsSource, where: str = "model.weights"
) -> None:
    """Give a base, perhaps one that reads a single channel, the weights from a source.

    Args:
        base: As `torchvision_base` returns it.
        architecture: torchvision's name of it.
        source: Where the weights are from.
        where: Option that names them, for messages.

    Raises:
        OptionError: torchvision has no weights of that name.
        DataError: They cannot be had, or belong to another network.
    """
    weights = read_state_dict(architecture, source, where)
    if weights is None:
        return
    left_out = [name for name, module in base.named_modules() if isinstance(module, nn.Identity)]
    weights = {
        name: value for name, value in weights.items() if name.rpartition(".")[0] not in left_out
    }
    take_weights(base, weights, where)


def _classifier(architecture: str) -> Callable[..., nn.Module]:
    from torchvision import models

    known = sorted(set(models.list_models(module=models)) - set(_UNLIKE))
    if architecture not in known:
        raise OptionError(
            f"torchvision has no classifier `{architecture}` that fits here",
            where="model.architecture",
            allowed=", ".join(known),
        )
    return cast(Callable[..., nn.Module], models.get_model_builder(architecture))


def _sized(architecture: str, height: int, width: int) -> dict[str, Any]:
    """Return what the transformers must know of the images beforehand."""
    if architecture.startswith("vit_"):
        return {"image_size": height}
    return {"input_size": (height, width)} if architecture.startswith("maxvit") else {}
