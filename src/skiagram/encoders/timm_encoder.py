"""Encoders of timm, the library of image networks (Wightman 2019): any of its architectures.

The last layers of a network describe a picture, or maps of several depths describe it and places in
it. timm's own rules bring weights of other programs into its form, such as those of the authors of
DINOv2 and DINOv3 and the image towers of OpenCLIP. How images are prepared comes from the data
config that timm keeps beside each set of weights, unless an option says otherwise.
"""

import hashlib
import inspect
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Self, cast

import numpy as np
import torch
from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d, max_pool2d
from torch.nn.utils.fusion import fuse_conv_bn_weights

from skiagram.arrays import Floats, Singles
from skiagram.compute.files import sha256_of
from skiagram.encoders.encoder import (
    SMALL,
    WEIGHTS,
    LoadedNetwork,
    Placement,
    Preprocessing,
    Volumes,
    pictures,
    pixel_ratio,
    read_picture,
    square,
)
from skiagram.encoders.weights import (
    LocalFile,
    Sha256,
    Source,
    encoders_extra,
    give_weights,
    one_line,
    read_tensors,
    unfit_weights,
)
from skiagram.errors import refusal
from skiagram.images import Image, Region, Spacing, is_volume
from skiagram.strict import STRICT, OneOrMore, ZeroOrMore

_COLOURS = 3
_KEPT = "weights"  # name of their file, without its ending, in a model's folder
Pooling = Literal["head", "class_token", "patches", "class_token_and_patches"]


@dataclass(**STRICT)
class Encoder(ABC):
    """A frozen network of timm's on pictures, with all that belongs to its use.

    Attributes:
        title: Name for people.
        licence: Of the weights.
        citation: Of the weights.
        preprocessing: How a picture becomes what the network reads.
        volumes: Which pictures of a volume it sees.
        batch_size: Pictures at once.
        precision: Numbers that the network computes with on an accelerator or a processor; `bf16`
            is faster where the machine has it and changes late digits.
        weights: Where they are from: a file, a package or the Hugging Face hub.
        architecture: timm's name, with the tag of the weights after a dot where it has one: the
            tag tells how images are prepared.
        arguments: Of the architecture, where the weights need others than timm's own.
        tensors_sha256: SHA-256 of the weights as the network has them; null for weights that need
            no other names.
    """

    title: str
    licence: str
    citation: str
    preprocessing: Preprocessing
    volumes: Volumes
    batch_size: OneOrMore
    precision: Literal["fp32", "bf16"]
    weights: Source
    architecture: str
    arguments: dict[str, Any]
    tensors_sha256: Sha256 | None = Field(default=None, kw_only=True)

    def load(self) -> LoadedNetwork:
        """Load the network with its weights."""
        timm = _timm()
        with _named_refusals(self.architecture):
            # What the preprocessing leaves open is as timm says of the weights.
            config = timm.models.get_pretrained_cfg(self.architecture)
            if config is None:
                raise RuntimeError("unknown")
            published = timm.data.resolve_data_config(pretrained_cfg=config.to_dict())
            channels = int(self.arguments.get("in_chans", published["input_size"][0]))
            # For grey images the mean of what the colours have.
            mean, std = published["mean"], published["std"]
            if channels == 1 and len(mean) > 1:
                mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
            # The options come first, then what timm says.
            how = self.preprocessing
            size = how.size or int(published["input_size"][-1])
            how = replace(
                how,
                size=size,
                interpolation=how.interpolation or published["interpolation"],
                mean=how.mean or tuple(mean),
                std=how.std or tuple(std),
            )
            # As many means and deviations as the network has channels, or one for all.
            for name, values in (("mean", how.mean or ()), ("std", how.std or ())):
                if len(values) not in (1, channels):
                    raise refusal(
                        "encoders.values_of_channels",
                        f"encoder.preprocessing.{name}",
                        number=len(values),
                        channels=channels,
                    )
        # Weights of the file under the network's own names.
        path = self.weights.locate(WEIGHTS)
        with _named_refusals(self.architecture):
            body = build_timm_network(self.architecture, (size, size), self.arguments)
        give_timm_weights(body, read_tensors(path), self.architecture, str(path))
        # The digest is of the tensors by their names, kinds, shapes and values.
        digest = hashlib.sha256()
        for name, tensor in sorted(body.state_dict().items()):
            array = tensor.detach().cpu().contiguous().numpy()
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.tobytes())
        if self.tensors_sha256 not in (None, digest.hexdigest()):
            why = "as named here they have another SHA-256"
            raise unfit_weights(self.architecture, str(path), why)
        return self._loaded(body.eval().requires_grad_(False), channels, sha256_of(path), how)

    def keep(self, folder: Path) -> None:
        """Write the weights to a new folder, unless they are larger than `SMALL`."""
        path = self.weights.locate(WEIGHTS)
        if path.stat().st_size <= SMALL:
            folder.mkdir(parents=True)
            shutil.copyfile(path, folder / f"{_KEPT}{path.suffix}")

    def kept(self, folder: Path, sha256: str) -> Self:
        """Give the encoder the weights that `keep` wrote, else its own of a checksum.

        Args:
            folder: Where `keep` may have written them.
            sha256: Checksum of the file, as the record has it.
        """
        files = sorted(folder.glob(f"{_KEPT}.*")) if folder.is_dir() else []
        if files:
            return replace(self, weights=LocalFile(file=str(files[0]), sha256=sha256))
        return replace(self, weights=replace(self.weights, sha256=sha256))

    def see(
        self, image: Image, region: Region | None, spacing: Spacing | None, channels: int
    ) -> list[Tensor]:
        """Prepare what the network reads of an image: one tensor, or several of a volume.

        Args:
            image: (height, width[, channels]) or (depth, height, width, 1), of 0 to 1.
            region: Its region of interest; None for all of it.
            spacing: Of its pixels, mm; None where unknown.
            channels: That the network reads.

        Returns:
            (channels, size, size) float32 each.
        """
        how = self.preprocessing
        views = pictures(image, region, spacing, self.volumes, how.margin)
        return [read_picture(view, ratio, channels, how) for view, ratio in views]

    @abstractmethod
    def _loaded(
        self, body: nn.Module, channels: int, sha256: str, how: Preprocessing
    ) -> LoadedNetwork:
        """Make what makes numbers of the network that has its weights.

        Args:
            body: The network, frozen.
            channels: That it reads.
            sha256: Of the file of weights.
            how: Preprocessing without nulls.
        """


