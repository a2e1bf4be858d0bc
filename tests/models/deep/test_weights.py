"""Weights come by name over a network or from a checked file; nothing but tensors is read."""

import hashlib
import http.server
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import ShuffleNet_V2_X0_5_Weights as Published
from torchvision.models import shufflenet_v2_x0_5

from skiagram.errors import DataError, OptionError
from skiagram.models.deep.weights import WeightsFile, state_dict

ARCHITECTURE, NAME = "shufflenet_v2_x0_5", "IMAGENET1K_V1"
BOTH_WAYS = r"no weights of shufflenet_v2_x0_5.*internet.*file: PATH, sha256: CHECKSUM"


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    torch.manual_seed(5)
    return dict(shufflenet_v2_x0_5(weights=None).state_dict())


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def from_file(path: Path) -> dict[str, Tensor] | None:
    return state_dict(ARCHITECTURE, WeightsFile(file=str(path), sha256=checksum(path)))


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


def test_weights_by_name_are_fetched_once_and_checked(
    server: tuple[Path, str], weights: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = server
    torch.save(weights, folder / "weights")
    path = folder / f"tiny-{checksum(folder / 'weights')[:8]}.pth"
    (folder / "weights").rename(path)
    monkeypatch.setattr(Published[NAME].value, "url", f"{url}/{path.name}")
    assert_equal(state_dict(ARCHITECTURE, NAME), weights)
    path.unlink()
    assert_equal(state_dict(ARCHITECTURE, NAME), weights)


def test_a_damaged_download_is_refused(
    server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = server
    (folder / "tiny-01234567.pth").write_bytes(b"half of it")
    monkeypatch.setattr(Published[NAME].value, "url", f"{url}/tiny-01234567.pth")
    with pytest.raises(DataError, match=BOTH_WAYS):
        state_dict(ARCHITECTURE, NAME)


def test_without_a_network_or_a_file_one_error_says_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(Published[NAME].value, "url", "http://127.0.0.1:9/tiny-01234567.pth")
    with pytest.raises(DataError, match=BOTH_WAYS):
        state_dict(ARCHITECTURE, NAME)
    with pytest.raises(DataError, match=BOTH_WAYS):
        state_dict(ARCHITECTURE, WeightsFile(file=str(tmp_path / "absent.pth"), sha256=64 * "0"))


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(OptionError, match=r"model\.weights.*none, IMAGENET1K_V1, .*a file"):
        state_dict(ARCHITECTURE, "IMAGENET2")


def test_both_kinds_of_files_are_read(tmp_path: Path, weights: dict[str, Tensor]) -> None:
    torch.save(weights, tmp_path / "weights.pth")
    save_file(weights, tmp_path / "weights.safetensors")
    for name in ("weights.pth", "weights.safetensors"):
        assert_equal(from_file(tmp_path / name), weights)


def test_another_file_than_the_named_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"SHA-256 [0-9a-f]{64}.*Allowed: 0{64}"):
        state_dict(ARCHITECTURE, WeightsFile(file=str(tmp_path / "weights.pth"), sha256=64 * "0"))


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
