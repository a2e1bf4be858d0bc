"""What every network offers. A new network is one file here and one config.

A network reads images or volumes; one that also has `columns` reads a table beside them.
"""

from typing import Protocol, runtime_checkable

from torch import nn

from skiagram.training.classifier import Classifier
from skiagram.training.data import Examples
from skiagram.training.options import Training


class Trained(Protocol):
    """The options dataclass of a network: its name for people and how it is trained."""

    @property
    def title(self) -> str: ...

    @property
    def training(self) -> Training: ...


class Network(Trained, Protocol):
    """A network that sees images alone."""

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build a freshly initialised network from (n, *shape) to logits.

        Its weights are drawn from torch's global generator.

        Args:
            shape: (channels, height, width) of an image, or (channels, depth, height, width).

        Raises:
            ModelFailure: The network is not defined for such images.
        """


@runtime_checkable
class ReadsTable(Trained, Protocol):
    """A network that sees covariates beside the image."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Return the covariates to read, in order; None takes every numeric one."""

    def build(self, shape: tuple[int, ...], n_classes: int, columns: int) -> nn.Module:
        """Build a freshly initialised network from images and a table to logits.

        It takes (n, *shape) and (n, columns): numbers without gaps, each of mean 0 and deviation 1
        over the training cases.
        """


AnyNetwork = Network | ReadsTable


@runtime_checkable
class StartsFromWeights(Protocol):
    """A network that does not start from fresh weights alone."""

    def load_weights(self, network: nn.Module) -> None:
        """Give a freshly built network the weights it starts from."""


@runtime_checkable
class StartsFromCases(Protocol):
    """A network of which a part is fitted to the training cases before it is trained."""

    def begin_from(self, classifier: Classifier, training: Examples) -> None:
        """Change a network that has its first weights in place, by the training cases."""


@runtime_checkable
class FinishesItself(Protocol):
    """A network that something is done to once it is trained."""

    def finish(self, classifier: Classifier, *fitted_on: Examples) -> None:
        """Change a trained network in place, by the training and validation cases of its fit."""