@dataclass(**STRICT)
class TimmEncoder(Encoder):
    """A network of timm's whose last layers describe a picture.

    Attributes:
        pooling: What is kept of the last layer: `head`, what timm gives to a classifier;
            `class_token`; `patches`, the mean over the places of the picture; or both.
        layers: How many last layers are kept, one after the other.
    """

    pooling: Pooling
    layers: OneOrMore

    def _loaded(
        self, body: nn.Module, channels: int, sha256: str, how: Preprocessing
    ) -> LoadedNetwork:
        network = PooledNetwork(body, self.pooling, self.layers).eval()
        with _named_refusals(self.architecture), torch.inference_mode():
            numbers = network(torch.zeros(1, channels, how.size or 0, how.size or 0)).shape[1]
        return LoadedNetwork(network, channels, int(numbers), sha256, how)


@dataclass(**STRICT)
class Depth:
    """Maps of one depth of a network, and how much of them describes a place.

    Attributes:
        stage: Number of the maps in timm's order, from 0; deeper ones are coarser.
        cells: Side of the square of cells around a place, an odd number.
    """

    stage: ZeroOrMore
    cells: OneOrMore

    @field_validator("cells")
    @classmethod
    def _odd(cls, cells: int) -> int:
        if cells % 2 == 0:
            raise ValueError("`cells` must be odd: a place stands in the middle")
        return cells


