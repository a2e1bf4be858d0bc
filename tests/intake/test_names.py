"""What names of files tell: folders of classes, patterns, other names in tables, headers."""

import shlex
from argparse import ArgumentParser
from typing import NamedTuple

import pytest

from skiagram.cli.file_arguments import add_file_arguments, read_file_options
from skiagram.errors import SkiagramError
from skiagram.intake.class_folders import rows_of_classes
from skiagram.intake.images import read_folder
from tests.datasets.own_folders import dicom, png
from tests.readers.examples import VALUES, series_files
from tests.yaml_rows import read_rows


class Names(NamedTuple):
    """A folder, a line, and what they give.

    Attributes:
        files: Names; `NAME=ID` is a DICOM file of a patient or, with an id of digits and points, of
            a series.
        gives: Columns, then the cells of each row, `-` for an empty one; `:patient` and the like
            are the columns that have this role, whatever they are called. After `!` the error.
        line: Options of `check`.
        table: The CSV, lines separated by blanks.
        note: What is said besides.
    """

    files: str
    gives: str
    line: str = ""
    table: str = ""
    note: str = ""


def read(place, names):
    folder, words = place / "films", [str(place / "films")]
    folder.mkdir()
    for at, spec in enumerate(names.files.split()):
        name, _, identity = spec.partition("=")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = png(at)
        if identity.startswith("1."):
            [(_, content)] = series_files(VALUES[:1], series=identity)
        elif path.suffix == ".dcm":
            content = dicom(at, PatientID=identity)
        path.write_bytes(content)
    if names.table:
        (place / "films.csv").write_text("\n".join(names.table.split()))
        words.append(str(place / "films.csv"))
    parser = ArgumentParser()
    add_file_arguments(parser)
    return read_folder(read_file_options(parser.parse_args([*words, *shlex.split(names.line)])))


def told(described, columns):
    """Return some cells of each row."""
    roles = described.source.columns
    named = [getattr(roles, name[1:]) if name.startswith(":") else name for name in columns]
    rows = described.frame.to_dict("records")
    return {tuple(row.get(name or "") or "-" for name in named) for row in rows}


EVERY = {
    f"{family}, {title}": names
    for family in ("classes", "patterns", "hints", "tables", "headers")
    for title, names in read_rows(__file__, family, Names).items()
}


@pytest.mark.parametrize("case", EVERY)
def test_names_of_files_tell_rows_or_are_refused(case, tmp_path):
    names = EVERY[case]
    if names.gives.startswith("!"):
        with pytest.raises(SkiagramError, match=f"(?s){names.gives[2:]}") as refused:
            read(tmp_path, names)
        assert refused.value.remedy or refused.value.allowed
        return
    columns, *rows = (row.split() for row in names.gives.split(" | "))
    described = read(tmp_path, names)
    assert told(described, columns) == {tuple(row) for row in rows}
    assert any(names.note in note for note in [*described.notes, ""]), described.notes
    assert len({*described.notes}) == len(described.notes)


def test_a_blank_behind_a_folder_is_no_part_of_the_class():
    """Folders below it were looked for behind its name with the blank."""
    rows, note = rows_of_classes(["yes /CROPPED/1.png", "yes /2.png", "no/3.png"], (), "films")
    assert rows["label"].tolist() == ["yes", "yes", "no"]
    assert "`CROPPED`" in note
