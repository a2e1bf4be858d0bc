"""An encrypted archive gives the same files as its folder; what is wrong with one is named."""

import io
import os
import tarfile
from pathlib import Path

import pyrage
import pytest
from pyrage import x25519

from skiagram.errors import DataError
from skiagram.readers.case_images import is_image_file
from skiagram.readers.file_trees import FolderTree
from skiagram.sealing import archive as archives
from skiagram.sealing import encryption
from skiagram.sealing.archive import EncryptedArchive, open_tree
from skiagram.sealing.encryption import Purpose
from tests.datasets.own_folders import png

KEY = x25519.Identity.generate()
FILES = {
    "a.png": png(1),
    "sub folder/b.png": png(2),
    "sub folder/note.txt": b"nothing",
    "series/1": b"x" * 2000,
    "series/2": b"y" * 3000,
}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv(Purpose.ARCHIVE.variable, str(KEY))
    monkeypatch.delenv(Purpose.ARCHIVE.file_variable, raising=False)


def member(name, **fields):
    described = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(described, field, value)
    return described


def tar_bytes(
    files,
    *,
    mode="w",
    further=(),
):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in files.items():
            tar.addfile(member(name, size=len(content)), io.BytesIO(content))
        for described in further:
            tar.addfile(described, io.BytesIO(b"x"))
    return buffer.getvalue()


def encrypted(path, content, recipient=KEY):
    path.write_bytes(pyrage.encrypt(content, [recipient.to_public()]))
    return path


@pytest.fixture
def archive(tmp_path):
    """Return an archive as `tar -C folder .` makes it, hidden files and all."""
    whole = {f"./{name}": content for name, content in FILES.items()}
    hidden = {"./.DS_Store": b"x", "./._a.png": png(1), "./.cache/c.png": png(3)}
    hidden |= {"./sub folder/@eaDir/b.png": png(4)}
    return encrypted(tmp_path / "images.tar.age", tar_bytes(whole | hidden))


def opened(path, at_hand=2**20):
    return EncryptedArchive(path, path.name, is_image_file, at_hand)


def test_an_archive_has_the_files_of_its_folder(archive, tmp_path):
    for name, content in FILES.items():
        (tmp_path / "plain" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "plain" / name).write_bytes(content)
    for hidden in (".hidden.png", "$RECYCLE.BIN/a.png"):
        (tmp_path / "plain" / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / "plain" / hidden).write_bytes(png(1))
    folder = open_tree(tmp_path / "plain", "plain", is_image_file)
    inside = open_tree(archive, "archive", is_image_file)
    assert isinstance(folder, FolderTree)
    assert isinstance(inside, EncryptedArchive)
    for tree in (folder, inside):
        assert {name: tree.read(name) for name in FILES} == FILES
        assert sorted(tree.images(["a.png"])) == ["sub folder/b.png"]
        assert tree.series("series") == ["1", "2"]
        assert tree.series("a.png") is None


@pytest.mark.parametrize("at_hand", [0, 4000, 2**20])
def test_files_are_the_same_in_any_order_whatever_is_kept(archive, at_hand):
    tree = opened(archive, at_hand)
    order = ["series", "a.png", "sub folder/b.png", "a.png"]
    tree.announce(order)
    for name in ["series/2", "sub folder/b.png", "series/1", "a.png", "sub folder/note.txt"]:
        assert tree.read(name) == FILES[name]


@pytest.mark.slow
def test_what_is_announced_is_fetched_in_few_passages(archive, monkeypatch):
    tree = opened(archive, at_hand=4000)
    passages = []
    open_archive = encryption.open_decrypted

    def count(path, purpose, where):
        passages.append(path)
        return open_archive(path, purpose, where)

    monkeypatch.setattr(archives, "open_decrypted", count)
    order = ["series/2", "a.png", "series/1", "sub folder/note.txt"]
    tree.announce(order)
    for name in order:
        tree.read(name)
        assert sum(map(len, tree._held.values())) <= 4000
    assert len(passages) == 2


