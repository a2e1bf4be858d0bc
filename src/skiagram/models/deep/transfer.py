"""Any network of timm or torchvision under a new head: head first, then layers at decayed rates.

For `frozen_epochs` epochs the head learns alone, so that its first, wild gradients do not destroy
what the weights know (Kumar et al. 2022, ICLR). It may start as the logistic regression on what
enters it: then the network begins as a frozen one under a classical model, and early stopping keeps
that where the layers learn nothing better. Then the layers learn too, each at `layer_decay` times
the rate of the one above it (Howard & Ruder 2018, ACL, §3.2; Bao et al. 2022, ICLR): lower layers
hold what all images share. Batch normalisations may stay as the weights have them: means and
deviations of many images, in place of those of a small batch. With a few hundred images less is
more: let the last blocks learn alone. Whether a set is too small stands in the curves: the
validation loss rises while the training loss falls.

Layers are what a network is put together from, in its own order: the blocks of a transformer, the
residual blocks of a ResNet. Images are normalised by the training set's own mean and deviation, and
take those that photographs have as the weights read them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from itertools import chain, combinations
from typing import Annotated, Any, Literal, Self, cast

import torch
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from skiagram.encoders.timm_encoder import (
    build_timm_network,
    fold_normalisations,
    give_timm_weights,
    mean_of,
)
from skiagram.encoders.weights import (
    Source,
    encoders_extra,
    give_weights,
    read_tensors,
)
from skiagram.errors import ModelFailure, refusal
from skiagram.models.deep.layers import (
    GlobalAveragePool,
    QuickGradients,
    cut_last_layer,
    glorot_uniform,
    sides_of_image,
)
from skiagram.models.deep.refitted_head import entering, fit_each_class, give_head
from skiagram.strict import STRICT, AboveZero, OneOrMore, ShareAboveZero, ZeroOrMore
from skiagram.training.classifier import Classifier
from skiagram.training.data import Examples
from skiagram.training.options import Training

FRESH = "none"
_WEIGHTS = "model.weights"
_COLOURS = 3  # channels of the images that published weights were made for
# These return more than logits while they train, or end in a convolution.
_UNLIKE = ("googlenet", "inception_v3", "squeezenet1_0", "squeezenet1_1")
_DENSE_UNITS = 128
_SEVERAL = 2  # parts that make a container one of layers
_ITERATIONS = 10_000


@dataclass(**STRICT)
class Transfer:
    """Options of a network that others trained.

    Attributes:
        library: Whose architecture it is.
        architecture: Its name there; of timm's with the tag of the weights after a dot, or without.
        weights: `none` for fresh ones; a name of torchvision's; a file, one of an installed
            package, or of a repository of the Hugging Face hub.
        gray: How images of one channel enter a network for three: `repeat` the channel, or `sum`
            the first layer's filters; both give equal scores at the start.
        head: What takes the place of the last layer: a `linear` one; or, of torchvision's networks
            with `features`, `dense`: the mean over the places of the convolutions, 128 rectified
            units and a linear layer, all drawn as Keras draws them.
        depths: Of timm's networks, the stages whose maps the head reads, each pooled to its mean
            and its maximum, deeper ones are coarser; null: what the network gives a classifier.
        C: Of the logistic regression that a linear head starts as, on what
            enters it of the training cases, each number scaled to mean 0 and deviation 1; smaller
            shrinks it more. null: the head is drawn at random.
        frozen_epochs: Epochs in which the head learns alone; null: always.
        last_blocks: How many of the last layers learn after that; null: all.
        layer_decay: Learning rate of a layer as a share of that of the layer above; 1 for equal
            ones.
        fixed_normalisation: Whether batch normalisations stay as the weights have them.
        mirrored: Whether what enters the head is the mean over the mirror images that training
            shows, once the network is trained; not of three planes.
        training: How it is trained; its learning rate is that of the head.
    """

    architecture: str
    weights: str | Source
    gray: Literal["repeat", "sum"]
    frozen_epochs: ZeroOrMore | None
    training: Training
    library: Literal["timm", "torchvision"] = "torchvision"
    head: Literal["linear", "dense"] = "linear"
    depths: Annotated[tuple[ZeroOrMore, ...], Field(min_length=1)] | None = None
    C: AboveZero | None = None
    last_blocks: OneOrMore | None = None
    layer_decay: ShareAboveZero = 1.0
    fixed_normalisation: bool = False
    mirrored: bool = False

    @model_validator(mode="after")
    def _head_fits(self) -> Self:
        """Refuse heads that the library, or the views of training, do not go with."""
        if self.depths is not None and self.library != "timm":
            raise ValueError("`depths` are of timm's networks alone: set it to null")
        if self.C is not None and self.head != "linear":
            raise ValueError("a `dense` head is drawn: set `C` to null")
        if self.mirrored and self.training.input.three_planes:
            # Training mirrors the volume, of which a plane may stay as it is.
            raise ValueError("three planes have no one mirror image: set `mirrored` to false")
        return self

    @property
    def title(self) -> str:
        """Name it by its architecture, and say whether it was trained by others."""
        under = " under dense layers" if self.head == "dense" else ""
        name = f"{self.architecture.partition('.')[0]} of {self.library}{under}"
        return name if self.weights == FRESH else f"Fine-tuned {name}"

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the network under a linear or a dense head.

        Raises:
            ModelFailure: It is not defined for such images.
            OptionError: The library has no such network.
        """

        # One linear layer, or two drawn as Keras draws them, on the numbers of the base.
        def make_head(base: nn.Module, numbers: int) -> nn.Module:
            head: nn.Module = nn.Linear(numbers, n_classes)
            if self.C is not None:
                head = nn.Sequential(nn.BatchNorm1d(numbers, affine=False), head)
            if self.head == "dense":
                last = nn.Linear(_DENSE_UNITS, n_classes)
                head = nn.Sequential(nn.Linear(numbers, _DENSE_UNITS), nn.ReLU(), last)
                base.apply(glorot_uniform)
                head.apply(glorot_uniform)
            return head

        return self.build_under(shape, make_head, TransferNetwork)

    def build_under(
        self,
        shape: tuple[int, ...],
        make_head: Callable[[nn.Module, int], nn.Module],
        kind: "type[TransferNetwork]",
    ) -> nn.Module:
        """Build a network under a head that is made of the base and how many numbers it gives.

        Args:
            shape: (channels, height, width).
            make_head: Makes it.
            kind: Whether the head reads numbers, or the maps of `depths` as they are.

        Raises:
            ModelFailure: It is not defined for such images, or cannot read so many channels.
            OptionError: The library has no such network.
        """
        channels, height, width = sides_of_image(self.title, shape)
        try:
            # The head is in place of the last layer; the first reads the channels of the images.
            base, numbers = self.base(height, width)
            head = make_head(base, numbers)
            repeated = channels == 1 and self.gray == "repeat"
            if channels != _COLOURS and not repeated:
                # Layers that standardise their own filters would undo the scale of others.
                name = _first_convolution(base)
                colour = cast(nn.Conv2d, base.get_submodule(name))
                standardised = "StdConv" in type(colour).__name__
                if colour.in_channels != _COLOURS or colour.groups != 1 or standardised:
                    raise refusal("models.other_channels", self.architecture, channels=channels)
                # A copy keeps what is the layer's own, such as the padding of timm's `Conv2dSame`.
                adapted = deepcopy(colour)
                adapted.in_channels = channels
                adapted.weight = nn.Parameter(_spread(colour.weight.detach(), channels))
                base.set_submodule(name, adapted)
            network = kind(base, head, self, (height, width), repeated=repeated)
            # Images that are too small for it fail here, before anything is trained.
            with torch.no_grad():
                network.eval()(torch.zeros(1, channels, height, width))
        except (RuntimeError, AssertionError, ValueError) as error:
            fault, remedy = f"images of {height} × {width} pixels", "set training.image_size"
            refused = {"allowed": "what it takes", "remedy": remedy, "detail": str(error)}
            raise ModelFailure(fault, where=self.architecture, **refused) from error
        return network.train()

    def base(self, height: int, width: int) -> tuple[nn.Module, int]:
        """Build a network on three channels without its last layer.

        Args:
            height: Of the images, which transformers are built for.
            width: Of the images.

        Returns:
            The network, and how many numbers it gives a classifier.

        Raises:
            OptionError: The library has no such network, or it has no such depths.
        """
        # timm's networks.
        if self.library == "timm":
            with encoders_extra():
                import timm
            if not timm.is_model(self.architecture.split(".")[0]):
                raise refusal("models.no_timm_network", architecture=self.architecture)
            base = build_timm_network(self.architecture, (height, width))
            if self.depths is not None:
                # What no map of these stages needs is cut off.
                stages = len(getattr(base, "feature_info", ()))
                if not hasattr(base, "prune_intermediate_layers") or max(self.depths) >= stages:
                    raise refusal(
                        "models.no_such_depths",
                        architecture=self.architecture,
                        stages=stages,
                    )
                cast(Any, base).prune_intermediate_layers(
                    [*self.depths], prune_norm=True, prune_head=True
                )
        else:
            base = _of_torchvision(self.architecture, height, width, dense=self.head == "dense")
            # The head stands in place of the last layer.
            if self.head == "linear":
                return base, cut_last_layer(base)
        # Else one look tells how many numbers the base gives.
        with torch.no_grad():
            numbers = _describe(base.eval(), torch.zeros(1, _COLOURS, height, width), self.depths)
        return base, int(numbers.shape[1])

    def load_weights(self, network: nn.Module) -> None:
        """Give a freshly built network the published weights, spread over its channels.

        Args:
            network: What `build` returned; changed in place.

        Raises:
            OptionError: There are no weights of that name.
            DataError: The file is not there, is another one, or holds other layers.
        """
        if self.weights == FRESH:
            return
        # Published weights fit the whole network; the chosen stages are taken from it.
        transferred = cast(TransferNetwork, network)
        whole = replace(self, depths=None)
        colour, _ = whole.base(*transferred.size)  # published weights are for three channels
        if isinstance(self.weights, str):
            weights, source = self._by_name(self.weights), _WEIGHTS
        else:
            path = self.weights.locate(_WEIGHTS)
            weights, source = read_tensors(path), str(path)
        # Names of the file become those of the network.
        if self.library == "timm":
            give_timm_weights(colour, weights, self.architecture, source)
        else:
            if self.head == "dense":
                weights = {
                    name.replace("features", "0", 1): value
                    for name, value in weights.items()
                    if name.startswith("features.")
                }
            cut = [name for name, part in colour.named_modules() if isinstance(part, nn.Identity)]
            give_weights(colour, weights, self.architecture, source, cut)
        # The first layer is spread over the channels of the images.
        state = colour.state_dict()
        weight = f"{_first_convolution(colour)}.weight"
        channels = transferred.base.state_dict()[weight].shape[1]
        state[weight] = _spread(state[weight], channels)
        own_state = transferred.base.state_dict()
        transferred.base.load_state_dict({name: state[name] for name in own_state})

    def begin_from(self, classifier: Classifier, training: Examples) -> None:
        """Start the head as a logistic regression on what enters it of the training cases.

        Args:
            classifier: With its first weights; changed in place.
            training: Cases, shown as they are.

        Raises:
            ModelFailure: What is predicted is no class, or a class has no case.
        """
        if self.C is None:
            return
        # The head scales what enters it, and ends in a linear layer.
        scaling, layer = cast(nn.Sequential, cast(TransferNetwork, classifier.network).head)
        scaling, layer = cast(nn.BatchNorm1d, scaling), cast(nn.Linear, layer)
        if training.label.ndim > 1 or layer.out_features == 1:
            raise refusal("models.logistic_head", self.title)
        # Its scaling is that of the training cases, its layer the regression on them.
        numbers = entering(classifier, scaling, training, self.training.batch_size)
        with torch.no_grad():
            cast(Tensor, scaling.running_mean).copy_(torch.from_numpy(numbers.mean(axis=0)))
            cast(Tensor, scaling.running_var).copy_(torch.from_numpy(numbers.var(axis=0)))
            where = cast(Tensor, scaling.running_var)
            scaled = scaling(torch.from_numpy(numbers).to(where)).cpu().double().numpy()
        # The logistic regression starts the linear layer.
        regression = LogisticRegression(
            C=self.C,
            class_weight=self.training.class_weights,
            max_iter=_ITERATIONS,
        )
        label, n_classes = training.label.numpy(), layer.out_features
        give_head(layer, *fit_each_class(regression, scaled, label, n_classes, self.title))

    def _by_name(self, name: str) -> dict[str, Tensor]:
        """Fetch weights by torchvision's name; they are fetched once into torch.hub's folder.

        Raises:
            OptionError: There are no weights of that name.
            DataError: They cannot be reached, or are not what was published.
        """
        from torchvision.models import get_model_weights

        # Names of torchvision's weights for this network.
        library_weights = (
            get_model_weights(self.architecture) if self.library == "torchvision" else None
        )
        if library_weights is None or name not in library_weights.__members__:
            names = () if library_weights is None else tuple(library_weights.__members__)
            files = "{file, sha256} or {hub, revision, filename, sha256}"
            allowed = (FRESH, *names, files)
            raise refusal(
                "models.no_weights",
                _WEIGHTS,
                name=name,
                title=self.title,
                allowed=allowed,
            )
        try:
            # urllib's errors are OSErrors; a wrong hash, checked by the name, is a RuntimeError.
            fetched = library_weights[name].get_state_dict(
                progress=True, check_hash=True, weights_only=True
            )
        except (OSError, RuntimeError) as error:
            raise refusal(
                "models.weights_not_reached",
                _WEIGHTS,
                architecture=self.architecture,
                url=library_weights[name].url,
                error=error,
                _WEIGHTS=_WEIGHTS,
                FRESH=FRESH,
            ) from error
        return dict(fetched)


