"""Encoders of timm, the library of image networks (Wightman 2019): any of its architectures.

timm's own rules bring weights of other programs into its form, such as those of the authors of
DINOv2 and DINOv3 and the image towers of OpenCLIP. How images are prepared comes from the data
config that timm keeps beside each set of weights, unless an option says otherwise.
"""

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Annotated, Any, Literal, cast

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from skiagram.encoders.encoder import (
    WEIGHTS,
    LoadedNetwork,
    PictureEncoder,
    Preprocessing,
    PublishedEncoder,
)
from skiagram.encoders.weights import (
    encoders_extra,
    give_weights,
    read_tensors,
    unfit_weights,
)
from skiagram.errors import OptionError
from skiagram.options import STRICT
from skiagram.records.files import sha256_of

Pooling = Literal["head", "class_token", "patches", "class_token_and_patches"]


@dataclass(**STRICT)
class TimmEncoder(PictureEncoder, PublishedEncoder):
    """A network of timm's with weights from a file, an address or the Hugging Face hub.

    Attributes:
        architecture: timm's name, with the tag of the weights after a dot where it has one: the
            tag tells how images are prepared.
        arguments: Of the architecture, where the weights need others than timm's own.
        pooling: What is kept of the last layer: `head`, what timm gives to a classifier;
            `class_token`; `patches`, the mean over the places of the picture; or both.
        layers: How many last layers are kept, one after the other.
    """

    architecture: str
    arguments: dict[str, Any]
    pooling: Pooling
    layers: Annotated[int, Field(ge=1)]

    def load(self) -> LoadedNetwork:
        with _named_refusals(self.architecture):
            how, channels = self._prepared()
        path = self.weights.locate(WEIGHTS)
        with _named_refusals(self.architecture):
            body = self._build(how.size or 0)
        give_timm_weights(body, read_tensors(path), self.architecture, str(path))
        network = PooledNetwork(body, self.pooling, self.layers).eval().requires_grad_(False)
        with _named_refusals(self.architecture), torch.inference_mode():
            numbers = network(torch.zeros(1, channels, how.size or 0, how.size or 0)).shape[1]
        return LoadedNetwork(network, channels, int(numbers), sha256_of(path), how)

    def _prepared(self) -> tuple[Preprocessing, int]:
        """Return the preprocessing without nulls, and how many channels the network reads."""
        timm = _timm()
        config = timm.models.get_pretrained_cfg(self.architecture)
        if config is None:
            raise RuntimeError("unknown")
        published = timm.data.resolve_data_config(pretrained_cfg=config.to_dict())
        channels = int(self.arguments.get("in_chans", published["input_size"][0]))
        mean, std = published["mean"], published["std"]
        if channels == 1 and len(mean) > 1:
            mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
        how = self.preprocessing
        how = replace(
            how,
            size=how.size or int(published["input_size"][-1]),
            interpolation=how.interpolation or published["interpolation"],
            mean=how.mean or tuple(mean),
            std=how.std or tuple(std),
        )
        how.check_channels(channels)
        return how, channels

    def _build(self, size: int) -> nn.Module:
        timm = _timm()
        arguments = {"num_classes": 0, **self.arguments}
        config = timm.models.get_pretrained_cfg(self.architecture)
        if config.fixed_input_size and size != config.input_size[-1]:
            arguments.setdefault("img_size", size)
        return cast(nn.Module, timm.create_model(self.architecture, **arguments))


class PooledNetwork(nn.Module):
    """A network of timm's whose last layers become one row of numbers a picture.

    Raises:
        OptionError: The network has no class token, or no such layers.
    """

    def __init__(self, body: nn.Module, pooling: Pooling, layers: int) -> None:
        super().__init__()
        self.body, self.pooling, self.layers = body, pooling, layers
        self.prefix = int(getattr(body, "num_prefix_tokens", 0))
        has_token = self.prefix > 0 and getattr(body, "cls_token", None) is not None
        if "class_token" in pooling and not has_token:
            raise OptionError(
                "this network has no class token",
                where="encoder.pooling",
                allowed="head or patches",
            )
        if layers > 1 and (pooling == "head" or not hasattr(body, "forward_intermediates")):
            raise OptionError(
                f"{layers} layers with pooling `{pooling}`",
                where="encoder.layers",
                allowed="1; more with class_token or patches, where timm gives inner layers",
            )

    def forward(self, pictures: Tensor) -> Tensor:
        if self.pooling == "head":
            return cast(Tensor, self.body(pictures))
        return torch.cat([self._pooled(*layer) for layer in self._layers(pictures)], dim=1)

    def _layers(self, pictures: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Yield (n, places, width) of each layer, and its (n, tokens, width) before them."""
        body = cast(Any, self.body)
        if self.layers == 1:
            features = body.forward_features(pictures)
            if features.ndim == 3:
                yield features[:, self.prefix :], features[:, : self.prefix]
            else:
                first = features.shape[1] == body.num_features
                yield (features.flatten(2).mT if first else features.flatten(1, 2)), None
            return
        known = inspect.signature(body.forward_intermediates).parameters
        wanted = {"return_prefix_tokens": True} if "return_prefix_tokens" in known else {}
        layers = body.forward_intermediates(
            pictures,
            indices=self.layers,
            norm="norm" in known and self.prefix > 0,
            output_fmt="NCHW",
            intermediates_only=True,
            **wanted,
        )
        for layer in layers:
            places, tokens = layer if isinstance(layer, tuple | list) else (layer, None)
            yield places.flatten(2).mT, tokens

    def _pooled(self, places: Tensor, tokens: Tensor | None) -> Tensor:
        pooled = []
        if "class_token" in self.pooling and tokens is not None:
            pooled.append(tokens[:, 0])
        if "patches" in self.pooling:
            pooled.append(places.mean(dim=1))
        return torch.cat(pooled, dim=1)


def give_timm_weights(
    body: nn.Module, tensors: dict[str, Tensor], architecture: str, file: str
) -> None:
    """Give a network of timm's the weights of a file, all of them."""
    convert = getattr(sys.modules[type(body).__module__], "checkpoint_filter_fn", None)
    try:
        weights = dict(convert(tensors, body) if convert else tensors)
    except Exception as error:  # what a conversion of another network's weights raises
        raise unfit_weights(architecture, file, f"{type(error).__name__}: {error}") from error
    classifier = getattr(body, "pretrained_cfg", {}).get("classifier") or ()
    heads = (classifier,) if isinstance(classifier, str) else tuple(classifier)
    give_weights(body, weights, architecture, file, heads)


def _timm() -> ModuleType:
    with encoders_extra():
        import timm as library
    module: ModuleType = library
    return module


@contextmanager
def _named_refusals(architecture: str) -> Iterator[None]:
    """Name what timm refuses: an unknown architecture, or arguments that it does not have."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError, AssertionError, AttributeError) as error:
        known = architecture.split(".")[0] in _timm().list_models()
        raise OptionError(
            f"timm cannot build `{architecture}` ({' '.join(str(error).split())[:200]})",
            where="encoder.arguments" if known else "encoder.architecture",
            allowed="" if known else "names of timm.list_models(), with a tag of theirs or without",
            remedy="correct `arguments` or `preprocessing.size`" if known else "",
        ) from error