@dataclass(**STRICT)
class TimmMaps(Encoder):
    """A network of timm's whose maps of several depths keep places (Long et al. 2015).

    Each map is pooled to its mean and its maximum: over the image, over its region where there is
    one, or over the cells around a place. The network looks once at an image, however many places
    are described. Of a volume it sees the slices that places lie in.

    Attributes:
        depths: Which maps are kept; columns are called `encoding_stage_<stage>_…`.
        mirrored: Whether the numbers are means of those of the picture and of its mirror image,
            left and right exchanged. The network then looks twice.
    """

    depths: Annotated[tuple[Depth, ...], Field(min_length=1)]
    mirrored: bool = Field(default=False, kw_only=True)

    def _loaded(
        self, body: nn.Module, channels: int, sha256: str, how: Preprocessing
    ) -> LoadedNetwork:
        # A first look tells the widths of the maps.
        with _named_refusals(self.architecture):
            stages = tuple(depth.stage for depth in self.depths)
            network = MapPooling(body, stages, mirrored=self.mirrored).eval()
            with torch.inference_mode():
                maps = network.maps(torch.zeros(1, channels, how.size or 0, how.size or 0))
        # Each depth gives means, then maxima, of all its channels.
        parts = tuple(
            (f"stage_{depth.stage}_{pooled}", int(level.shape[1]))
            for depth, level in zip(self.depths, maps, strict=True)
            for pooled in ("mean", "maximum")
        )
        numbers = sum(length for _, length in parts)
        return LoadedNetwork(network, channels, numbers, sha256, how, parts)

    def see(
        self, image: Image, region: Region | None, spacing: Spacing | None, channels: int
    ) -> list[Tensor]:
        """Prepare what the network reads, and as the last channel where it is pooled.

        Returns:
            (channels + 1, size, size) float32 each.
        """
        # The region goes along as a channel, cut and resized as the image is.
        how = self.preprocessing
        inside = np.zeros(image.shape[: 3 if is_volume(image) else 2], np.float32)
        inside[... if region is None else region.inside] = 1
        inside = inside[..., None] if is_volume(image) else inside
        # Both are shown alike.
        both = (
            pictures(part, region, spacing, self.volumes, how.margin) for part in (image, inside)
        )
        return [
            torch.cat(
                [
                    read_picture(picture, ratio, channels, how),
                    square(where, ratio, how, grey=True),
                ]
            )
            for (picture, ratio), (where, _) in zip(*both, strict=True)
        ]

    def encode_places(
        self,
        image: Image,
        region: Region | None,
        spacing: Spacing | None,
        centres: Floats,
        loaded: LoadedNetwork,
        device: str,
    ) -> tuple[Singles, Singles | None]:
        """Compute the numbers of places, and of the image as a whole.

        The latter equals what the network makes of what `see` returns; it is None where that is
        another picture than the one in which the places were looked up.

        Args:
            image: (height, width[, channels]) or (depth, height, width, 1), of 0 to 1.
            region: Its region of interest; None for all of it.
            spacing: Of its pixels, mm; None where unknown.
            centres: (n, axes) pixels.
            loaded: The network.
            device: `cuda` or `cpu`.

        Returns:
            (n, numbers) float32, and (numbers,).
        """
        # An image: all places after one look.
        if not is_volume(image):
            whole = region if self.preprocessing.margin is None else None
            view = self.see(image, whole, spacing, loaded.channels)[0]
            pooled = self._pooled(view, image.shape, spacing, centres, loaded, device)
            shared = region is None or self.preprocessing.margin is None
            return pooled[1:], pooled[0] if shared else None
        # A volume: a look at each slice with places.
        values = np.empty((len(centres), loaded.numbers), np.float32)
        slices = np.clip(np.round(centres[:, 0]).astype(int), 0, len(image) - 1)
        within = None if spacing is None else tuple(spacing[1:])
        for number in np.unique(slices).tolist():
            rows, picture = slices == number, image[number, ..., 0]
            view = self.see(picture, None, within, loaded.channels)[0]
            at = centres[rows, 1:]
            values[rows] = self._pooled(view, picture.shape, within, at, loaded, device)[1:]
        return values, None

    def _pooled(
        self,
        view: Tensor,
        shape: Sequence[int],
        spacing: Spacing | None,
        centres: Floats,
        loaded: LoadedNetwork,
        device: str,
    ) -> Singles:
        """Compute the numbers of a picture as a whole and of places, after one look.

        Args:
            view: (channels + 1, size, size), as of `see`.
            shape: Sides of the picture before.
            spacing: Of its pixels, mm.
            centres: (n, 2) pixels of the picture before.
            loaded: The network.
            device: `cuda` or `cpu`.

        Returns:
            (1 + n, numbers) float32.
        """
        # Places in shares of the network's square.
        how = self.preprocessing
        placed = Placement.of(shape, pixel_ratio(spacing), how)
        scale = np.array([placed.height, placed.width]) / np.array(shape[:2])
        at = ((centres + 0.5) * scale + [placed.top, placed.left]) / (how.size or 1)
        network = cast(MapPooling, loaded.network)
        autocast = torch.autocast(device, torch.bfloat16, enabled=self.precision == "bf16")
        with torch.inference_mode(), autocast:
            batch = view[None].to(device)
            # Maps of the image and its mirrors, pooled over the whole and around each place.
            cells = [depth.cells for depth in self.depths]
            pooled = mean_of(
                torch.cat([network.over(maps, batch[:, -1:]), network.around(maps, at, cells)])
                for maps in network.looks(batch[:, :-1])
            )
        return pooled.float().cpu().numpy()


