"""Fine-tuned networks of timm and torchvision: which layers learn, when and at which rate."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from skiagram.encoders.weights import HubFile, LocalFile
from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.models.contract import FitContext
from skiagram.models.deep.fine_tuned import FineTuned, FineTuning, layer_names
from skiagram.models.deep.fitted import load_network
from skiagram.models.deep.network_model import NetworkModel
from skiagram.training.classifier import parameter_count
from skiagram.training.module import _optimizer
from tests.models.deep.spots import CPU, halves, training

timm = pytest.importorskip("timm")
VIT, RESNET, SIDE = "test_vit", "test_resnet", 32


def tuned(architecture: str = VIT, **changed: Any) -> FineTuned:
    values: dict[str, Any] = {
        "library": "timm",
        "architecture": architecture,
        "weights": "none",
        "gray": "repeat",
        "frozen_epochs": 0,
        "last_blocks": None,
        "layer_decay": 0.5,
        "training": dataclasses.replace(training(), image_size=SIDE),
    }
    return FineTuned(**(values | changed))


def built(options: FineTuned, channels: int = 1) -> FineTuning:
    torch.manual_seed(0)
    network = options.build(channels, SIDE, SIDE, 2)
    assert isinstance(network, FineTuning)
    return network


def weights_file(folder: Path, architecture: str, **arguments: Any) -> LocalFile:
    """Write seeded weights of a tiny network of timm's."""
    torch.manual_seed(7)
    path = folder / f"{architecture}.safetensors"
    save_file(timm.create_model(architecture, **arguments).state_dict(), path)
    return LocalFile(file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_layers_of_a_transformer_learn_at_the_rates_of_beit() -> None:
    network = built(tuned())
    depth = len(network.base.blocks)  # type: ignore[arg-type]
    share = {id(one): rate for rate, part in network.rates() for one in part}
    expected = {"cls_token": 0.5 ** (depth + 1), "pos_embed": 0.5 ** (depth + 1)}
    expected |= {f"blocks.{block}.mlp.fc1.weight": 0.5 ** (depth - block) for block in range(depth)}
    expected |= {"patch_embed.proj.weight": 0.5 ** (depth + 1), "norm.weight": 0.5}
    parameters = dict(network.base.named_parameters())
    assert {name: share[id(parameters[name])] for name in expected} == pytest.approx(expected)
    assert {share[id(one)] for one in network.head.parameters()} == {1.0}


NAMES = [
    ("timm", VIT), ("timm", RESNET), ("timm", "test_convnext"), ("timm", "test_efficientnet"),
    ("timm", "test_byobnet"), ("torchvision", "resnet18"), ("torchvision", "vit_b_16"),
    ("torchvision", "mobilenet_v3_small"), ("torchvision", "convnext_tiny"),
]  # fmt: skip


@pytest.mark.parametrize(("library", "architecture"), NAMES)
def test_every_number_learns_at_one_rate_and_lower_layers_more_slowly(
    library: str, architecture: str
) -> None:
    with torch.device("meta"):
        base = tuned(architecture, library=library)._base(SIDE, SIDE)[0]
    network = FineTuning(
        base, nn.Linear(1, 2), 0, repeated=False, last_blocks=None, layer_decay=0.9,
        size=(SIDE, SIDE),
    )  # fmt: skip
    rates = network.rates()
    told = [id(parameter) for _, part in rates for parameter in part]
    assert sorted(told) == sorted(id(parameter) for parameter in network.parameters())
    shares = [share for share, _ in rates]
    assert shares == sorted(shares, reverse=True)
    assert len(layer_names(base)) >= 4


def test_blocks_of_a_resnet_are_layers_and_its_first_normalisation_goes_with_the_convolution() -> (
    None
):
    base, _ = tuned("resnet18", library="torchvision")._base(SIDE, SIDE)
    assert layer_names(base)[:3] == [["conv1", "bn1"], ["layer1.0"], ["layer1.1"]]
    assert len(layer_names(base)) == 1 + 8


def test_the_optimizer_takes_the_rates(tmp_path: Path) -> None:
    network = built(tuned())
    module: Any = type("Module", (), {"classifier": type("C", (), {"network": network})})
    module.parameters = network.parameters
    groups = _optimizer(training(lr=0.01).optimizer, module).param_groups
    assert groups[0]["lr"] == 0.01
    assert [group["lr"] for group in groups[1:4]] == pytest.approx([0.005, 0.0025, 0.00125])


@pytest.mark.parametrize("frozen_epochs", [None, 1, 0])
def test_the_head_learns_first_then_the_last_blocks_alone(
    tmp_path: Path, frozen_epochs: int | None
) -> None:
    network = built(tuned(RESNET, frozen_epochs=frozen_epochs, last_blocks=2))
    names = layer_names(network.base)
    below = tuple(f"{name}." for layer in names[:-2] for name in layer)
    optimizer = torch.optim.Adam(network.parameters(), weight_decay=0.1)
    for epoch in range(2):
        before = {name: one.clone() for name, one in network.base.state_dict().items()}
        network.begin_epoch(epoch)
        network.train()
        network(torch.randn(4, 1, SIDE, SIDE)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        after = network.base.state_dict()
        changed = {name for name, one in before.items() if not torch.equal(one, after[name])}
        released = frozen_epochs is not None and epoch >= frozen_epochs
        assert bool(changed) == released
        assert not any(name.startswith(below) for name in changed)  # nor its normalisation
    assert parameter_count(network) < parameter_count(built(tuned(RESNET)))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_weights_of_a_file_give_what_timm_gives(tmp_path: Path, channels: int) -> None:
    source = weights_file(tmp_path, VIT, num_classes=5)
    options = tuned(weights=source, gray="sum")
    network = built(options, channels)
    options.load_weights(network)
    torch.manual_seed(7)
    reference = timm.create_model(VIT, num_classes=5).eval()
    images = torch.randn(2, channels, SIDE, SIDE)
    if channels > 3:
        assert network(images).shape == (2, 2)
        return
    colour = images.expand(-1, 3, -1, -1)
    whole = timm.create_model(VIT, num_classes=0, img_size=(SIDE, SIDE)).eval()
    convert = timm.models.vision_transformer.checkpoint_filter_fn
    whole.load_state_dict(convert(reference.state_dict(), whole), strict=False)
    torch.testing.assert_close(network.eval().base(images), whole(colour), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", [VIT, RESNET])
def test_it_is_trained_saved_and_loaded_without_the_weights_it_started_from(
    tmp_path: Path, architecture: str
) -> None:
    source = weights_file(tmp_path, architecture)
    options = tuned(architecture, weights=source, frozen_epochs=1, last_blocks=2)
    known, unseen = halves(tmp_path, 24)
    fitted = NetworkModel(options, CPU, threads=1).fit(known, unseen, FitContext(seed=0))
    fitted.save(tmp_path / "model")
    Path(source.file).unlink()
    again = load_network(tmp_path / "model")
    np.testing.assert_array_equal(again.scores(unseen.inputs), fitted.scores(unseen.inputs))
    assert fitted.summary.multiply_adds


def test_what_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"no network `resnet19`.*list_models"):
        tuned("resnet19").build(1, SIDE, SIDE, 2)
    with pytest.raises(ModelFailure, match=r"last_blocks of at most"):
        tuned(last_blocks=99).build(1, SIDE, SIDE, 2)
    with pytest.raises(ModelFailure, match=r"images of 30 × 30.*image_size"):
        tuned().build(1, 30, 30, 2)
    other = tuned(weights=weights_file(tmp_path, RESNET))
    with pytest.raises(DataError, match=r"these weights do not fit test_vit.*architecture"):
        other.load_weights(built(other))
    named = tuned(weights="IMAGENET1K_V1")
    with pytest.raises(OptionError, match=r"model\.weights.*hub, revision"):
        named.load_weights(built(named))
    hub = HubFile(hub="a/b", revision="main", filename="c.safetensors", sha256=None)
    theirs = tuned("resnet18", library="torchvision", weights=hub)
    with pytest.raises(OptionError, match="torchvision's name of weights"):
        theirs.load_weights(built(theirs))
