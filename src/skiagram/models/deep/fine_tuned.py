"""Any network of timm or torchvision, fine-tuned: head first, then layers at decayed rates.

For `frozen_epochs` epochs a new last layer learns alone, so that its first, wild gradients do not
destroy what the weights know (Kumar et al. 2022, ICLR). Then the layers learn too, each at
`layer_decay` times the rate of the one above it (Howard & Ruder 2018, ACL, §3.2; Bao et al. 2022,
ICLR): lower layers hold what all images share. With a few hundred images less is more: let the last
blocks learn alone. Whether a set is too small stands in the curves: the validation loss rises while
the training loss falls.

Layers are what a network is put together from, in its own order: the blocks of a transformer, the
residual blocks of a ResNet. Images are normalised by the training set's own mean and deviation.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, cast

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import nn

from skiagram.encoders.weights import (
    HubFile,
    LocalFile,
    WebFile,
    locate_weights,
    missing_extra,
    read_tensors,
)
from skiagram.errors import OptionError
from skiagram.models.deep.transfer import (
    FRESH,
    Gray,
    Transfer,
    TransferOptions,
    WeightsFile,
    take_torchvision_weights,
    take_weights,
    torchvision_base,
)
from skiagram.options import STRICT
from skiagram.training.options import Training

_WEIGHTS = "model.weights"
_SEVERAL = 2  # parts that make a container one of layers


@dataclass(**STRICT)
class FineTuned(TransferOptions):
    """Options of a fine-tuned network.

    Attributes:
        library: Whose architecture it is.
        architecture: Its name there; of timm's with the tag of the weights after a dot, or without.
        weights: `none` for fresh ones; a name of torchvision's; a file, an address or a repository
            of the Hugging Face hub.
        gray: How images of one channel enter a network for three: `repeat` the channel, or `sum`
            the first layer's filters.
        frozen_epochs: Epochs in which the new last layer learns alone; null: always.
        last_blocks: How many of the last layers learn after that; null: all.
        layer_decay: Learning rate of a layer as a share of that of the layer above; 1 for equal
            ones.
        training: How it is trained; its learning rate is that of the new last layer.
    """

    library: Literal["timm", "torchvision"]
    architecture: str
    weights: str | LocalFile | WebFile | HubFile
    gray: Gray
    frozen_epochs: Annotated[int, Field(ge=0)] | None
    last_blocks: Annotated[int, Field(ge=1)] | None
    layer_decay: Annotated[float, Field(gt=0, le=1)]
    training: Training

    @property
    def title(self) -> str:
        """Return the name for people."""
        return f"{super().title}, fine-tuned"

    def load_weights(self, network: nn.Module) -> None:
        """Give a freshly built network the weights it starts from.

        Raises:
            OptionError: No weights have that name.
            DataError: They cannot be had, or belong to another network.
        """
        base = cast(FineTuning, network).base
        if self.library == "torchvision":
            take_torchvision_weights(base, self.architecture, self._torchvision_source())
        elif self.weights != FRESH:
            if isinstance(self.weights, str):
                raise OptionError(
                    f"`{self.weights}` was given for a network of timm",
                    where=_WEIGHTS,
                    allowed=f"{FRESH}, {{file, sha256}}, {{url, sha256}} or {{hub, revision, "
                    "filename, sha256}",
                )
            self._take_timm_weights(cast(FineTuning, network))

    def _library(self) -> str:
        return self.library

    def _network(
        self, base: nn.Module, head: nn.Linear, repeated: bool, size: tuple[int, int]
    ) -> Transfer:
        return FineTuning(
            base,
            head,
            self.frozen_epochs,
            repeated=repeated,
            last_blocks=self.last_blocks,
            layer_decay=self.layer_decay,
            size=size,
        )

    def _base(self, height: int, width: int) -> tuple[nn.Module, int]:
        if self.library == "torchvision":
            return torchvision_base(self.architecture, height, width)
        try:
            import timm
        except ImportError as error:
            raise missing_extra() from error
        name, *_ = self.architecture.split(".")
        if not timm.is_model(name):
            raise OptionError(
                f"timm has no network `{self.architecture}`",
                where="model.architecture",
                allowed="names of timm.list_models(), with a tag of theirs or without",
            )
        config = timm.models.get_pretrained_cfg(self.architecture)
        sized = {"img_size": (height, width)} if config and config.fixed_input_size else {}
        base = timm.create_model(self.architecture, num_classes=0, **sized)
        with torch.no_grad():
            numbers = base.eval()(torch.zeros(1, 3, height, width)).shape[1]
        return base, int(numbers)

    def _torchvision_source(self) -> str | WeightsFile:
        if isinstance(self.weights, LocalFile):
            return WeightsFile(file=self.weights.file, sha256=self.weights.sha256)
        if isinstance(self.weights, str):
            return self.weights
        raise OptionError(
            "an address or a repository was given for a network of torchvision",
            where=_WEIGHTS,
            allowed=f"{FRESH}, torchvision's name of weights, or {{file, sha256}}",
        )

    def _take_timm_weights(self, network: "FineTuning") -> None:
        from skiagram.encoders.timm_encoder import take_weights as take_as_timm_does

        path = locate_weights(cast(LocalFile | WebFile | HubFile, self.weights), _WEIGHTS)
        height, width = network.size
        colour, _ = self._base(height, width)  # timm's own rules are for three channels
        take_as_timm_does(colour, read_tensors(path), self.architecture, str(path))
        take_weights(network.base, colour.state_dict(), _WEIGHTS)


class FineTuning(Transfer):
    """A base of layers that learn at rates of their own, and a head that learns from the first.

    Layers below those that learn take no gradient, and their batch normalisation keeps the means
    and deviations it came with.

    Args:
        base: Maps images to (n, numbers).
        head: Maps these numbers to (n, n_classes) logits.
        frozen_epochs: Epochs before the base learns as well; None: it never does.
        repeated: Whether the base reads three channels where images have one.
        last_blocks: How many of its last layers learn; None: all.
        layer_decay: Rate of a layer as a share of the next one's.
        size: Height and width of the images.

    Raises:
        ValueError: The base has fewer layers than are to learn.
    """

    def __init__(
        self,
        base: nn.Module,
        head: nn.Module,
        frozen_epochs: int | None,
        *,
        repeated: bool,
        last_blocks: int | None,
        layer_decay: float,
        size: tuple[int, int],
    ) -> None:
        super().__init__(base, head, frozen_epochs, repeated=repeated)
        self.size, self._decay = size, layer_decay
        layers = layer_names(base)
        learning = len(layers) if last_blocks is None else last_blocks
        if learning > len(layers):
            raise ValueError(f"last_blocks of at most {len(layers)}, the layers it has")
        self._fixed = [name for names in layers[: len(layers) - learning] for name in names]
        self._learning = layers[len(layers) - learning :]
        if self._fixed:
            learning_names = tuple(f"{name}." for names in self._learning for name in names)
            for name, parameter in base.named_parameters():
                if not name.startswith(learning_names):
                    parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> "FineTuning":
        """Choose training or inference; layers that do not learn stay in inference."""
        super().train(mode)
        for name in self._fixed:
            self.base.get_submodule(name).eval()
        return self

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Return the share of the learning rate of each part that learns, the head first."""
        parts = [(1.0, list(self.head.parameters()))]
        taken: set[str] = set()
        own = [
            (name, parameter)
            for name, parameter in self.base.named_parameters()
            if parameter.requires_grad
        ]
        for above, names in enumerate(reversed(self._learning), start=1):
            prefixes = tuple(f"{name}." for name in names)
            last = above == len(self._learning)  # takes what stands in no layer, as positions do
            part = [
                (name, parameter)
                for name, parameter in own
                if name not in taken and (last or name.startswith(prefixes))
            ]
            taken |= {name for name, _ in part}
            if part:
                parts.append((self._decay**above, [parameter for _, parameter in part]))
        return parts