class MapPooling(nn.Module):
    """Maps of several depths of a network, pooled to their mean and maximum."""

    def __init__(self, body: nn.Module, stages: Sequence[int], *, mirrored: bool) -> None:
        super().__init__()
        # Without inner maps there is nothing to pool.
        if not hasattr(body, "forward_intermediates"):
            raise refusal("encoders.no_inner_maps")
        # Neighbouring channels together: half the time of convolutions over large maps.
        self.body = fold_normalisations(body.eval()).to(memory_format=torch.channels_last)
        self.stages, self.mirrored = [*stages], mirrored

    def maps(self, pictures: Tensor) -> list[Tensor]:
        """Compute the maps of each depth.

        Args:
            pictures: (n, channels, side, side).

        Returns:
            (n, width, rows, columns) each; what lies behind the last depth is not computed.
        """
        return cast(
            list[Tensor],
            cast(Any, self.body).forward_intermediates(
                pictures.contiguous(memory_format=torch.channels_last),
                indices=self.stages,
                output_fmt="NCHW",
                intermediates_only=True,
                stop_early=True,
            ),
        )

    def forward(self, views: Tensor) -> Tensor:
        """Pool over a part of each picture.

        Args:
            views: (n, channels + 1, side, side); the last channel says which pixels count, 0 to 1.
        """
        return mean_of(self.over(maps, views[:, -1:]) for maps in self.looks(views[:, :-1]))

    def looks(self, pictures: Tensor) -> Iterator[list[Tensor]]:
        """Yield the maps of pictures and, where asked for, of their mirror images, turned back."""
        yield self.maps(pictures)
        if self.mirrored:
            yield [level.flip(-1) for level in self.maps(pictures.flip(-1))]

    def over(self, maps: Sequence[Tensor], inside: Tensor) -> Tensor:
        """Pool maps over the part of each picture that counts.

        Args:
            maps: (n, width, rows, columns) of each depth.
            inside: (n, 1, side, side) which pixels count, 0 to 1.

        Returns:
            (n, numbers): of each depth the mean, then the maximum.
        """
        # A cell counts by the share of it that lies inside.
        pooled = []
        for level in maps:
            rows, columns = level.shape[-2:]
            share = adaptive_avg_pool2d(inside, (rows, columns))
            most = share.amax(dim=(2, 3), keepdim=True)
            total = share.sum(dim=(2, 3)).clamp(min=1e-9)
            pooled.append((level * share).sum(dim=(2, 3)) / total)
            # A small region fills no cell: those that it fills most count.
            counted = share >= torch.minimum(most, torch.full_like(most, 0.5))
            pooled.append(level.masked_fill(~counted, -torch.inf).amax(dim=(2, 3)))
        return torch.cat(pooled, dim=1)

    def around(self, maps: Sequence[Tensor], places: Floats, cells: Sequence[int]) -> Tensor:
        """Pool over squares of cells around places of one picture; cells beyond it do not count.

        Args:
            maps: Of one picture, (1, width, rows, columns) of each depth.
            places: (n, 2) row and column, 0 to 1 over the picture's sides.
            cells: Side of the square at each depth.
        """
        # Mean and maximum of the cells around each place, depth by depth.
        pooled = []
        for level, side in zip(maps, cells, strict=True):
            shape = np.array(level.shape[-2:])
            at = torch.from_numpy(np.clip((places * shape).astype(np.int64), 0, shape - 1))
            rows, columns = at.T.to(level.device)
            half = side // 2
            mean = avg_pool2d(level, side, 1, half, count_include_pad=False)
            highest = max_pool2d(level, side, 1, half)
            pooled += [mean[0, :, rows, columns].T, highest[0, :, rows, columns].T]
        return torch.cat(pooled, dim=1)


