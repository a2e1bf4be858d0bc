"""Files at hand or fetched, from a server on the loopback interface."""

import hashlib
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from skiagram.errors import DataError
from skiagram.readers.files import locate

CONTENT = b"images"
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
NOWHERE = "http://127.0.0.1:9/set.npz"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Serve a folder with `set.npz`; what is fetched goes to a cache in the temporary folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "set.npz").write_bytes(CONTENT)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_file_at_hand_is_used_without_a_network(tmp_path):
    (tmp_path / "set.npz").write_bytes(CONTENT)
    assert locate("set.npz", MD5, NOWHERE, tmp_path) == tmp_path / "set.npz"


def test_altered_file_at_hand_is_refused(tmp_path):
    (tmp_path / "set.npz").write_bytes(CONTENT + b"!")
    with pytest.raises(DataError, match=r"^set\.npz: checksum [0-9a-f]{32}\.") as raised:
        locate("set.npz", MD5, NOWHERE, tmp_path)
    assert raised.value.allowed == MD5
    assert "SKIAGRAM_DATA" in raised.value.remedy


@pytest.mark.parametrize("at_hand", [True, False])
def test_absent_file_is_fetched_once_and_verified(at_hand, served, tmp_path):
    root = tmp_path if at_hand else None
    fetched = locate("set.npz", MD5, f"{served}/set.npz", root)
    assert fetched.read_bytes() == CONTENT
    assert locate("set.npz", MD5, NOWHERE, root) == fetched


def test_fetched_file_with_another_checksum_is_refused_and_not_kept(served, tmp_path):
    with pytest.raises(DataError, match=r"^set\.npz: cannot be downloaded") as raised:
        locate("set.npz", "0" * 32, f"{served}/set.npz", None)
    assert "0" * 32 in raised.value.remedy
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("at_hand", [True, False])
def test_file_that_is_published_nowhere_must_be_at_hand(at_hand, tmp_path):
    with pytest.raises(DataError, match=r"^set\.npz: is missing and cannot be") as raised:
        locate("set.npz", MD5, None, tmp_path if at_hand else None)
    assert MD5 in raised.value.remedy
    assert "SKIAGRAM_DATA" in raised.value.remedy
