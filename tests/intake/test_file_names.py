"""Files are found by the names that tables of other people give them, or not at all."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest

from skiagram.datasets.folder.csv_rows import read_rows
from skiagram.errors import DataError
from skiagram.intake.file_names import find_listed_files
from skiagram.readers.case_images import is_image_file
from skiagram.readers.file_trees import FolderTree
from tests.readers.examples import VALUES, series_files

UMLAUT = "ä.png"


def found(folder: Path, there: list[str], name: str) -> tuple[str, str]:
    """Return the name that a table's one takes among some files, and what is said of it."""
    for file in there:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"x")
    tree = FolderTree(folder, lambda head: True)
    rows, note = find_listed_files(read_rows(f"file,n\n{name},1\n".encode()), "file", "file", tree)
    return rows[0].cells["file"], note


@pytest.mark.parametrize(
    ("there", "name", "file"),
    [
        (["ISIC_1.jpg"], "ISIC_1", "ISIC_1.jpg"),
        (["part_1/ISIC_1.jpg"], "ISIC_1", "part_1/ISIC_1.jpg"),
        (["train/p1/v.jpg"], "CheXpert-v1.0-small/train/p1/v.jpg", "train/p1/v.jpg"),
        (["1.jpg"], "train/1.jpg", "1.jpg"),
        (["a/b/1.png"], r"a\b\1.png", "a/b/1.png"),
        (["scans/p1.nii.gz"], "p1", "scans/p1.nii.gz"),
        (["1.png"], "/kaggle/input/1.png", "1.png"),
        ([unicodedata.normalize("NFD", UMLAUT)], UMLAUT, unicodedata.normalize("NFD", UMLAUT)),
        (["p1/series/1.dcm", "p1/series/2.dcm"], "data/p1/series", "p1/series"),
        (["Scans/A.PNG"], "scans/a.png", "Scans/A.PNG"),
    ],
)
def test_a_file_is_found_with_other_folders_ending_or_spelling(
    there: list[str], name: str, file: str, tmp_path: Path
) -> None:
    taken, note = found(tmp_path, there, name)
    assert taken == file
    assert f"`{name}` as `{file}`" in note


@pytest.mark.parametrize(
    ("there", "name"),
    [
        (["test/1.jpg"], "train/1.jpg"),
        (["a.png"], "b.png"),
        (["a.png", "b/a.png"], "a.png"),
        (["A.png", "AA.png", "Aa.png"], "a.png"),
        (["a.png"], "a.jpg"),
    ],
)
def test_a_name_of_another_folder_or_of_no_file_stays(
    there: list[str], name: str, tmp_path: Path
) -> None:
    assert found(tmp_path, there, name) == (name, "")


def test_a_name_of_two_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"`1` may be `a/1\.png` or `b/1\.png`"):
        found(tmp_path, ["a/1.png", "b/1.png"], "1")


def test_a_series_is_found_by_its_uid_where_the_disk_has_other_folders(tmp_path: Path) -> None:
    """TCIA's table of CBIS-DDSM names UIDs; its downloads, and Kaggle's, name folders otherwise."""
    films, case = ("1.3.6.1.4.1.17", "1.3.6.1.4.1.18"), "Mass-Training_P_1_LEFT_CC"
    for number, uid in enumerate(films):
        [(_, content)] = series_files(VALUES[:1], series=uid)
        place = tmp_path / case / f"07-20-2016-DDSM-NA-3010{number}/1.000000-images-{number}"
        place.mkdir(parents=True)
        (place / "1-1.dcm").write_bytes(content)
    kaggle = tmp_path / "jpeg/1.3.6.1.4.1.19"
    kaggle.mkdir(parents=True)
    (kaggle / "1-249.jpg").write_bytes(b"x")
    names = [f"{case}/1.3.6.1.4.1.7/{uid}/000000.dcm" for uid in (*films, "1.3.6.1.4.1.19")]
    absent = f"{case}/1.3.6.1.4.1.7/1.3.6.1.4.1.20/000000.dcm"
    rows = read_rows("\n".join(["file,n", *(f"{name},1" for name in (*names, absent))]).encode())
    tree = FolderTree(tmp_path, lambda head: True)
    renamed, _ = find_listed_files(rows, "file", "file", tree)
    assert [row.cells["file"] for row in renamed] == [
        f"{case}/07-20-2016-DDSM-NA-30100/1.000000-images-0/1-1.dcm",
        f"{case}/07-20-2016-DDSM-NA-30101/1.000000-images-1/1-1.dcm",
        "jpeg/1.3.6.1.4.1.19/1-249.jpg",
        absent,
    ]
    (kaggle / "2-249.jpg").write_bytes(b"x")
    with pytest.raises(DataError, match="may be"):
        find_listed_files(rows, "file", "file", tree)


def test_a_file_of_another_type_is_said_so_and_not_by_its_ending(tmp_path: Path) -> None:
    """MRNet's `0000.npy` was to be written with its ending, and then was no image."""
    np.save(tmp_path / "0000.npy", np.zeros((4, 5, 6), np.uint8))
    with pytest.raises(DataError, match=r"of a type that is no image: `\.npy`.*\.nii\.gz"):
        FolderTree(tmp_path, is_image_file).read("0000")


def test_a_row_for_each_image_and_finding_is_to_be_pivoted(tmp_path: Path) -> None:
    """RSNA's table of haemorrhages has such rows; each was called a file that is not there."""
    names = [f"ID_{at}_{finding}" for at in range(5) for finding in ("any", "epidural")]
    for at in range(5):
        (tmp_path / f"ID_{at}.dcm").write_bytes(b"x")
    tree = FolderTree(tmp_path, lambda head: True)
    rows = read_rows("\n".join(["ID,Label", *(f"{name},0" for name in names)]).encode())
    with pytest.raises(DataError, match=r"`any`, `epidural` of each of 5 images.*--findings"):
        find_listed_files(rows, "ID", "ID", tree)
    rows = [*rows, *read_rows(b"ID,Label\nID_5_any,0\n")]
    assert find_listed_files(rows, "ID", "ID", tree) == (rows, "")
