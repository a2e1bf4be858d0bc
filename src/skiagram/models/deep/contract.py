"""What every network offers. A new network is one file here and one option file."""

from typing import Protocol, runtime_checkable

from torch import nn

from skiagram.training.options import Training


class Network(Protocol):
    """The options dataclass of a network: its architecture and how it is trained."""

    @property
    def title(self) -> str:
        """Return the name for people."""

    @property
    def training(self) -> Training:
        """Return how the network is trained."""

    def build(self, channels: int, height: int, width: int, n_classes: int) -> nn.Module:
        """Return a freshly initialised network from (n, channels, height, width) to logits.

        Its weights are drawn from torch's global generator.

        Raises:
            ModelFailure: The network is not defined for such images.
        """


@runtime_checkable
class StartsFromWeights(Protocol):
    """A network that does not start from fresh weights alone."""

    def load_weights(self, network: nn.Module) -> None:
        """Give a freshly built network the weights it starts from.

        Raises:
            OptionError: No weights have that name.
            DataError: They cannot be had, or belong to another network.
        """
