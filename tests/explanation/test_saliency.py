"""Maps against networks whose attribution is known exactly, in images and in volumes."""

import itertools
from dataclasses import replace

import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from skiagram.explanation.explained_model import MapOptions
from skiagram.explanation.saliency import (
    ExplainedNetwork,
    examine,
    explain,
    why_undefined,
)
from skiagram.explanation.trust import Exchange
from skiagram.models.deep.fitted import Architecture, Sizes, as_ensemble
from skiagram.options import build
from skiagram.training.classifier import Classifier
from tests.models.classical.families import read_options

pytestmark = pytest.mark.slow  # imports PyTorch

OPTIONS = MapOptions(
    methods=("occlusion",),
    cases=4,
    window=0.25,
    steps=16,
    exchange=Exchange(cells=8, steps=16),
    unchanged=0.5,
)
EVERY = ("grad_cam", "integrated_gradients", "occlusion")


class Weighted(nn.Module):
    """A linear network: the score is a weighted sum of the pixels."""

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def forward(self, images):
        score = (images * self.weight).flatten(1).sum(dim=1)
        return torch.stack([-score / 2, score / 2], dim=1)


def architecture(name, *shape):
    return Architecture(build(read_options(name), "model"), Sizes(shape, 2))


def trained(name, *shape, members=1):
    torch.manual_seed(0)
    built = architecture(name, *shape)
    scale = torch.zeros(shape[0]), torch.ones(shape[0])
    classifiers = [Classifier(built.build(), *scale) for _ in range(members)]
    return ExplainedNetwork(as_ensemble(classifiers).eval(), 1, built)


def images(*shape, n=3):
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 9, 14), (1, 8, 8, 8)])
def test_the_maps_of_a_linear_network_are_weight_times_deviation(shape):
    weight, seen = torch.randn(shape, generator=torch.Generator().manual_seed(2)), images(*shape)
    network = ExplainedNetwork(Weighted(weight), 1, architecture("small_cnn", 1, 16, 16))
    product = (weight * (seen - network.blank(seen))).double()
    gradients = explain("integrated_gradients", network, seen, OPTIONS)
    assert_allclose(gradients, product.sum(dim=1), atol=1e-5)
    # Each window loses the sum of its products; a pixel has the mean of the windows over it.
    occluded = explain("occlusion", network, seen, OPTIONS)
    worth, places = product.sum(dim=1), []
    for length in shape[1:]:
        side, starts = round(length / 4), [0]
        while starts[-1] + side < length:
            starts.append(starts[-1] + max(1, side // 2))
        places.append([slice(start, start + side) for start in starts])
    total, holding = torch.zeros_like(worth), torch.zeros(shape[1:])
    for window in itertools.product(*places):
        lost = worth[:, *window].flatten(1).sum(dim=1)
        total[:, *window] += lost.reshape(-1, *[1] * len(window))
        holding[window] += 1
    assert_allclose(occluded, total / holding, atol=1e-4)


def test_grad_cam_weighs_the_last_maps_by_their_mean_gradient():
    network, seen = trained("small_cnn", 1, 32, 32), images(1, 32, 32)
    layers = list((network.classifier).network)
    until = next(k for k, layer in enumerate(layers) if type(layer).__name__ == "GlobalAveragePool")
    with torch.no_grad():
        last = nn.Sequential(*layers[:until])(seen)
        weight = layers[-1].weight[1] - layers[-1].weight[0]
    expected = (last * weight[None, :, None, None]).sum(dim=1, keepdim=True) / last[0, 0].numel()
    expected = nn.functional.interpolate(expected.relu(), (32, 32), mode="bilinear")[:, 0]
    found = explain("grad_cam", network, seen, OPTIONS)
    assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "shape"), [("small_cnn", (1, 32, 32)), ("cnn_3d", (1, 16, 16, 16))]
)
def test_maps_have_the_axes_of_the_image_and_gradients_add_up(name, shape):
    network, seen = trained(name, *shape), images(*shape)
    for method in EVERY:
        assert why_undefined(method, network) == ""
        assert explain(method, network, seen, OPTIONS).shape == (3, *shape[1:])
    change = network.score(seen.numpy()) - network.score(network.blank(seen).numpy())
    added = explain("integrated_gradients", network, seen, replace(OPTIONS, steps=200))
    assert_allclose(added.reshape(3, -1).sum(axis=1), change, rtol=0.05, atol=1e-3)


def test_a_transformer_has_no_grad_cam_but_other_maps():
    network = trained("vision_transformer", 1, 16, 16)
    assert "tokens" in why_undefined("grad_cam", network)
    assert why_undefined("occlusion", network) == ""


def test_fresh_weights_are_drawn_by_a_seed_and_leave_the_network_as_it_is():
    network = trained("small_cnn", 1, 32, 32)
    before = {name: value.clone() for name, value in network.classifier.state_dict().items()}
    changed = network.randomise(seed=5).classifier.state_dict()
    drawn = [name for name in before if name.endswith("weight") and before[name].ndim > 1]
    assert not any(torch.equal(before[name], changed[name]) for name in drawn)
    again = network.randomise(seed=5).classifier.state_dict()
    assert all(torch.equal(changed[name], again[name]) for name in changed)
    after = network.classifier.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_map_of_a_linear_network_passes_deletion_and_insertion():
    weight, seen = torch.zeros(1, 16, 16), images(1, 16, 16, n=4).abs() + 1
    weight[0, 2:6, 9:13] = 1.0
    network = ExplainedNetwork(Weighted(weight), 1, architecture("small_cnn", 1, 16, 16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ExplainedNetwork, "randomise", lambda network, *_: network)
        found = examine(network, seen, None, ["occlusion"], OPTIONS, 0, list("abcd"))
    assert found.similarity["occlusion"] == pytest.approx(1)  # nothing was made fresh
    for other in ("random", "centre"):
        assert found.areas["occlusion"].shape == (2, 4)
        out, into = found.areas["occlusion"] - found.areas[other]
        assert out.sum() < 0 < into.sum()
