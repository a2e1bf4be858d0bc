"""A base that others trained under a new head, and the ways from one channel into three."""

from typing import Literal, cast

import torch
from torch import Tensor, nn

from skiagram.errors import DataError, ModelFailure

Gray = Literal["repeat", "sum"]


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
        self.base = base
        self.head = head
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


def adapt_channels(base: nn.Module, channels: int, gray: Gray, where: str) -> bool:
    """Make a base of three channels fit the images; say whether these must be repeated.

    Under `sum` the first layer's filters are added up over the channels, which gives what three
    equal channels give, at a third of that layer's work.

    Args:
        base: A network on three channels; its first convolution may be replaced.
        channels: Of the images.
        gray: `repeat` or `sum`, for images of one channel.
        where: Name of the network, for messages.

    Raises:
        ModelFailure: Images have neither one channel nor three.
    """
    if channels not in (1, 3):
        raise ModelFailure(f"images of {channels} channels", where=where, allowed="1 or 3 channels")
    if channels == 1 and gray == "sum":
        name = first_convolution(base)
        colour = cast(nn.Conv2d, base.get_submodule(name))
        one = nn.Conv2d(
            1,
            colour.out_channels,
            cast(tuple[int, int], colour.kernel_size),
            cast(tuple[int, int], colour.stride),
            cast(tuple[int, int], colour.padding),
            bias=colour.bias is not None,
        )
        one.load_state_dict(_summed(colour.state_dict(), "weight"))
        base.set_submodule(name, one)
    return channels == 1 and gray == "repeat"


def cut_last_layer(network: nn.Module) -> int:
    """Put nothing in the place of the last linear layer; return how many numbers entered it."""
    last = last_layer(network)
    name = next(name for name, one in network.named_modules() if one is last)
    network.set_submodule(name, nn.Identity())
    return last.in_features


def last_layer(network: nn.Module) -> nn.Linear:
    """Return the linear layer that a network ends in."""
    return [one for one in network.modules() if isinstance(one, nn.Linear)][-1]


def first_convolution(base: nn.Module) -> str:
    """Return the name of the layer that reads the image."""
    names: list[str] = [name for name, one in base.named_modules() if isinstance(one, nn.Conv2d)]
    return names[0]


def take_weights(base: nn.Module, weights: dict[str, Tensor], where: str) -> None:
    """Give a base the weights of three-channel images; its first layer may read one channel.

    Raises:
        DataError: They are those of another architecture or of another image size.
    """
    weight = f"{first_convolution(base)}.weight"
    if weight in weights and base.state_dict()[weight].shape[1] == 1:
        weights = _summed(weights, weight)
    try:
        base.load_state_dict(weights)
    except RuntimeError as error:
        raise DataError(
            f"these weights do not fit ({' '.join(str(error).split())[:300]})",
            where=where,
            remedy="choose those of this architecture, and its training.image_size",
        ) from error


def _summed(weights: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return weights | {name: weights[name].sum(dim=1, keepdim=True)}
