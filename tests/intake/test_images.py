"""Folder, table and options of a line: one reading for `check`, `init` and `run`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skiagram.cli.check_report import left_out
from skiagram.errors import DataError
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder
from skiagram.tables.frames import row_at
from tests.datasets.own_folders import png
from tests.terminal import Terminal


def test_a_folder_that_is_not_there_is_missed_by_the_name_of_one_that_is(tmp_path: Path) -> None:
    (tmp_path / "film").mkdir()
    with pytest.raises(DataError, match=r"no such folder.*did you mean `.*film`\?$"):
        read_folder(FileOptions(tmp_path / "films"))


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


def test_a_code_for_missing_in_a_covariate_and_a_constant_one_are_said(tmp_path: Path) -> None:
    """ABIDE marks by -9999 what is not known; the age and the IQ were taken as they stand."""
    rows = [f"{at}.png,{'yn'[at % 2]},{90 + at if at % 4 else -9999},-9999" for at in range(8)]
    (tmp_path / "films").mkdir()
    table = tmp_path / "films.csv"
    table.write_text("\n".join(["file,label,FIQ,HANDEDNESS_SCORES", *rows]))
    options = FileOptions(tmp_path / "films", table, covariates=("FIQ", "HANDEDNESS_SCORES"))
    notes = read_folder(options).notes
    assert [note for note in notes if note.startswith("Covariate")] == [
        "Covariate `FIQ`: 2 rows have -9999, far from all others: where it marks missing values, "
        "add `--missing -9999`.",
        "Covariate `HANDEDNESS_SCORES`: every row has `-9999`, so it tells nothing.",
    ]
    known = read_folder(replace(options, missing=["-9999"], covariates=("FIQ",)))
    assert not any("Covariate" in note for note in known.notes)


def test_a_case_of_several_images_is_counted_once_and_named_by_patient_and_file(
    tmp_path: Path,
) -> None:
    """UPENN-GBM was counted by files, and told by lines of a table that nobody has."""
    (tmp_path / "films").mkdir()
    for at in range(9):
        for modality in ("T1", "T2"):
            (tmp_path / f"films/p{at}_{modality}.png").write_bytes(png(at))
    table = tmp_path / "films.csv"
    labels = ["no", "yes", "no", "yes", "no", "yes", "other", "NA", "NA"]
    lines = [f"p{at},{label}" for at, label in enumerate(labels)]
    table.write_text("\n".join(["patient,label", *lines]))
    options = FileOptions(
        tmp_path / "films",
        table,
        pattern=["{patient}_{modality}.png"],
        images=("T1", "T2"),
        classes=("no", "yes"),
        empty_label="leave-out",
    )
    described = read_folder(options)
    assert described.of_other_classes == 1
    assert "`NA` (2)" in described.notes[0]
    assert described.notes[1:] == [
        "2 of 9 rows have no label; they are left out.",
        "Left out, of classes that --classes does not name: 1 of `other`.",
    ]
    assert row_at(described.frame, 1).where == "patient `p0`, file p0_T2.png"