def mean_of(pooled: Iterable[Tensor]) -> Tensor:
    """Average tensors of one shape; one alone stays as it is, to the last bit."""
    first, *more = pooled
    return torch.stack([first, *more]).mean(dim=0) if more else first


def fold_normalisations(network: nn.Module) -> nn.Module:
    """Put batch normalisations of a frozen network into the convolutions before them.

    Convolutions that a normalisation of as many channels follows, in the order in which a module
    names its parts, are taken for pairs. A network whose numbers that changes stays as it is.

    Args:
        network: In inference; it is not changed.

    Returns:
        A copy, or the network itself.
    """
    # In a copy, so that the network stays as it was.
    folded, changed = deepcopy(network), False
    for module in folded.modules():
        parts = [*module.named_children()]
        # A normalisation right after its convolution can be folded into it.
        for (_, convolution), (name, after) in pairwise(parts):
            if not isinstance(convolution, nn.Conv2d) or not isinstance(after, nn.BatchNorm2d):
                continue
            if convolution.out_channels == after.num_features:
                convolution.weight, convolution.bias = fuse_conv_bn_weights(
                    convolution.weight,
                    convolution.bias,
                    cast(Tensor, after.running_mean),
                    cast(Tensor, after.running_var),
                    after.eps,
                    after.weight,
                    after.bias,
                )
                rest = [part for _, part in after.named_children()]  # timm's has an activation
                setattr(module, name, nn.Sequential(*rest))
                changed = True
    if not changed:
        return network
    # A test picture shows whether the network computes the same as before.
    side = 64
    picture = torch.linspace(-1, 1, _COLOURS * side**2).sin().view(1, _COLOURS, side, side)
    try:
        with torch.inference_mode():
            expected, output = (
                cast(Any, body).forward_features(picture) for body in (network, folded)
            )
            torch.testing.assert_close(output, expected, rtol=1e-3, atol=1e-3)
    except (AssertionError, AttributeError, RuntimeError):
        return network
    return folded


class PooledNetwork(nn.Module):
    """A network of timm's whose last layers become one row of numbers a picture.

    Raises:
        OptionError: The network has no class token, or no such layers.
    """

    def __init__(self, body: nn.Module, pooling: Pooling, layers: int) -> None:
        super().__init__()
        # Tokens before the patches, the class token first.
        self.body, self.pooling, self.layers = body, pooling, layers
        self.prefix = int(getattr(body, "num_prefix_tokens", 0))
        has_token = self.prefix > 0 and getattr(body, "cls_token", None) is not None
        if "class_token" in pooling and not has_token:
            raise refusal("encoders.no_class_token")
        # Inner layers only where timm gives them.
        if layers > 1 and (pooling == "head" or not hasattr(body, "forward_intermediates")):
            raise refusal("encoders.too_many_layers", layers=layers, pooling=pooling)

    def forward(self, pictures: Tensor) -> Tensor:
        # The network's own pooling.
        if self.pooling == "head":
            return cast(Tensor, self.body(pictures))
        # Of each layer its (n, places, width), and the (n, tokens, width) before them.
        body, layers = cast(Any, self.body), list[tuple[Tensor, Tensor | None]]()
        # A single layer: what the network gives at its end.
        if self.layers == 1:
            features = body.forward_features(pictures)
            if features.ndim == 3:
                layers.append((features[:, self.prefix :], features[:, : self.prefix]))
            else:
                first = features.shape[1] == body.num_features
                places = features.flatten(2).mT if first else features.flatten(1, 2)
                layers.append((places, None))
        # Several layers, with their tokens where timm can return them.
        else:
            parameters = inspect.signature(body.forward_intermediates).parameters
            tells_tokens = "return_prefix_tokens" in parameters
            for layer in body.forward_intermediates(
                pictures,
                indices=self.layers,
                norm="norm" in parameters and self.prefix > 0,
                output_fmt="NCHW",
                intermediates_only=True,
                **({"return_prefix_tokens": True} if tells_tokens else {}),
            ):
                places, tokens = layer if isinstance(layer, tuple | list) else (layer, None)
                layers.append((places.flatten(2).mT, tokens))
        # The class token, the mean of patches, or both, of each.
        pooled = []
        for places, tokens in layers:
            if "class_token" in self.pooling and tokens is not None:
                pooled.append(tokens[:, 0])
            if "patches" in self.pooling:
                pooled.append(places.mean(dim=1))
        return torch.cat(pooled, dim=1)


