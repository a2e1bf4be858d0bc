"""The text file of mini-MIAS: what is read, and what is refused."""

from pathlib import Path

import pytest

from skiagram.datasets.mini_mias.truth import read_truth
from skiagram.errors import DataError
from tests.datasets.mini_mias_folder import ROWS, digests

DIGESTS = digests({})


def written(folder: Path, text: str) -> Path:
    path = folder / "Info.txt"
    path.write_bytes(text.encode())
    return path


def test_films_lesions_and_patients_are_read(tmp_path: Path) -> None:
    films = {film.name: film for film in read_truth(written(tmp_path, ROWS), DIGESTS)}
    assert len(films) == 10
    assert [films[f"mdb00{at}"].patient for at in (1, 2, 3, 4)] == ["1", "1", "2", "2"]
    assert films["mdb001"].left
    assert not films["mdb002"].left
    assert films["mdb002"].lesions == ()
    assert films["mdb001"].tissue == "fatty-glandular"
    assert films["mdb004"].malignant
    assert not films["mdb001"].malignant
    assert len(films["mdb007"].lesions) == 2
    assert films["mdb005"].lesions[0].place is None
    assert films["mdb008"].lesions[0].place is None


def test_rows_are_counted_from_the_bottom(tmp_path: Path) -> None:
    films = read_truth(written(tmp_path, ROWS), DIGESTS)
    assert films[0].lesions[0].place == (1023 - 425, 600)


def test_line_ends_headings_and_blanks_do_not_matter(tmp_path: Path) -> None:
    dressed = "MIAS\r\n\r\n" + ROWS.replace("NORM", "NORM ").replace("\n", "\r\n") + "\r\n"
    assert len(read_truth(written(tmp_path, dressed), DIGESTS)) == 10


@pytest.mark.parametrize(
    "row",
    [
        "mdb011 X NORM",
        "mdb011 G CIRC Q 1 2 3",
        "mdb011 G CIRC B 1 2",
        "mdb011 G LUMP B 1 2 3",
        "mdb011 G CIRC B 1024 2 3",
        "mdb011 G CIRC B 1 -2 3",
        "mdb011",
    ],
)
def test_unreadable_row_is_named(row: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"{ROWS}\n{row}\n")
    with pytest.raises(DataError, match=r"^Info\.txt: line 12 cannot be read: 'mdb011"):
        read_truth(path, DIGESTS)


@pytest.mark.parametrize("row", ["mdb007 D CIRC B 1 2 3", "mdb007 G NORM", "mdb002 D CALC B 1 2 3"])
def test_contradiction_is_named(row: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"{ROWS}\n{row}\n")
    with pytest.raises(DataError, match=r"line 12 contradicts an earlier row of mdb00"):
        read_truth(path, DIGESTS)


@pytest.mark.parametrize("altered", [ROWS.replace("SPIC M", "SPIC B"), ROWS[: ROWS.rindex("\n")]])
def test_altered_or_shortened_rows_are_refused(altered: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^Info\.txt: checksum .* film rows"):
        read_truth(written(tmp_path, altered), DIGESTS)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^Info\.txt: cannot be read \(No such file"):
        read_truth(tmp_path / "Info.txt", DIGESTS)
