"""Weights from files, addresses and a hub: verified, resumed, and each refusal says what to do."""

import functools
import http.server
import pickle
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from skiagram.compute.files import sha256_of
from skiagram.encoders.weights import HubFile, LocalFile, read_tensors
from skiagram.errors import DataError, OptionError

pytestmark = pytest.mark.slow  # imports PyTorch

WHERE = "encoder.weights"
COMMIT = "0" * 39 + "1"
SIZE = 300_000


@dataclass
class Hub:
    """A server of one file that answers as the Hugging Face hub does."""

    content: bytes
    refusal: tuple[int, str] | None = None  # status and reason that it answers with
    address: str = ""
    questions: int = 0


class _Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, hub, *arguments):
        self.hub = hub
        super().__init__(*arguments)

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, *, body):
        hub = self.hub
        hub.questions += 1
        status, reason = hub.refusal or (200, "")
        self.send_response(status)
        headers = {"ETag": '"one"', "X-Repo-Commit": COMMIT, "Content-Length": len(hub.content)}
        if hub.refusal:
            headers = {"X-Error-Code": reason, "Content-Length": 0}
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        if body and not hub.refusal:
            self.wfile.write(hub.content)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    path = tmp_path / "served.safetensors"
    save_file({"layer.weight": torch.arange(SIZE // 4, dtype=torch.float32)}, path)
    served = Hub(path.read_bytes())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Answers, served))
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    served.address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", served.address)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    yield served
    server.shutdown()
    server.server_close()


def hub_file(sha256=None):
    return HubFile(hub="owner/name", revision="main", filename="model.safetensors", sha256=sha256)


def test_a_hub_file_is_fetched_and_asked_for_once(hub, monkeypatch):
    path = hub_file().locate(WHERE)
    assert path.read_bytes() == hub.content
    assert list(read_tensors(path)) == ["layer.weight"]
    asked = hub.questions
    for offline in ("0", "1"):
        monkeypatch.setenv("HF_HUB_OFFLINE", offline)
        assert hub_file(sha256_of(path)).locate(WHERE) == path
    assert hub.questions == asked
    with pytest.raises(DataError, match=rf"Allowed: {'0' * 64}.*{WHERE}\.sha256"):
        hub_file("0" * 64).locate(WHERE)


def test_offline_the_message_says_what_to_fetch(hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DataError, match=r"HF_HUB_OFFLINE is set.*hf download.*owner/name model"):
        hub_file().locate(WHERE)


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "GatedRepo"), (404, "EntryNotFound"), (401, "RepoNotFound")]
)
def test_what_the_hub_refuses_is_named(hub, status, reason):
    hub.refusal = (status, reason)
    said = rf"model\.safetensors of owner/name at main.*{status}.*licence.*hf auth login"
    with pytest.raises(DataError, match=said):
        hub_file().locate(WHERE)


def test_a_file_is_verified(tmp_path):
    path = tmp_path / "w.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    assert LocalFile(file=str(path), sha256=sha256_of(path)).locate(WHERE) == path
    with pytest.raises(DataError, match="SHA-256"):
        LocalFile(file=str(path), sha256="0" * 64).locate(WHERE)
    with pytest.raises(DataError, match="no such file of weights"):
        LocalFile(file=str(tmp_path / "none"), sha256="0" * 64).locate(WHERE)


class _Runs:
    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def test_nothing_of_a_pickled_file_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tensors = {"a": torch.zeros(2)}
    (tmp_path / "w.pth").write_bytes(pickle.dumps(tensors | {"b": _Runs()}))
    (tmp_path / "s.safetensors").write_bytes(b"cut off")
    torch.save({"state_dict": tensors, "more": _Runs()}, tmp_path / "v.pt")
    torch.save([1, 2], tmp_path / "t.pt")
    for name, said in (
        ("w.pth", r"holds more than tensors.*\.safetensors"),
        ("v.pt", "holds more than tensors"),
        ("t.pt", "no tensors by name"),
        ("s.safetensors", "is damaged"),
    ):
        with pytest.raises(DataError, match=said):
            read_tensors(tmp_path / name)
    assert not (tmp_path / "ran").exists()
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "u.pt")
    assert list(read_tensors(tmp_path / "u.pt")) == ["a"]


def test_without_packages_one_line_says_which(hub, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(OptionError, match=r"timm is not installed.*`make setup`"):
        hub_file().locate(WHERE)
