"""Weights come by name over a network or from a checked file; nothing but tensors is read."""

import dataclasses
import hashlib
import http.server
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import ShuffleNet_V2_X0_5_Weights as Published
from torchvision.models import get_model, resnet18, shufflenet_v2_x0_5

from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.models.contract import FitContext
from skiagram.models.deep.fitted import load_network
from skiagram.models.deep.network_model import NetworkModel
from skiagram.models.deep.pretrained import Pretrained
from skiagram.models.deep.transfer import Transfer, WeightsFile, read_state_dict
from skiagram.models.deep.vgg16_transfer import VGG16Transfer
from skiagram.training.classifier import multiply_adds, parameter_count
from skiagram.training.module import ClassifierTraining
from tests.models.deep.spots import CPU, halves, training

ARCHITECTURE, NAME = "shufflenet_v2_x0_5", "IMAGENET1K_V1"
BOTH_WAYS = r"no weights of shufflenet_v2_x0_5.*internet.*file: PATH, sha256: CHECKSUM"


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    torch.manual_seed(5)
    return dict(shufflenet_v2_x0_5(weights=None).state_dict())


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def from_file(path: Path) -> dict[str, Tensor] | None:
    return read_state_dict(ARCHITECTURE, WeightsFile(file=str(path), sha256=checksum(path)))


