"""Maps of what a network looks at in an image, or in a volume.

Every map is about one number, the score of the positive class minus that of the other one, and has
the axes of the image. Grad-CAM (Selvaraju et al. 2017) weighs the last maps of features by their
gradient; integrated gradients (Sundararajan et al. 2017) add up to the change of the score from the
blank image; occlusion (Zeiler & Fergus 2014) is the loss of score where a square is blanked.
"""

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, NamedTuple, Self, cast

import numpy as np
import torch
from torch import Tensor, nn

from skiagram.arrays import Floats, Singles, Whole
from skiagram.errors import installed, refusal
from skiagram.explanation.explained_model import MapOptions
from skiagram.explanation.trust import (
    TITLES,
    Method,
    cell_numbers,
    cell_order,
    centre_map,
    exchange_areas,
    map_similarity,
)
from skiagram.models.deep.fitted import Architecture, Ensemble
from skiagram.models.deep.vision_transformer import TransformerBlock
from skiagram.seeding import derived_seed, stream

Maps = Floats  # (n, [depth,] height, width)
_AT_ONCE = 32  # images that a network sees together
_FRESH = 2  # of the stream of fresh weights: the last of three that earlier versions drew


class ClassDifference(nn.Module):
    """The one number that maps explain, made of (n, 2) logits of images, perhaps with a table."""

    def __init__(self, classifier: nn.Module, positive: int) -> None:
        super().__init__()
        self.classifier = classifier
        self._positive = positive

    def forward(self, images: Tensor, *table: Tensor) -> Tensor:
        logits = self.classifier(images, *table)
        return cast(Tensor, logits[:, self._positive] - logits[:, 1 - self._positive])


@dataclass(frozen=True)
class ExplainedNetwork:
    """A trained network, or an ensemble of several, whose maps are made and tested.

    Attributes:
        classifier: Maps images to (n, 2) logits.
        architecture: What it was built from.
    """

    classifier: nn.Module
    positive: int
    architecture: Architecture

    @property
    def members(self) -> list[nn.Module]:
        """The networks of an ensemble, or the only one."""
        if isinstance(self.classifier, Ensemble):
            return list(self.classifier.members)
        return [self.classifier]

    def blank(self, images: Tensor) -> Tensor:
        """Make images without information: each one its own mean, channel by channel."""
        spatial = tuple(range(2, images.ndim))
        return images.mean(dim=spatial, keepdim=True).expand_as(images).contiguous()

    def score(self, images: Singles, table: Tensor | None = None) -> Maps:
        """Compute (n,) scores of images; one row of a table stands beside all of them."""
        module = ClassDifference(self.classifier, self.positive).eval()
        batches = []
        with torch.inference_mode():
            for start in range(0, len(images), _AT_ONCE):
                batch = torch.from_numpy(images[start : start + _AT_ONCE])
                table_inputs = () if table is None else (table.expand(len(batch), -1),)
                batches.append(module(batch, *table_inputs).double().numpy())
        return np.concatenate(batches)

    def randomise(self, seed: int) -> Self:
        """Copy the model with fresh weights in each member."""
        changed = copy.deepcopy(self)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            for member in changed.members:
                fresh = self.architecture.build().state_dict()
                cast(nn.Module, member.network).load_state_dict(fresh)
        return changed


def why_undefined(method: Method, network: ExplainedNetwork) -> str:
    """Say why a network has no map of this kind; empty where it has one."""
    if method != "grad_cam":
        return ""
    if network.architecture.planes:
        return "the network mixes three planes, so its maps of features belong to no place"
    # Its own transformer, and those of timm.
    kinds = {type(part).__name__ for part in network.members[0].modules()}
    if kinds & {TransformerBlock.__name__, "Attention"}:
        return "a transformer has tokens in place of maps of features"
    return "" if _last_maps(network) is not None else "the network has no layer of feature maps"