def test_nothing_is_written(archive, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    opened(archive).read("a.png")
    assert sorted(tmp_path.rglob("*")) == before


DAMAGES = {
    "empty": lambda _: b"",
    "no age": lambda _: b"PK" + bytes(5000),
    "cut in its header": lambda content: content[:60],
    "cut in its middle": lambda content: content[: len(content) // 2],
    "without its last byte": lambda content: content[:-1],
    "a bit turned": lambda c: c[:-9000] + bytes([c[-9000] ^ 1]) + c[-8999:],
    "bytes after its end": lambda content: content + b"x",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(archive, damage):
    archive.write_bytes(DAMAGES[damage](archive.read_bytes()))
    with pytest.raises(DataError, match="altered or cut short") as error:
        opened(archive)
    assert error.value.where == archive.name


def test_another_key_and_no_key_are_named(archive, tmp_path, monkeypatch):
    other = x25519.Identity.generate()
    monkeypatch.setenv(Purpose.ARCHIVE.variable, str(other))
    with pytest.raises(DataError, match="another key is needed") as wrong:
        opened(archive)
    monkeypatch.setenv(Purpose.ARCHIVE.variable, "hunter2")
    with pytest.raises(DataError, match="no secret key of age") as malformed:
        opened(archive)
    monkeypatch.delenv(Purpose.ARCHIVE.variable)
    with pytest.raises(DataError, match="SKIAGRAM_ARCHIVE_KEY_FILE"):
        opened(archive)
    monkeypatch.setenv(Purpose.ARCHIVE.file_variable, str(tmp_path / "absent"))
    with pytest.raises(DataError, match="the file of the key cannot be read"):
        opened(archive)
    said = f"{wrong.value} {malformed.value}"
    assert "hunter2" not in said
    assert str(other) not in said


LINK = member("z.png", type=tarfile.SYMTYPE, linkname="/etc/passwd")
DEVICE = member("z.png", type=tarfile.CHRTYPE)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (tar_bytes(FILES, mode="w:gz"), "no plain tar"),
        (b"\x89PNG" * 500, "no plain tar"),
        (b"", "no plain tar"),
        (tar_bytes({"../a.png": b"x"}), "the name `../a.png`"),
        (tar_bytes({"/a.png": b"x"}), "the name `/a.png`"),
        (tar_bytes(FILES, further=[LINK]), "`z.png` is a link"),
        (tar_bytes(FILES, further=[DEVICE]), "`z.png` is a link, a device"),
        (tar_bytes(FILES, further=[member("./a.png", size=1)]), r"`a\.png` twice"),
        (tar_bytes(FILES)[:700], "no plain tar"),
        (tar_bytes({"a" * (2**21): b"x"}), "a description of"),
    ],
)  # fmt: skip
def test_what_is_no_plain_tar_of_files_is_named(tmp_path, content, words):
    with pytest.raises(DataError, match=words):
        opened(encrypted(tmp_path / "images.tar.age", content))


@pytest.mark.slow
def test_no_thread_or_pipe_is_left_after_an_error(archive):
    archive.write_bytes(archive.read_bytes()[:-1])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(DataError):
            opened(archive)
    # Fewer can be open: a file of an earlier test may be closed only now.
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


@pytest.mark.slow
def test_memory_is_bounded_by_what_is_kept(tmp_path):
    """An archive of 96 MB, of which 8 MB are kept, takes less than 48 MB more to read."""
    import psutil

    files = {f"{i}.bin": os.urandom(2**20) * 4 for i in range(24)}
    path = encrypted(tmp_path / "images.tar.age", tar_bytes(files))
    names = list(files)
    files.clear()
    before = psutil.Process().memory_info().rss
    most = 0
    tree = opened(path, at_hand=8 * 2**20)
    tree.announce(names)
    for name in names[::8]:
        assert len(tree.read(name)) == 4 * 2**20
        most = max(most, psutil.Process().memory_info().rss - before)
    assert most < 48 * 2**20
