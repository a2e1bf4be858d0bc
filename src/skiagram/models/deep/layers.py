"""Layers, first weights and checks of image sizes that several networks share."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad
from torch.overrides import TorchFunctionMode

from skiagram.errors import refusal
from skiagram.strict import OneOrMore

Widths = Annotated[tuple[OneOrMore, ...], Field(min_length=1)]  # maps of each stage

# The most channels that oneDNN computes at a time (with AVX-512; 8 with AVX2).
_ONEDNN_BLOCK = 16
_QUICK_COLUMNS = 3  # of a kernel, of which oneDNN computes the gradient quickly


def sides_of_image(network: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Split the shape of what a network sees into channels, height and width; volumes are refused.

    Args:
        network: Its title, to be named.
        shape: (channels, height, width).

    Raises:
        ModelFailure: It is that of volumes.
    """
    if len(shape) > 3:
        raise refusal("models.volumes", network, sides=shape[1:])
    channels, height, width = shape
    return channels, height, width


def check_patches(network: str, patch_size: int, height: int, width: int) -> tuple[int, int]:
    """Count how many patches an image has down and across.

    Args:
        network: Its name, to be named.
        patch_size: Side of a patch in pixels.
        height: Of the image.
        width: Of the image.

    Raises:
        ModelFailure: Patches do not divide a side.
    """
    if height % patch_size or width % patch_size:
        raise refusal(
            "models.patches_of_image",
            network,
            height=height,
            width=width,
            patch_size=patch_size,
        )
    return height // patch_size, width // patch_size


def check_smallest_side(
    network: str, height: int, width: int, smallest: int, needed_for: str = "", remedy: str = ""
) -> None:
    """Refuse images of which a network leaves nothing to classify.

    Args:
        network: Its name, to be named.
        height: Of the images.
        width: Of the images.
        smallest: Side that it needs, pixels.
        needed_for: What needs it, in words that follow the side.
        remedy: What helps beside larger images, in words that follow that.

    Raises:
        ModelFailure: A side is shorter.
    """
    if min(height, width) < smallest:
        raise refusal(
            "models.small_images",
            network,
            height=height,
            width=width,
            smallest=smallest,
            needed_for=needed_for,
            remedy=remedy,
        )


class GlobalAveragePool(nn.Module):
    """Mean over all places; unlike adaptive pooling its gradient is deterministic on a GPU."""

    def forward(self, maps: Tensor) -> Tensor:
        """Turn (n, channels, [depth,] height, width) into (n, channels)."""
        return maps.mean(dim=tuple(range(2, maps.ndim)))


