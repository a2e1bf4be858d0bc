"""A torchvision classifier without its last layer, and the weights that others trained it to."""

from collections.abc import Callable
from typing import Any, cast

from torch import nn

from skiagram.errors import OptionError
from skiagram.models.deep.transfer import cut_last_layer, take_weights
from skiagram.models.deep.weights import Source, state_dict

# These return more than logits while they train, or end in a convolution.
_UNLIKE = ("googlenet", "inception_v3", "squeezenet1_0", "squeezenet1_1")


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
    base: nn.Module, architecture: str, source: Source, where: str = "model.weights"
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
    weights = state_dict(architecture, source, where)
    if weights is None:
        return
    left_out = [name for name, one in base.named_modules() if isinstance(one, nn.Identity)]
    kept = {
        name: value for name, value in weights.items() if name.rpartition(".")[0] not in left_out
    }
    take_weights(base, kept, where)


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