def explain(
    method: Method,
    network: ExplainedNetwork,
    images: Tensor,
    options: MapOptions,
    table: Tensor | None = None,
) -> Maps:
    """Compute (n, [depth,] height, width), a map of each image.

    An ensemble's Grad-CAM is its members' mean.

    Args:
        method: Kind of map; `why_undefined` says whether the network has it.
        images: (n, channels, [depth,] height, width) float32.
        table: (n, columns) what the network reads beside the images; None for nothing.
    """
    # In batches, with gradients whatever the caller has switched off.
    made = _METHODS[method]
    maps = []
    for start in range(0, len(images), _AT_ONCE):
        batch = images[start : start + _AT_ONCE]
        table_inputs = () if table is None else (table[start : start + _AT_ONCE],)
        with torch.inference_mode(False), torch.enable_grad():
            maps.append(made(network, batch, table_inputs, options).detach().double().numpy())
    attribution = np.concatenate(maps)
    if not np.isfinite(attribution).all():
        raise refusal("explanation.map_not_finite", method=TITLES[method])
    return attribution


def _grad_cam(
    network: ExplainedNetwork, images: Tensor, table_inputs: tuple[Tensor, ...], _: MapOptions
) -> Tensor:
    # The mean over the members of an ensemble.
    attr, mode = import_captum(), "trilinear" if images.ndim == 5 else "bilinear"
    total = torch.zeros(len(images), *images.shape[2:])
    for member in network.members:
        module = ClassDifference(member, network.positive).eval()
        grad_cam = attr.LayerGradCam(module, _last_maps(replace(network, classifier=member)))
        tracked_images = images.clone().requires_grad_()
        grid = grad_cam.attribute(tracked_images, None, table_inputs, relu_attributions=True)
        total += nn.functional.interpolate(
            grid.detach().float(), images.shape[2:], mode=mode, align_corners=False
        )[:, 0]
    return total / len(network.members)


