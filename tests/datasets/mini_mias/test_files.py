"""The films of mini-MIAS: either format verifies, nothing else does."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest
from PIL import Image as Pictures

from skiagram.datasets.mini_mias.files import locate_folder, published_digests, read_film
from skiagram.errors import DataError
from tests.datasets.mini_mias_folder import digests, film, films

NAME = "mdb002"
DIGESTS = digests({NAME: film(2)})


@pytest.mark.parametrize("suffix", [".png", ".pgm"])
def test_png_and_pgm_are_the_same_film(suffix: str, tmp_path: Path) -> None:
    Pictures.fromarray(film(2)).save(tmp_path / f"{NAME}{suffix}")
    np.testing.assert_array_equal(read_film(tmp_path, NAME, DIGESTS), film(2))


def test_missing_film_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"{NAME}: film is missing\. Allowed: {NAME}\.png or"):
        read_film(tmp_path, NAME, DIGESTS)


def test_altered_film_is_named(tmp_path: Path) -> None:
    pixels = film(2)
    pixels[0, 0] += 1
    Pictures.fromarray(pixels).save(tmp_path / f"{NAME}.png")
    with pytest.raises(DataError, match=rf"{NAME}\.png: pixels of checksum"):
        read_film(tmp_path, NAME, DIGESTS)


def test_same_bytes_in_another_shape_are_refused(tmp_path: Path) -> None:
    Pictures.fromarray(film(2).reshape(512, 2048)).save(tmp_path / f"{NAME}.png")
    with pytest.raises(DataError, match=r"shape \(512, 2048\)"):
        read_film(tmp_path, NAME, DIGESTS)


@pytest.mark.parametrize("kept", [0, 8, 2000])
def test_truncated_film_is_named(kept: int, tmp_path: Path) -> None:
    path = tmp_path / f"{NAME}.png"
    Pictures.fromarray(film(2)).save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=rf"{NAME}\.png: cannot be read"):
        read_film(tmp_path, NAME, DIGESTS)


def archive(path: Path) -> Path:
    """Write an archive as published, and some members nobody asked for."""
    encoded = io.BytesIO()
    Pictures.fromarray(film(2)).save(encoded, format="PPM")
    contents = {f"{NAME}.pgm": encoded.getvalue(), "Info.txt": b"", "../evil": b"", "README": b""}
    with tarfile.open(path, "w:gz") as members:
        for name, content in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    return path


def test_fetched_archive_yields_the_wanted_files_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    fetched = archive(cache / "all.tar.gz")
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: str(fetched))
    for _ in range(2):  # the second time it is already unpacked
        folder = locate_folder("mini-mias", "http://example.org", tmp_path, DIGESTS)
        np.testing.assert_array_equal(read_film(folder, NAME, DIGESTS), film(2))
    assert sorted(path.name for path in folder.iterdir()) == ["Info.txt", f"{NAME}.pgm"]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "Info.txt",
        "all.tar.gz",
        f"{NAME}.pgm",
    ]


def test_unreachable_place_and_broken_archive_have_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any, **__: Any) -> str:
        raise OSError("no route")

    monkeypatch.setattr(pooch, "retrieve", unreachable)
    with pytest.raises(DataError, match=r"cannot be fetched \(no route\).*below SKIAGRAM_DATA"):
        locate_folder("mini-mias", "http://example.org", tmp_path, DIGESTS)
    broken = tmp_path / "all.tar.gz"
    broken.write_bytes(b"<html>moved</html>")
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: str(broken))
    with pytest.raises(DataError, match="cannot be fetched"):
        locate_folder("mini-mias", "http://example.org", tmp_path, DIGESTS)


def test_folder_at_hand_is_taken_first(tmp_path: Path) -> None:
    (tmp_path / "mini-mias").mkdir()
    found = locate_folder("mini-mias", "http://example.org", tmp_path, DIGESTS)
    assert found == tmp_path / "mini-mias"


def test_manifest_lists_every_film_and_the_text_file_once() -> None:
    published = published_digests()
    assert set(published) == {"Info.txt", *(f"mdb{number:03d}" for number in range(1, 323))}
    assert len(set(published.values())) == 323
    assert films().keys() <= published.keys()