def assert_equal(found: dict[str, Tensor] | None, expected: dict[str, Tensor]) -> None:
    assert found is not None
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """Serve a folder on this machine alone, and keep what is fetched below the test's folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{one.server_port}"
        one.shutdown()


@pytest.mark.slow
def test_weights_by_name_are_fetched_once_and_checked(
    server: tuple[Path, str], weights: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = server
    torch.save(weights, folder / "weights")
    path = folder / f"tiny-{checksum(folder / 'weights')[:8]}.pth"
    (folder / "weights").rename(path)
    monkeypatch.setattr(Published[NAME].value, "url", f"{url}/{path.name}")
    assert_equal(read_state_dict(ARCHITECTURE, NAME), weights)
    path.unlink()
    assert_equal(read_state_dict(ARCHITECTURE, NAME), weights)


@pytest.mark.slow
def test_a_damaged_download_is_refused(
    server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = server
    (folder / "tiny-01234567.pth").write_bytes(b"half of it")
    monkeypatch.setattr(Published[NAME].value, "url", f"{url}/tiny-01234567.pth")
    with pytest.raises(DataError, match=BOTH_WAYS):
        read_state_dict(ARCHITECTURE, NAME)


def test_without_a_network_or_a_file_one_error_says_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(Published[NAME].value, "url", "http://127.0.0.1:9/tiny-01234567.pth")
    with pytest.raises(DataError, match=BOTH_WAYS):
        read_state_dict(ARCHITECTURE, NAME)
    with pytest.raises(DataError, match=BOTH_WAYS):
        read_state_dict(
            ARCHITECTURE, WeightsFile(file=str(tmp_path / "absent.pth"), sha256=64 * "0")
        )


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(OptionError, match=r"model\.weights.*none, IMAGENET1K_V1, .*a file"):
        read_state_dict(ARCHITECTURE, "IMAGENET2")


def test_both_kinds_of_files_are_read(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    torch.save(weights, tmp_path / "weights.pth")
    save_file(weights, tmp_path / "weights.safetensors")
    for name in ("weights.pth", "weights.safetensors"):
        assert_equal(from_file(tmp_path / name), weights)


def test_another_file_than_the_named_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"SHA-256 [0-9a-f]{64}.*Allowed: 0{64}"):
        read_state_dict(
            ARCHITECTURE, WeightsFile(file=str(tmp_path / "weights.pth"), sha256=64 * "0")
        )


class Boom:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, ("executed",)


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"neither", pickle.dumps(Boom(), protocol=2)])
def test_what_is_no_state_dict_is_refused_and_runs_nothing(
    tmp_path: Path, suffix: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"weights.{suffix}"
    path.write_bytes(content)
    with pytest.raises(DataError, match="no state dict"):
        from_file(path)
    assert not (tmp_path / "executed").exists()


SMALL = "shufflenet_v2_x0_5"


def weights_file(folder: Path, architecture: str = SMALL) -> WeightsFile:
    torch.manual_seed(5)
    path = folder / f"{architecture}.pth"
    torch.save(get_model(architecture, weights=None).state_dict(), path)
    return WeightsFile(file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def pretrained(
    weights: str | WeightsFile = "none",
    architecture: str = SMALL,
    gray: Literal["repeat", "sum"] = "repeat",
    frozen_epochs: int | None = 0,
) -> Pretrained:
    return Pretrained(
        architecture=architecture,
        weights=weights,
        gray=gray,
        frozen_epochs=frozen_epochs,
        training=training(epochs=2),
    )


def started(options: Pretrained, channels: int = 1) -> Transfer:
    """Return a network with the weights it starts from, its new layer drawn from one seed."""
    torch.manual_seed(0)
    network = options.build(channels, 32, 32, 2)
    options.load_weights(network)
    assert isinstance(network, Transfer)
    return network.eval()


@pytest.mark.parametrize("architecture", [SMALL, "mobilenet_v3_small"])
def test_repeated_channels_and_summed_filters_score_alike(
    tmp_path: Path, architecture: str
) -> None:
    weights, images = weights_file(tmp_path, architecture), torch.randn(4, 1, 32, 32)
    repeat = started(pretrained(weights, architecture, "repeat"))
    summed = started(pretrained(weights, architecture, "sum"))
    summed.head.load_state_dict(repeat.head.state_dict())
    torch.testing.assert_close(repeat(images), summed(images), rtol=1e-4, atol=1e-5)
    assert parameter_count(summed) < parameter_count(repeat)
    colour = started(pretrained(weights, architecture), channels=3)
    colour.head.load_state_dict(repeat.head.state_dict())
    torch.testing.assert_close(repeat(images), colour(images.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("channels", [2, 6, 7])
def test_other_channels_read_the_filters_in_turn_as_timm_does(
    tmp_path: Path, channels: int
) -> None:
    adapt = pytest.importorskip("timm.models").adapt_input_conv
    weights, images = weights_file(tmp_path), torch.randn(2, channels, 32, 32)
    network = started(pretrained(weights), channels=channels)
    original = torch.load(weights.file, weights_only=True)["conv1.0.weight"]
    found = network.base.state_dict()["conv1.0.weight"]
    torch.testing.assert_close(found, adapt(channels, original))
    assert network(images).shape == (2, 2)
    if channels == 6:  # as many of each colour: equal planes give what one of them gives
        colour = started(pretrained(weights), channels=3)
        colour.head.load_state_dict(network.head.state_dict())
        twice = torch.cat([images[:, :3], images[:, :3]], dim=1)
        torch.testing.assert_close(network(twice), colour(images[:, :3]), rtol=1e-4, atol=1e-5)


def test_the_base_is_torchvisions_with_the_given_weights(tmp_path: Path) -> None:
    weights = weights_file(tmp_path)
    reference = get_model(SMALL, weights=None)
    reference.load_state_dict(torch.load(weights.file, weights_only=True))
    reference.fc = torch.nn.Identity()
    images = torch.randn(2, 3, 32, 32)
    base = started(pretrained(weights), channels=3).base
    torch.testing.assert_close(base(images), reference.eval()(images))


def state(network: Transfer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.base.state_dict().items()}


def changed(network: Transfer, before: dict[str, Tensor]) -> bool:
    return any(not torch.equal(before[name], now) for name, now in state(network).items())


@pytest.mark.parametrize("frozen_epochs", [None, 2, 0])
def test_a_base_learns_only_once_it_is_released(frozen_epochs: int | None) -> None:
    network = started(pretrained(frozen_epochs=frozen_epochs)).train()
    optimizer = torch.optim.Adam(network.parameters(), weight_decay=0.1)
    for epoch in range(3):
        base, head = state(network), network.head.weight.clone()  # type: ignore[operator]
        network.begin_epoch(epoch)
        network.train()
        network(torch.randn(4, 1, 32, 32)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        assert changed(network, base) == (frozen_epochs is not None and epoch >= frozen_epochs)
        assert not torch.equal(network.head.weight, head)  # type: ignore[arg-type]


def small_learner(weights: str | WeightsFile, frozen_epochs: int) -> NetworkModel:
    options = dataclasses.replace(training(epochs=6), patience=2, image_size=32)
    network = dataclasses.replace(
        pretrained(weights, frozen_epochs=frozen_epochs), training=options
    )
    return NetworkModel(network, CPU, threads=1)


@pytest.mark.parametrize(("frozen_epochs", "epochs"), [(0, 3), (3, 5)])
def test_patience_counts_from_the_release_of_the_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen_epochs: int, epochs: int
) -> None:
    def log_worse(module: ClassifierTraining) -> None:
        loss = float(module.current_epoch)
        module.log_dict({"validation_loss": loss, "validation_accuracy": 0.5})

    monkeypatch.setattr(ClassifierTraining, "on_validation_epoch_end", log_worse)
    known, unseen = halves(tmp_path, 12)
    fitted = small_learner("none", frozen_epochs).fit(known, unseen, FitContext(seed=0))
    assert len(fitted.summary.curves) == epochs


def test_a_saved_network_needs_its_first_weights_no_more(tmp_path: Path) -> None:
    weights = weights_file(tmp_path)
    known, unseen = halves(tmp_path, 12)
    fitted = small_learner(weights, 0).fit(known, unseen, FitContext(seed=0))
    fitted.save(tmp_path / "model")
    Path(weights.file).unlink()
    again = load_network(tmp_path / "model")
    np.testing.assert_array_equal(again.scores(unseen.inputs), fitted.scores(unseen.inputs))


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    weights = weights_file(tmp_path, "mnasnet0_5")
    with pytest.raises(DataError, match=r"model\.weights: these weights do not fit.*architecture"):
        started(pretrained(weights))


@pytest.mark.slow
def test_architectures_and_images_that_do_not_fit_are_refused() -> None:
    with pytest.raises(OptionError, match=r"model\.architecture.*resnet19.*resnet18"):
        pretrained(architecture="resnet19").build(1, 32, 32, 2)
    with pytest.raises(ModelFailure, match=r"vgg11: images of 20 × 20.*image_size"):
        pretrained(architecture="vgg11").build(1, 20, 20, 2)


def test_multiply_adds_are_the_published_ones() -> None:
    """torchvision's table of models: 1.81 GFLOPS for ResNet-18."""
    assert multiply_adds(resnet18(weights=None), (3, 224, 224)) == pytest.approx(1.814e9, rel=1e-3)


VGG16 = VGG16Transfer(weights="none", gray="repeat", frozen_epochs=None, training=training())


def test_the_articles_transfer_network_has_keras_numbers_of_parameters() -> None:
    """Keras' VGG16 without its top has 14,714,688; frozen, the new layers alone learn."""
    new = 512 * 128 + 128 + 128 * 3 + 3
    assert parameter_count(VGG16.build(3, 32, 32, 3)) == new
    released = dataclasses.replace(VGG16, frozen_epochs=0)
    assert parameter_count(released.build(3, 32, 32, 3)) == 14_714_688 + new
    with pytest.raises(ModelFailure, match=r"31 × 40 pixels.*at least 32 × 32"):
        VGG16.build(3, 31, 40, 2)


@pytest.mark.slow
def test_the_articles_transfer_network_takes_vgg16s_convolutions(tmp_path: Path) -> None:
    source = weights_file(tmp_path, "vgg16")
    network = VGG16.build(3, 32, 32, 2)
    dataclasses.replace(VGG16, weights=source).load_weights(network)
    expected = torch.load(source.file, weights_only=True)
    assert isinstance(network, Transfer)
    for name, value in network.base[0].state_dict().items():  # type: ignore[index]
        assert torch.equal(value, expected[f"features.{name}"])