def convolution(
    entering: int, maps: int, side: int = 3, stride: int = 1, axes: Literal[2, 3] = 2
) -> list[nn.Module]:
    """Build a convolution that keeps the sides at stride 1, and its batch normalisation.

    Weights are drawn after He et al. 2015; there is no bias, as the normalisation has one.

    Args:
        entering: Maps that enter it.
        maps: Maps that leave it.
        side: Of the kernel, odd.
        stride: By which the sides are divided, rounded up.
        axes: 2 for images, 3 for volumes.
    """
    kind, norm = (nn.Conv2d, nn.BatchNorm2d) if axes == 2 else (nn.Conv3d, nn.BatchNorm3d)
    layer = kind(entering, maps, side, stride, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return [layer, norm(maps)]


def halving_rectifier(axes: Literal[2, 3] = 2) -> list[nn.Module]:
    """Build a max pooling that halves the sides, and the rectifier of what came before it.

    Of several values the rectified maximum is the maximum of the rectified ones, and its gradient
    too: in this order a quarter of the maps is rectified, or an eighth, to the same bits.

    Args:
        axes: 2 for images, whose odd last row is dropped; 3 for volumes, whose is kept.
    """
    pooling = nn.MaxPool2d(2) if axes == 2 else nn.MaxPool3d(2, ceil_mode=True)
    return [pooling, nn.ReLU(inplace=True)]


def has_narrow_stride(network: nn.Module) -> bool:
    """Tell whether a 1 × 1 convolution with a stride takes in fewer than 16 maps.

    With the channels of a pixel side by side, its backward pass in oneDNN (3.13, of PyTorch 2.15)
    writes beyond its memory (oneDNN, issue 6035): a crash, or wrong weights.
    """
    return any(
        isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (1, 1)
        and max(layer.stride) > 1
        and layer.in_channels < _ONEDNN_BLOCK
        for layer in network.modules()
    )


class _EachChannel(torch.autograd.Function):
    """A convolution of each channel by itself, with a quick gradient of its weights."""

    @staticmethod
    def forward(
        ctx: Any, images: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
    ) -> Tensor:
        """Convolve as PyTorch does, and keep what the gradient needs.

        Args:
            ctx: Carries it to the backward pass.
            images: (n, channels, height, width).
            weight: (channels, 1, rows, columns), a kernel a channel.
            stride: Down and across.
            padding: Down and across, zeros.
        """
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding = stride, padding
        return conv2d(images, weight, None, stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Compute the gradients of images and weights, of weights three columns at a time.

        Returns:
            Those of `images` and `weight`; None for stride and padding, which have none.
        """
        images, weight = ctx.saved_tensors
        (down, across), reach = ctx.padding, ctx.stride[1] * (gradients[0].shape[3] - 1)

        def pull(seen: Tensor, kernel: Tensor, padding: Sequence[int], *asked: bool) -> Any:
            sizes = (ctx.stride, padding, (1, 1), False, (0, 0), len(weight), (*asked, False))
            return torch.ops.aten.convolution_backward(*gradients, seen, kernel, None, *sizes)

        # Columns of the kernel three by three, each on the columns of the images that it meets;
        # rows that are padded beforehand are quick where the kernel is higher than the image.
        within = down if images.shape[2] >= weight.shape[2] else 0
        padded = pad(images, (across, across, down - within, down - within))
        columns = []
        for start in range(0, weight.shape[3], _QUICK_COLUMNS):
            kernel = weight[..., start : start + _QUICK_COLUMNS]
            met = padded.narrow(3, start, reach + kernel.shape[3])
            columns.append(pull(met, kernel, (within, 0), False, True)[1])
        of_images = pull(images, weight, ctx.padding, ctx.needs_input_grad[0], False)[0]
        return of_images, torch.cat(columns, dim=3), None, None


class QuickGradients(TorchFunctionMode):
    """Has wide convolutions of each channel by itself learn quickly on a processor.

    oneDNN (3.13) computes the gradient of their weights up to forty times as fast where a kernel
    has three columns at most. Values differ by rounding.
    """

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Hand wide convolutions of each channel by itself to `_EachChannel`."""
        if function is conv2d and not kwargs:
            images, weight, bias, stride, padding, dilation, groups = args
            alone = groups == len(weight) == images.shape[1] and dilation == (1, 1)
            wide = weight.shape[3] > _QUICK_COLUMNS and isinstance(padding, tuple)
            learns = weight.requires_grad and weight.device.type == "cpu" and bias is None
            if alone and wide and learns:
                return _EachChannel.apply(images, weight, stride, padding)
        return function(*args, **(kwargs or {}))


def glorot_uniform(layer: nn.Module) -> None:
    """Draw a layer's weights as Keras does: uniform after Glorot & Bengio 2010, biases 0."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def last_layer(network: nn.Module) -> nn.Linear:
    """Find the linear layer that a network ends in, in the order in which layers were made."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear)][-1]


def cut_last_layer(network: nn.Module) -> int:
    """Put nothing in the place of the last linear layer.

    Args:
        network: Changed in place; it then gives what entered that layer.

    Returns:
        How many numbers that are.
    """
    last = last_layer(network)
    name = next(name for name, module in network.named_modules() if module is last)
    network.set_submodule(name, nn.Identity())
    return last.in_features
