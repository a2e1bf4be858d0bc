"""The text file of mini-MIAS: what is read, and what is refused."""

import io
import tarfile

import pooch
import pytest
from numpy.testing import assert_array_equal
from PIL import Image as Pictures

from skiagram.errors import DataError
from skiagram.sources.mini_mias.films import locate_folder, read_film, read_truth
from tests.sources.mini_mias_folder import ROWS, digests, film

DIGESTS = digests({})


def written(folder, text):
    path = folder / "Info.txt"
    path.write_bytes(text.encode())
    return path


def test_films_lesions_and_patients_are_read(tmp_path):
    films = {film.name: film for film in read_truth(written(tmp_path, ROWS), DIGESTS)}
    assert len(films) == 10
    assert [films[f"mdb00{at}"].patient for at in (1, 2, 3, 4)] == ["1", "1", "2", "2"]
    assert films["mdb001"].left
    assert not films["mdb002"].left
    assert films["mdb002"].lesions == ()
    assert films["mdb001"].tissue == "fatty-glandular"
    assert films["mdb004"].lesions[0].malignant
    assert not films["mdb001"].lesions[0].malignant
    assert len(films["mdb007"].lesions) == 2
    assert films["mdb005"].lesions[0].place is None
    assert films["mdb008"].lesions[0].place is None


def test_rows_are_counted_from_the_bottom(tmp_path):
    films = read_truth(written(tmp_path, ROWS), DIGESTS)
    assert films[0].lesions[0].place == (1023 - 425, 600)


@pytest.mark.parametrize("altered", [ROWS.replace("SPIC M", "SPIC B"), ROWS[: ROWS.rindex("\n")]])
def test_altered_or_shortened_rows_are_refused(altered, tmp_path):
    with pytest.raises(DataError, match=r"^Info\.txt: checksum .* film rows"):
        read_truth(written(tmp_path, altered), DIGESTS)


NAME = "mdb002"
DIGESTS_files = digests({NAME: film(2)})


@pytest.mark.parametrize("suffix", [".png", ".pgm"])
def test_png_and_pgm_are_the_same_film(suffix, tmp_path):
    Pictures.fromarray(film(2)).save(tmp_path / f"{NAME}{suffix}")
    assert_array_equal(read_film(tmp_path, NAME, DIGESTS_files), film(2))


def test_altered_film_is_named(tmp_path):
    pixels = film(2)
    pixels[0, 0] += 1
    Pictures.fromarray(pixels).save(tmp_path / f"{NAME}.png")
    with pytest.raises(DataError, match=rf"{NAME}\.png: pixels of checksum"):
        read_film(tmp_path, NAME, DIGESTS_files)


@pytest.mark.parametrize("kept", [0, 8, 2000])
def test_truncated_film_is_named(kept, tmp_path):
    path = tmp_path / f"{NAME}.png"
    Pictures.fromarray(film(2)).save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=rf"{NAME}\.png: cannot be read"):
        read_film(tmp_path, NAME, DIGESTS_files)


def archive(path):
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


def test_fetched_archive_yields_the_wanted_files_alone(tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir()
    fetched = archive(cache / "all.tar.gz")
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: str(fetched))
    for _ in range(2):  # the second time it is already unpacked
        folder = locate_folder("mini-mias", "http://example.org", tmp_path, DIGESTS_files)
        assert_array_equal(read_film(folder, NAME, DIGESTS_files), film(2))
    assert sorted(path.name for path in folder.iterdir()) == ["Info.txt", f"{NAME}.pgm"]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "Info.txt",
        "all.tar.gz",
        f"{NAME}.pgm",
    ]


def test_unreachable_place_and_broken_archive_have_a_remedy(tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(pooch, "retrieve", unreachable)
    with pytest.raises(DataError, match=r"cannot be downloaded \(no route\).*below SKIAGRAM_DATA"):
        locate_folder("mini-mias", "http://example.org", tmp_path, DIGESTS_files)
    broken = tmp_path / "all.tar.gz"
    broken.write_bytes(b"<html>moved</html>")
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: str(broken))
    with pytest.raises(DataError, match="cannot be downloaded"):
        locate_folder("mini-mias", "http://example.org", tmp_path, DIGESTS_files)
