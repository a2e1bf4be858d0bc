"""A network that carries the normalisation of its training images."""

from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@runtime_checkable
class Staged(Protocol):
    """A network of which a part learns only after `frozen_epochs`; None: it never does."""

    frozen_epochs: int | None

    def begin_epoch(self, epoch: int) -> None:
        """Take the state that belongs to an epoch, counted from 0."""


@runtime_checkable
class RatedLayers(Protocol):
    """A network whose parts learn at rates of their own."""

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Return the share of the learning rate of each part; the first has all of it."""


class Classifier(nn.Module):
    """Normalises images by the training set's (channels,) mean and deviation, then scores them.

    `planes` gives the network the three planes through a volume's centre, as images of three times
    the channels.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self, network: nn.Module, mean: Tensor, deviation: Tensor, *, planes: bool = False
    ) -> None:
        """Take the network and the (channels,) moments of its training images.

        They are buffers: they go to the device and into the file of weights with the network.
        """
        super().__init__()
        self.network = network
        self._planes = planes
        self.register_buffer("mean", mean.reshape(-1, 1, 1))
        self.register_buffer("deviation", deviation.reshape(-1, 1, 1))

    def forward(self, images: Tensor, *table: Tensor) -> Tensor:
        """Normalise images and score them.

        Args:
            images: (n, channels, [depth,] height, width) as stored.
            table: (n, columns), which is normalised already; none for networks on images.

        Returns:
            (n, n_classes) logits.
        """
        by_channel = (-1, *[1] * (images.ndim - 2))
        mean, deviation = self.mean.view(by_channel), self.deviation.view(by_channel)
        # Divided in place: a batch of volumes is large.
        normalised = (images - mean).div_(deviation)
        if self._planes:
            normalised = three_planes(normalised)
        return cast(Tensor, self.network(normalised, *table))


def three_planes(volumes: Tensor) -> Tensor:
    """Cut the planes through the centre of (n, channels, side, side, side) as one image.

    They are rows by columns, slices by columns, slices by rows: (n, 3 × channels, side, side).
    """
    depth, height, width = (side // 2 for side in volumes.shape[2:])
    planes = volumes[:, :, depth], volumes[:, :, :, height], volumes[:, :, :, :, width]
    return torch.cat(planes, dim=1)


def parameter_count(module: nn.Module) -> int:
    """Count the numbers of a network that learn; those of frozen layers are not among them."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def multiply_adds(module: nn.Module, shape: tuple[int, ...], columns: int = 0) -> int:
    """Count the multiply–add operations of convolutions and matrix products for one case.

    A network that PyTorch cannot count as it runs is counted in the plain way: attention without
    its fused kernels, recurrent layers by their matrices.

    Args:
        module: On the CPU, of any state, in which it is left.
        shape: (channels, [depth,] height, width).
        columns: Numbers of the table that the network reads; 0 where it reads none.
    """
    # The network is left as it was found, in its mode too.
    training, fused = module.training, torch.backends.mha.get_fastpath_enabled()
    counted = {torch.ops.aten.mkldnn_rnn_layer: _recurrent_operations}
    counter = FlopCounterMode(display=False, custom_mapping=counted)
    try:
        # Of attention that runs as one operation nothing could be counted.
        torch.backends.mha.set_fastpath_enabled(False)
        # Nor does every release of PyTorch count the fused product of queries, keys and values.
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
            module.eval()
            module(torch.zeros(1, *shape), *([torch.zeros(1, columns)] if columns else []))
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        module.train(training)
    return int(counter.get_total_flops()) // 2


def _recurrent_operations(
    steps: torch.Size, entering: torch.Size, recurrent: torch.Size, *_: object, **_options: object
) -> int:
    """Count a recurrent layer that oneDNN runs as one operation, which PyTorch does not count."""
    times, cases, _width = steps
    return 2 * times * cases * (entering.numel() + recurrent.numel())