_LITE_PARTS = {  # in the names of EfficientNet-PyTorch and its heirs
    "_expand_conv": "conv_pw",
    "_depthwise_conv": "conv_dw",
    "_project_conv": "conv_pwl",
    "_bn0": "bn1",
    "_bn1": "bn2",
    "_bn2": "bn3",
}
_LITE_ENDS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}


def name_as_timm(tensors: Mapping[str, Tensor], body: nn.Module) -> dict[str, Tensor]:
    """Return weights of an EfficientNet under timm's names.

    EfficientNet-PyTorch (Melas-Kyriazi 2019) numbers all blocks; timm numbers them stage by stage.
    A block that expands nothing has one convolution and one normalisation less, and timm counts
    those that it has.
    """
    # Other networks have timm's names already.
    if "_conv_stem.weight" not in tensors:
        return dict(tensors)
    # Blocks are counted through in the file, by stages in timm.
    stages = enumerate(cast(Any, body).blocks)
    places = [f"blocks.{stage}.{n}" for stage, blocks in stages for n in range(len(blocks))]
    expands = {name.split(".")[1] for name in tensors if "._expand_conv." in name}
    unexpanded = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw"}
    # Names of the first and last layers, then those within blocks.
    named = {}
    for name, tensor in tensors.items():
        first, *rest = name.split(".")
        if first != "_blocks":
            named[".".join([_LITE_ENDS.get(first, first), *rest])] = tensor
            continue
        number, part, *rest = rest
        parts = _LITE_PARTS if number in expands else {**unexpanded, "_bn2": "bn2"}
        place = places[int(number)] if int(number) < len(places) else f"blocks.{number}"
        named[".".join([place, parts.get(part, part), *rest])] = tensor
    return named


def build_timm_network(
    architecture: str, size: tuple[int, int], arguments: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build a network of timm's with fresh weights and without its classifier.

    Args:
        size: Height and width of the pictures; a network that reads any size is not told.
        arguments: Of the architecture, in place of timm's own.
    """
    timm = _timm()
    config = timm.models.get_pretrained_cfg(architecture)
    sized = {"img_size": size} if config and config.fixed_input_size else {}
    network = timm.create_model(architecture, **{"num_classes": 0, **sized, **(arguments or {})})
    return cast(nn.Module, network)


def give_timm_weights(
    body: nn.Module, tensors: dict[str, Tensor], architecture: str, file: str
) -> None:
    """Give a network of timm's the weights of a file, all of them."""
    # timm converts names of published files.
    convert = getattr(sys.modules[type(body).__module__], "checkpoint_filter_fn", None)
    try:
        tensors = name_as_timm(tensors, body)
        weights = dict(convert(tensors, body) if convert else tensors)
    except Exception as error:  # what a conversion of another network's weights raises
        raise unfit_weights(architecture, file, f"{type(error).__name__}: {error}") from error
    # The last layer may stand in the file without being needed.
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
        # Whether the name or its arguments are wrong.
        is_listed = architecture.split(".")[0] in _timm().list_models()
        allowed = "names of timm.list_models(), with a tag of theirs or without"
        raise refusal(
            "encoders.not_built",
            "encoder.arguments" if is_listed else "encoder.architecture",
            architecture=architecture,
            reason=one_line(error),
            allowed="" if is_listed else allowed,
            remedy="correct `arguments` or `preprocessing.size`" if is_listed else "",
        ) from error