def _last_maps(network: ExplainedNetwork) -> nn.Module | None:
    """Find the last layer whose output still has places, of one network."""
    # one image without content, and an empty row of the table that the network reads
    shape, columns = network.architecture.sizes.shape, network.architecture.sizes.columns
    example = torch.zeros(1, *shape), *((torch.zeros(1, columns),) if columns else ())
    axes = example[0].ndim
    last: list[nn.Module] = []

    def note(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == axes and min(output.shape[2:]) > 1:
            last[:] = [module]

    member = network.members[0]
    # Bare containers repeat what their last layer returns, and cannot be told from it.
    layers = [module for module in member.modules() if not list(module.children())]
    handles = [layer.register_forward_hook(note) for layer in layers]
    with torch.inference_mode():
        member.eval()(*example)
    for handle in handles:
        handle.remove()
    return last[0] if last else None


def _integrated_gradients(
    network: ExplainedNetwork, images: Tensor, table_inputs: tuple[Tensor, ...], options: MapOptions
) -> Tensor:
    # From a blank image to the image, step by step.
    module = ClassDifference(network.classifier, network.positive).eval()
    gradients = import_captum().IntegratedGradients(module)
    attribution = gradients.attribute(
        images.clone(),
        network.blank(images),
        additional_forward_args=table_inputs,
        n_steps=options.steps,
        internal_batch_size=2 * _AT_ONCE,
    )
    return cast(Tensor, attribution.sum(dim=1))


def _occlusion(
    network: ExplainedNetwork, images: Tensor, table_inputs: tuple[Tensor, ...], options: MapOptions
) -> Tensor:
    # Windows that overlap by half.
    module = ClassDifference(network.classifier, network.positive).eval()
    sides = [max(1, round(options.window * side)) for side in images.shape[2:]]
    shape, count = images.shape[2:], len(images)
    places = []
    for length, side in zip(shape, sides, strict=True):
        step = max(1, side // 2)
        number = max(1, math.ceil((length - side) / step) + 1)
        places.append([slice(step * k, step * k + side) for k in range(number)])
    windows = list(product(*places))
    blank, at_once = network.blank(images), max(1, 2 * _AT_ONCE // count)
    scores = []
    # The score with each window blanked, several at once.
    with torch.no_grad():
        whole = module(images, *table_inputs)
        for start in range(0, len(windows), at_once):
            some = windows[start : start + at_once]
            blanked = torch.cat([images] * len(some))
            for number, window in enumerate(some):
                place = (slice(None), slice(None), *window)
                blanked[number * count : (number + 1) * count][place] = blank[place]
            rows = (torch.cat([part] * len(some)) for part in table_inputs)
            scores.append(module(blanked, *rows).reshape(len(some), count))
    # Of each place the mean of what the windows that hold it take off the score.
    loss = (whole - torch.cat(scores)).double()
    total, holding = torch.zeros(count, *shape).double(), torch.zeros(shape).double()
    for window, lost in zip(windows, loss, strict=True):
        total[:, *window] += lost.reshape(-1, *[1] * len(shape))
        holding[window] += 1
    return total / holding


_METHODS: dict[Method, Callable[..., Tensor]] = {
    "grad_cam": _grad_cam,
    "integrated_gradients": _integrated_gradients,
    "occlusion": _occlusion,
}


class Examined(NamedTuple):
    """Maps of some images by one network, and what their tests gave.

    Attributes:
        maps: Method → (n, [depth,] height, width).
        similarity: Method → (n,) likeness to the maps of the network with fresh weights.
        areas: Method, `random` or `centre` → (2, n) mean score while cells are deleted in this
            order, and while they are inserted.
    """

    maps: dict[str, Maps]
    similarity: dict[str, Maps]
    areas: dict[str, Maps]


def examine(
    network: ExplainedNetwork,
    images: Tensor,
    table: Tensor | None,
    methods: Sequence[Method],
    options: MapOptions,
    seed: int,
    case_id: Sequence[str],
) -> Examined:
    """Make maps and test them on one network, whose weights are brought into plain layout.

    Args:
        images: (n, channels, [depth,] height, width) float32 that it did not learn from.
        table: (n, columns) what it reads beside them; None for nothing.
        case_id: (n,) names of the random orders.
    """
    # In plain layout: that in which networks score changes late digits of maps.
    network.classifier.to(memory_format=torch.contiguous_format)
    # the maps, and how alike they are to those of a network with fresh weights
    maps = {method: explain(method, network, images, options, table) for method in methods}
    fresh = network.randomise(derived_seed(seed, "fresh weights", _FRESH))
    alike = {}
    for method in methods:
        pairs = zip(maps[method], explain(method, fresh, images, options, table), strict=True)
        alike[str(method)] = np.array([map_similarity(first, second) for first, second in pairs])
    # the score while cells are exchanged in the order of each map, at random and from the centre
    areas: dict[str, list[tuple[float, float]]] = {}
    number = cell_numbers(images.shape[2:], options.exchange.cells)
    centre = cell_order(centre_map(images.shape[2:]), number)
    blanks = network.blank(images).numpy()
    for row, case in enumerate(case_id):
        orders: dict[str, Whole] = {
            method: cell_order(maps[method][row], number) for method in methods
        }
        chance = stream(seed, "random order", case).permutation(len(centre))
        score = partial(network.score, table=None if table is None else table[row : row + 1])
        orders |= {"random": chance, "centre": centre}
        image = images[row].numpy()
        for name, order in orders.items():
            pair = exchange_areas(image, blanks[row], order, number, score, options.exchange.steps)
            areas.setdefault(name, []).append(pair)
    return Examined(
        {str(method): values for method, values in maps.items()},
        alike,
        {name: np.array(pairs).T for name, pairs in areas.items()},
    )


def import_captum() -> Any:
    """Import the package that makes maps."""
    with installed("the package captum", "explain.maps.methods", "explain", "occlusion"):
        import captum.attr
    return captum.attr