class TransferNetwork(nn.Module):
    """A base of layers that learn at rates of their own, and a head that learns from the first.

    Layers that do not learn take no gradient, and their batch normalisation keeps the means and
    deviations it came with. A base that reads three channels is `repeated` where images have one.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        base: nn.Module,
        head: nn.Module,
        options: Transfer,
        size: tuple[int, int],
        *,
        repeated: bool,
    ) -> None:
        """Join base and head, and settle which layers learn.

        Args:
            base: Without its last layer.
            head: On what the base gives.
            options: Of the network.
            size: (height, width) of the images.
            repeated: Whether images of one channel enter three times.

        Raises:
            ValueError: More layers are to learn than there are.
        """
        super().__init__()
        # The base, the head, and what the options keep of them.
        self.base, self.head, self.size = base, head, size
        self.frozen_epochs = options.frozen_epochs
        self._repeated, self._decay, self._depths = repeated, options.layer_decay, options.depths
        # Images of mean 0 and deviation 1 become what the weights read of photographs.
        mean, deviation = _of_photographs(options)
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("deviation", torch.tensor(deviation))
        self._frozen = self.frozen_epochs != 0
        # Layers that never learn, and those that do, from the images on.
        layers = layer_names(base)
        learning = len(layers) if options.last_blocks is None else options.last_blocks
        if learning > len(layers):
            raise ValueError(f"last_blocks of at most {len(layers)}, the layers it has")
        self._fixed = [name for names in layers[: len(layers) - learning] for name in names]
        self._learning = layers[len(layers) - learning :]
        self._kept = [
            part
            for part in base.modules()
            if options.fixed_normalisation and isinstance(part, _BatchNorm)
        ]
        # Axes along which training mirrors images.
        views = options.training.views if options.mirrored else None
        flips = (getattr(views, "vertical_flip", False), getattr(views, "horizontal_flip", False))
        self._mirrored = [axis for axis, flip in zip((2, 3), flips, strict=True) if flip]
        # What never learns takes no gradient.
        learning_names = tuple(f"{name}." for names in self._learning for name in names)
        for name, parameter in base.named_parameters():
            below = self._fixed and not name.startswith(learning_names)
            if self.frozen_epochs is None or below:
                parameter.requires_grad_(False)
        for part in self._kept:
            part.requires_grad_(False)
        self._kept += [part for part in head.modules() if isinstance(part, nn.BatchNorm1d)]
        self._quick: list[nn.Module] = []

    def begin_epoch(self, epoch: int) -> None:
        """Freeze the base in its first epochs; it learns from `frozen_epochs` on."""
        self._frozen = self.frozen_epochs is None or epoch < self.frozen_epochs
        self.train(self.training)

    def train(self, mode: bool = True) -> "TransferNetwork":
        """Choose training or inference; layers that do not learn stay in inference.

        What stands in for the base while it does not learn is made anew when it is next asked for.
        """
        super().train(mode)
        learns = mode and not self._frozen
        self.base.train(learns)
        for name in self._fixed:
            self.base.get_submodule(name).eval()
        for part in self._kept:
            part.eval()
        self._quick = []
        return self

    def _apply(self, *arguments: Any, **named: Any) -> Any:
        self._quick = []  # the weights go to another device, or get another form
        return super()._apply(*arguments, **named)  # type: ignore[no-untyped-call]

    def _load_from_state_dict(self, *arguments: Any) -> None:
        self._quick = []  # there are other weights
        super()._load_from_state_dict(*arguments)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_quick": []}  # other processes make their own

    def forward(self, images: Tensor) -> Tensor:
        """Score (n, channels, height, width): (n, n_classes) logits.

        In inference what enters the head is the mean over the mirror images that training showed,
        where the options ask for it.
        """
        axes = [] if self.training else self._mirrored
        flips = chain.from_iterable(combinations(axes, count) for count in range(len(axes) + 1))
        mirrors = [images.flip(flipped) if flipped else images for flipped in flips]
        with self._learning_base() as base:
            numbers = mean_of(
                _describe(base, self._entering(mirror), self._depths) for mirror in mirrors
            )
        return cast(Tensor, self.head(numbers))

    def _entering(self, images: Tensor) -> Tensor:
        """Give images the mean, the deviation and the channels that the weights read."""
        base_images = images * self.deviation + self.mean
        return base_images.expand(-1, _COLOURS, -1, -1) if self._repeated else base_images

    @contextmanager
    def _learning_base(self) -> Iterator[nn.Module]:
        """Yield the base, whose layers that do not learn work without normalisations.

        It is a fifth faster, and a copy, which the list keeps from being counted and stored. Where
        a trained network is asked for a gradient it is the base itself.
        """
        learns = torch.is_grad_enabled() and not self._frozen
        with torch.set_grad_enabled(learns), QuickGradients():
            if learns and not self.training:
                yield self.base
                return
            if not self._quick:
                quick, trains = fold_normalisations(self.base), self.training and not self._frozen
                for name in chain.from_iterable(self._learning if trains else ()):
                    quick.set_submodule(name, self.base.get_submodule(name))
                self._quick = [quick]
            yield self._quick[0]

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """List the share of the learning rate of each part that learns, the head first."""
        # The head learns at the whole rate, each layer below at a share of the one above.
        parts = [(1.0, list(self.head.parameters()))]
        remaining = {
            name: parameter
            for name, parameter in self.base.named_parameters()
            if parameter.requires_grad
        }
        # From the layer below the head down to the images.
        for above, names in enumerate(reversed(self._learning), start=1):
            prefixes = tuple(f"{name}." for name in names)
            last = above == len(self._learning)  # takes what stands in no layer, as positions do
            chosen = [name for name in remaining if last or name.startswith(prefixes)]
            if chosen:
                parts.append((self._decay**above, [remaining.pop(name) for name in chosen]))
        return parts


class TransferNetworkOnMaps(TransferNetwork):
    """A network whose head reads the maps of several depths of the base."""

    def forward(self, images: Tensor) -> Tensor:
        """Score (n, channels, height, width) by the head on the maps of all depths."""
        with self._learning_base() as base:
            maps = _maps(base, self._entering(images), self._depths or ())
        return cast(Tensor, self.head(maps))


def _describe(base: nn.Module, images: Tensor, depths: tuple[int, ...] | None) -> Tensor:
    """Compute what a base gives a classifier, or its maps, pooled.

    Args:
        base: Without its last layer.
        images: (n, 3, height, width).
        depths: Stages whose maps are each pooled to mean and maximum; None for what the base gives.

    Returns:
        (n, numbers).
    """
    if depths is None:
        return cast(Tensor, base(images))
    maps = _maps(base, images, depths)
    pooled = [part for level in maps for part in (level.mean(dim=(2, 3)), level.amax(dim=(2, 3)))]
    return torch.cat(pooled, dim=1)


def _maps(base: nn.Module, images: Tensor, depths: tuple[int, ...]) -> list[Tensor]:
    """Compute the maps of some stages, (n, width, rows, columns) of each, in their order."""
    maps = cast(Any, base).forward_intermediates(
        images, indices=[*depths], output_fmt="NCHW", intermediates_only=True
    )
    return cast(list[Tensor], maps)


def _of_photographs(options: Transfer) -> tuple[float, float]:
    """Compute mean and deviation of photographs as the weights read them, over all channels.

    They are 0 and 1 where the weights were made for photographs of mean 0 and deviation 1.
    """
    # Other weights read images as the training scales them.
    if options.library != "timm" or options.weights == FRESH:
        return 0.0, 1.0
    with encoders_extra():
        from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
        from timm.models import get_pretrained_cfg
    config = get_pretrained_cfg(options.architecture)
    if config is None:
        return 0.0, 1.0
    # Mean and deviation of photographs, as this network's own preprocessing leaves them.
    published = zip(
        IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, config.mean, config.std, strict=True
    )
    each = [
        ((mean - center) / scale, deviation / scale) for mean, deviation, center, scale in published
    ]
    means, deviations = zip(*each, strict=True)
    return sum(means) / _COLOURS, sum(deviations) / _COLOURS


def _of_torchvision(architecture: str, height: int, width: int, *, dense: bool) -> nn.Module:
    """Build one of torchvision's networks with fresh weights.

    Args:
        architecture: Its name there.
        height: Of the images.
        width: Of the images.
        dense: Whether its convolutional part alone is taken, with a mean over its maps.

    Raises:
        OptionError: There is no such network, or it has no convolutional part by itself.
    """
    from torchvision import models

    # The convolutional part, with fresh weights and a mean over its maps.
    fitting = sorted(set(models.list_models(module=models)) - set(_UNLIKE))
    if architecture not in fitting:
        raise refusal(
            "models.no_torchvision_network",
            name=architecture,
            fitting=fitting,
        )
    make: Any = models.get_model_builder(architecture)
    if dense:
        with torch.device("meta"):  # the layers that are left out can be large
            whole = make()
        if not hasattr(whole, "features"):
            raise refusal("models.no_features_of_network", architecture=architecture)
        base = nn.Sequential(whole.features.to_empty(device="cpu"), GlobalAveragePool())
        for part in base.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()
        return base
    # Transformers are built for one size of images.
    if architecture.startswith("vit_"):
        return cast(nn.Module, make(image_size=height))
    sized = {"input_size": (height, width)} if architecture.startswith("maxvit") else {}
    return cast(nn.Module, make(**sized))


def _spread(filters: Tensor, channels: int) -> Tensor:
    """Spread the filters of a first layer, made for three channels, over others.

    A single channel is read by the sum of the filters, which gives what three equal channels give,
    at a third of that layer's work. More channels (modalities, planes, a mask) take the three
    filters in turn, scaled so that their sum keeps its size (as timm does).

    Args:
        filters: (maps, 3, rows, columns).
        channels: Of the images.
    """
    if channels == _COLOURS:
        return filters
    if channels == 1:
        return filters.sum(dim=1, keepdim=True)
    in_turn = filters[:, [channel % _COLOURS for channel in range(channels)]]
    return in_turn * (_COLOURS / channels)


def _first_convolution(base: nn.Module) -> str:
    """Find the name of the convolution that reads the images, the first that was made."""
    names: list[str] = [n for n, part in base.named_modules() if isinstance(part, nn.Conv2d)]
    return names[0]


def layer_names(network: nn.Module) -> list[list[str]]:
    """List the layers of a network from the images on, each as the names of its modules.

    Sequences are taken apart, and modules that hold a sequence of equal blocks, down to blocks and
    plain layers; a normalisation belongs to what stands before it. Parameters of no layer, such as
    learned positions, count to the first.

    Args:
        network: Without its last layer.
    """
    layers: list[list[str]] = []
    for name, module in _parts(network, ""):
        if layers and _normalises(module):
            layers[-1].append(name)
        else:
            layers.append([name])
    return layers


def _parts(module: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules with weights that are taken apart no further, with their names."""
    for name, child in module.named_children():
        if next(child.parameters(), None) is None:
            continue
        if _holds_layers(child):
            yield from _parts(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child


def _holds_layers(module: nn.Module) -> bool:
    """Tell whether a module is a container of layers, and no block by itself."""
    # A list of layers with weights of their own.
    if isinstance(module, nn.Sequential | nn.ModuleList):
        parts = [child for child in module if next(child.parameters(), None) is not None]
        own_layers = [child for child in parts if not _normalises(child)]
        return len(own_layers) >= _SEVERAL or any(_holds_layers(child) for child in parts)
    # A sequence of equal blocks stands for layers, unless the blocks are sequences themselves.
    for child in module.children():
        if not isinstance(child, nn.Sequential | nn.ModuleList) or len(child) < _SEVERAL:
            continue
        kinds = {type(part) for part in child}
        if len(kinds) == 1 and not any(issubclass(kind, nn.Sequential) for kind in kinds):
            return True
    return False


def _normalises(module: nn.Module) -> bool:
    """Tell whether a module is a plain normalisation, by its name in PyTorch and timm."""
    return "Norm" in type(module).__name__ and next(module.children(), None) is None