def layer_names(network: nn.Module) -> list[list[str]]:
    """Return the layers of a network from the images on, each as the names of its modules.

    Sequences are taken apart, and modules that hold a sequence of equal blocks, down to blocks and
    plain layers; a normalisation belongs to what stands before it. Parameters of no layer, such as
    learned positions, count to the first.
    """
    layers: list[list[str]] = []
    for name, module in _parts(network, ""):
        if layers and _normalises(module):
            layers[-1].append(name)
        else:
            layers.append([name])
    return layers


def _parts(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        if next(child.parameters(), None) is None:
            continue
        if _holds_layers(child):
            yield from _parts(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child


def _holds_layers(module: nn.Module) -> bool:
    if isinstance(module, nn.Sequential | nn.ModuleList):
        parts = [child for child in module if next(child.parameters(), None) is not None]
        own_layers = [child for child in parts if not _normalises(child)]
        return len(own_layers) >= _SEVERAL or any(_holds_layers(child) for child in parts)
    return any(_is_stack(child) for child in module.children())


def _is_stack(module: nn.Module) -> bool:
    if not isinstance(module, nn.Sequential | nn.ModuleList):
        return False
    kinds = {type(child) for child in module}
    plain = any(issubclass(kind, nn.Sequential) for kind in kinds)
    return len(module) >= _SEVERAL and len(kinds) == 1 and not plain


def _normalises(module: nn.Module) -> bool:
    return "Norm" in type(module).__name__ and next(module.children(), None) is None
