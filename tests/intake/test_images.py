"""Folder, table and options of a line: one reading for `check`, `init` and `run`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skiagram.cli.check_report import left_out
from skiagram.errors import DataError
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder
from tests.datasets.own_folders import png
from tests.terminal import Terminal


def test_a_folder_for_each_class_is_a_table(tmp_path: Path) -> None:
    options = FileOptions(tmp_path / "films")
    (tmp_path / "film").mkdir()
    with pytest.raises(DataError, match=r"no such folder.*did you mean `.*film`\?$"):
        read_folder(options)
    for at, place in enumerate(("train/yes", "train/no", "val/yes", "test/no")):
        (tmp_path / "films" / place).mkdir(parents=True)
        (tmp_path / "films" / place / f"{at}.png").write_bytes(png(at))
    described = read_folder(options)
    assert [(row.cells["file"], row.cells["label"]) for row in described.rows] == [
        ("test/no/3.png", "no"),
        ("train/no/1.png", "no"),
        ("train/yes/0.png", "yes"),
        ("val/yes/2.png", "yes"),
    ]
    assert [row.cells["split"] for row in described.rows][-1] == "validation"
    assert described.design == "holdout"
    (tmp_path / "films" / "alone.png").write_bytes(png(5))
    with pytest.raises(DataError, match="folder for each class"):
        read_folder(options)


def test_a_table_that_is_not_there_is_missed_as_a_file(tmp_path: Path) -> None:
    """It was called a folder, and an archive was asked for in place of a table of features."""
    with pytest.raises(DataError, match=r"no such file\. Allowed: a table of features"):
        read_folder(FileOptions(tmp_path / "features.csv", csv=tmp_path / "labels.csv"))


def test_a_picture_that_cannot_be_read_is_no_less_a_picture(
    tmp_path: Path, terminal: Terminal
) -> None:
    """Without a table it was left out in silence, as where a download left a page in its place."""
    for at in range(8):
        place = tmp_path / "films" / ("yes", "no")[at % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{at}.png").write_bytes(png(at))
    (tmp_path / "films/yes/8.png").write_bytes(b"<!DOCTYPE html>")
    (tmp_path / "films/yes/9.gif").write_bytes(b"GIF89a")
    (tmp_path / "films/yes/notes.txt").write_text("no picture")
    (tmp_path / "films/no/10.PNG").symlink_to(tmp_path / "gone.png")
    shown = terminal(["check", str(tmp_path / "films"), "--positive", "yes"], 4)
    assert "yes/8.png: not an image" in shown
    assert "yes/9.gif" in shown
    assert "no/10.PNG: a link that leads nowhere" in shown
    assert "notes" not in shown


def test_columns_are_known_in_upper_case_too(tmp_path: Path) -> None:
    rows = [
        f"{at}.png,{'yn'[at % 2]},p{at},{('train', 'test')[at // 4]},{at}.png" for at in range(8)
    ]
    (tmp_path / "films").mkdir()
    table = tmp_path / "films.csv"
    table.write_text("\n".join(["File,Label,PatientID,Split,Mask", *rows]))
    columns = read_folder(FileOptions(tmp_path / "films", table)).source.columns
    found = (columns.file, columns.label, columns.patient, columns.split, columns.mask)
    assert found == ("File", "Label", "PatientID", "Split", "Mask")


def test_a_column_of_paths_counts_before_running_numbers(tmp_path: Path) -> None:
    """A file is there for each number, and is another row's image."""
    (tmp_path / "films").mkdir()
    for name in range(1, 9):
        (tmp_path / f"films/{name}.png").write_bytes(b"")
    rows = [f"{number},{9 - number}.png,{'yn'[number % 2]}" for number in range(1, 9)]
    table = tmp_path / "films.csv"
    table.write_text("\n".join(["image,path,label", *rows]))
    described = read_folder(FileOptions(tmp_path / "films", table))
    assert described.source.columns.file == "path"
    assert not any("under another name" in note for note in described.notes)


def test_a_column_of_names_of_parts_tells_them_whatever_it_is_called(tmp_path: Path) -> None:
    """It was left out, and proposed as a covariate; of tables of features it was taken."""
    parts = ("Training", "val", "test", "TEST")
    rows = [
        f"{at}.png,{'yn'[at % 2]},{parts[at // 4]},{('train', 'val')[at % 2]}" for at in range(16)
    ]
    (tmp_path / "films").mkdir()
    table = tmp_path / "films.csv"
    table.write_text("\n".join(["file,label,Partition,phase", *rows]))
    options = FileOptions(tmp_path / "films", table)
    described = read_folder(options)
    assert (described.source.columns.split, described.design) == ("Partition", "holdout")
    assert any(note.startswith("The column `Partition` tells") for note in described.notes)
    # without a test set no parts, and no covariate either
    assert "phase: it tells the split" in left_out(described)
    assert "--covariates" not in left_out(described)
    # what the line names is something else
    choices: list[dict[str, Any]] = [
        {"covariates": ["Partition"]},
        {"label": "Partition"},
        {"site": "Partition"},
    ]
    for named in choices:
        assert read_folder(replace(options, **named)).source.columns.split is None
    # a column with the usual name counts before it
    table.write_text(table.read_text().replace("file,label,Partition,phase", "file,label,x,Split"))
    assert read_folder(options).source.columns.split == "Split"


def test_rows_without_files_are_left_out_on_request_and_counted(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    for at in range(6):
        (tmp_path / f"films/{at}.png").write_bytes(b"")
    table = tmp_path / "films.csv"  # as Fitzpatrick17k, some of whose addresses are dead
    table.write_text("\n".join(["file,label", *(f"{at}.png,{'yn'[at % 2]}" for at in range(8))]))
    options = FileOptions(tmp_path / "films", table)
    described = read_folder(options)
    assert len(described.rows) == 8
    assert "2 of 8 rows name no file of the folder, the first `6.png`" in described.notes[0]
    assert "`--unmatched leave-out`" in described.notes[0]
    described = read_folder(replace(options, unmatched="leave-out"))
    assert [row.cells["file"] for row in described.rows] == [f"{at}.png" for at in range(6)]
    assert described.without_file == 2
    assert described.notes[0].endswith("they are left out.")
    table.write_text("file,label\na.png,y\nb.png,n\n")
    with pytest.raises(DataError, match="2 of 2 rows name no file"):
        read_folder(replace(options, unmatched="leave-out"))


def test_columns_that_made_the_label_are_no_covariates(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    table = tmp_path / "films.csv"  # as ISIC 2019, and PadChest, whose first column has no name
    rows = [f"{at},{at}.png,{at % 2},{1 - at % 2},{at % 3}" for at in range(8)]
    table.write_text("\n".join([",file,MEL,NV,size", *rows]))
    shown = left_out(read_folder(FileOptions(tmp_path / "films", table, label="MEL,NV")))
    assert [line.split(":")[0] for line in shown.splitlines()[1:3]] == [
        "  a column without a name",
        "  size",
    ]
    assert shown.endswith("--covariates size")
