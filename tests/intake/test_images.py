"""Folder, table and options of a line: one reading for `check`, `init` and `run`."""

from dataclasses import replace

from skiagram.cli.check_report import left_out
from skiagram.intake.file_options import FileOptions
from skiagram.intake.images import read_folder
from skiagram.tables.frames import row_at
from tests.datasets.own_folders import png, write_folder
from tests.terminal import assert_says


def table_of(folder, header, rows):
    """Write a table of a folder with one file, an empty one; return options of both."""
    (folder / "films").mkdir(exist_ok=True)
    (folder / "films/0.png").touch()
    (folder / "films.csv").write_text("\n".join([header, *rows]))
    return FileOptions(folder / "films", folder / "films.csv")


def test_a_row_of_units_is_no_case(here, terminal):
    """LIFEx writes one below the header."""
    rows = [",,years,mm", *(f"{at}.png,{'yn'[at % 2]},{at}0,{at}.5" for at in range(1, 5))]
    table_of(here, "file,label,age,size", rows)
    terminal.says("check films films.csv --positive y", "line 2: no file name", 4)
    rows = [",,cm3", *(f"p{at},{'yn'[at % 2]},{at * 0.37 % 1:.3f}" for at in range(1, 9))]
    (here / "features.csv").write_text("\n".join(["patient_id,label,volume", *rows]))
    says = "column `volume`: 8 numbers and 1 texts, the first in line 2"
    terminal.says("check features.csv --positive y", says, 4)


def test_a_picture_that_cannot_be_read_is_no_less_a_picture(here, terminal):
    """Without a table it was left out in silence, as where a download left a page in its place."""
    files = {f"{('yes', 'no')[at % 2]}/{at}.png": png(at) for at in range(8)}
    files |= {"yes/8.png": b"<!DOCTYPE html>", "yes/9.gif": b"GIF89a", "yes/notes.txt": b"none"}
    write_folder(here, files)
    (here / "films/no/10.PNG").symlink_to("gone.png")
    says = "yes/8.png: not an image | yes/9.gif | no/10.PNG: a link that leads nowhere | !notes"
    terminal.says("check films --positive yes", says, 4)


def test_a_column_of_names_of_parts_tells_them_whatever_it_is_called(tmp_path):
    """It was left out, and proposed as a covariate; of tables of features it was taken."""
    parts = ("Training", "val", "test", "TEST")
    rows = [
        f"{at}.png,{'yn'[at % 2]},{parts[at // 4]},{('train', 'val')[at % 2]}" for at in range(16)
    ]
    options = table_of(tmp_path, "file,label,Partition,phase", rows)
    described = read_folder(options)
    assert (described.source.columns.split, described.source.design) == ("Partition", "holdout")
    assert any(note.startswith("The column `Partition` tells") for note in described.notes)
    # without a test set no parts, and no covariate either
    assert_says(left_out(described), "phase: it tells the split | !--covariates")
    # what the line names is something else
    for named in ({"covariates": ["Partition"]}, {"label": "Partition"}, {"site": "Partition"}):
        assert read_folder(replace(options, **named)).source.columns.split is None
    # a column with the usual name counts before it
    tested = [row.replace(",val", ",test") for row in rows]
    usual = table_of(tmp_path, "file,label,x,Split", tested)
    assert read_folder(usual).source.columns.split == "Split"


def test_columns_that_made_the_label_are_no_covariates(tmp_path):
    # as ISIC 2019, and PadChest, whose first column has no name
    rows = [f"{at},{at}.png,{at % 2},{1 - at % 2},{at % 3}" for at in range(8)]
    options = table_of(tmp_path, ",file,MEL,NV,size", rows)
    shown = left_out(read_folder(replace(options, label="MEL,NV")))
    assert shown.splitlines()[1] == "  one without a name, size"
    assert shown.endswith("--covariates size")


def test_a_code_for_missing_in_a_covariate_and_a_constant_one_are_said(tmp_path):
    """ABIDE marks by -9999 what is not known; the age and the IQ were taken as they stand."""
    rows = [f"{at}.png,{'yn'[at % 2]},{90 + at if at % 4 else -9999},-9999" for at in range(8)]
    options = table_of(tmp_path, "file,label,FIQ,HANDEDNESS_SCORES", rows)
    notes = read_folder(replace(options, covariates=("FIQ", "HANDEDNESS_SCORES"))).notes
    assert [note for note in notes if note.startswith("Covariate")] == [
        "Covariate `FIQ`: 2 rows have -9999, far from all others: where it marks missing values, "
        "add `--missing -9999`.",
        "Covariate `HANDEDNESS_SCORES`: every row has `-9999`, so it tells nothing.",
    ]
    known = read_folder(replace(options, missing=["-9999"], covariates=("FIQ",)))
    assert not any("Covariate" in note for note in known.notes)


def test_a_case_of_several_images_is_counted_once_and_named_by_patient_and_file(tmp_path):
    """UPENN-GBM was counted by files, and told by lines of a table that nobody has."""
    write_folder(
        tmp_path, {f"p{at}_{kind}.png": png(at) for at in range(9) for kind in ("T1", "T2")}
    )
    labels = ["no", "yes", "no", "yes", "no", "yes", "other", "NA", "NA"]
    options = replace(
        table_of(tmp_path, "patient,label", [f"p{at},{label}" for at, label in enumerate(labels)]),
        pattern=["{patient}_{modality}.png"],
        images=("T1", "T2"),
        classes=("no", "yes"),
        empty_label="leave-out",
    )
    described = read_folder(options)
    assert described.source.known_issues[0].startswith("1 of 7 images")
    assert "`NA` (2)" in described.notes[0]
    assert [*described.notes[1:]] == [
        "2 of 9 rows have no label; they are left out.",
        "Left out, of classes that --classes does not name: 1 of `other`.",
    ]
    assert row_at(described.frame, 1).where == "patient `p0`, file p0_T2.png"
