"""The table of a folder: what is read, and what is refused by name."""

import csv
import gzip
from contextlib import nullcontext
from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.datasets.folder.csv_rows import inert, inert_text, read_rows, require_columns
from skiagram.datasets.folder.table import (
    find_thousands_problem,
    list_entries,
    normalise_name,
    split_modalities,
)
from skiagram.errors import DataError
from tests.datasets.own_folders import COLUMNS


def test_cells_lose_blanks_and_empty_rows_are_left_out() -> None:
    content = b'\xef\xbb\xbffile , label\r\na.png, normal \r\n , \r\n\r\n"b,1.png",cancer\r\n'
    rows = read_rows(content)
    assert [one.cells for one in rows] == [
        {"file": "a.png", "label": "normal"},
        {"file": "b,1.png", "label": "cancer"},
    ]
    assert [one.line for one in rows] == [2, 5]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "file,label\na.png,bösartig\n".encode("latin-1"),
            "the CSV: line 2 is not UTF-8. Do this: save the "
            "table as `CSV UTF-8`; or convert it: `iconv -f WINDOWS-1252 -t UTF-8",
        ),
        (b"file|label\na.png|normal\n", "the CSV: the header `file|label` has no separator"),
        (b"file,label;x\na.png,y;z\n", "the CSV: columns may be separated by commas or semicolons"),
        (b"file,label;x\na.png\n", "the CSV, line 2: 1 cells. Allowed: 2"),
        ("file\n".encode("utf-16-le"), "the CSV: the header holds NUL characters: UTF-16 without"),
        ("file\n".encode("utf-32"), "the CSV: the header holds NUL characters"),
        ("\ufefffile,label\na".encode("utf-16-le")[:-1], "the CSV: line 2 is not UTF-16"),
        (b"PK\x03\x04\0\0[Content_Types].xml", "the CSV: the header holds NUL characters"),
        (b"PK\x03\x04\x14\x00\xff", "the CSV: a workbook or an archive, and no text"),
        (gzip.compress(b"file,label\na.png,x\n", mtime=0)[:-9], "the CSV: gzip cannot unpack it"),
        (b"\x1f\x8bfile,label\n", "the CSV: gzip cannot unpack it"),
        (b' [{"file": "a.png", "label": "x"}]\n', "the CSV: JSON, and no table. Allowed: CSV"),
        (b"file,label,label\na.png,x,y\n", "the CSV: two columns are called `label`"),
        (b"file,label\na.png\n", "the CSV, line 2: 1 cells. Allowed: 2"),
        (b"file,label\n", "the CSV: no rows"),
        (b"", "the CSV: no rows"),
        (b'file,label\na.png,"dense\nb.png,normal\n', "the CSV, line 3: a cell cannot be read"),
        (b"file,label\na.png," + b"x" * 200_000, "the CSV, line 2: a cell cannot be read"),
        (b'file,label\na.png,"x\n' + b"y,z\n" * 50_000, "the CSV, line "),
        (",".join(map(str, range(50_001))).encode(), "the CSV: 50,001 columns. Allowed: at most"),
    ],
)
def test_a_table_of_another_form_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError) as raised:
        read_rows(content)
    assert str(raised.value).startswith(" ".join(message.split()))


@pytest.mark.parametrize(
    "content",
    [
        b"\n\r\n,,\nfile,label\na.png,x\n",
        b"file,label\na.png,x,\n",
        b"file;label\r\na.png;x;\r\n\r\n",
    ],
)
def test_empty_lines_above_and_empty_cells_at_the_end_are_left_out(content: bytes) -> None:
    (row,) = read_rows(content)
    assert row.cells == {"file": "a.png", "label": "x"}
    assert row.line == content[: content.index(b"a.png")].count(b"\n") + 1


def test_a_table_that_gzip_packed_in_pieces_is_read() -> None:
    (row,) = read_rows(gzip.compress(b"file,label\n", mtime=0) + gzip.compress(b"a.png,x\n"))
    assert (row.line, row.cells) == (2, {"file": "a.png", "label": "x"})


def test_a_title_above_the_header_is_named() -> None:
    with pytest.raises(DataError, match=r"header `# made in May` …\. Do this: .*above the header"):
        read_rows(b"# made in May\nfile,label\na.png,x\n")


TABLE = [["file", "label", "size, mm"], ["Ä b/1.PNG", "bösartig", "3.5"], ["2.png", "gut", "7"]]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("hint", ["", "sep={}"])
def test_a_table_is_read_as_excel_saves_it_anywhere(
    separator: str, encoding: str, ending: str, hint: str
) -> None:
    file = StringIO(newline="")
    csv.writer(file, delimiter=separator, lineterminator=ending).writerows(TABLE)
    first = hint.format(separator) + ending if hint else ""
    rows = read_rows((first + file.getvalue()).encode(encoding))
    assert [list(one.cells.values()) for one in rows] == TABLE[1:]
    assert list(rows[0].cells) == TABLE[0]
    assert [one.line for one in rows] == ([3, 4] if hint else [2, 3])


@pytest.mark.parametrize(("covariates", "scores"), [(("density",), ()), ((), ("density",))])
def test_a_decimal_comma_is_refused_by_name(
    covariates: tuple[str, ...], scores: tuple[str, ...]
) -> None:
    lines = [f"{at}.png;{'xy'[at % 2]};{at},{at}" for at in range(40)] + ["40.png;x;0.5"]
    rows = read_rows("\n".join(["file;label;density", *lines]).encode())
    columns = replace(COLUMNS, patient=None, site=None, covariates=covariates, scores=scores)
    problem, *_ = list_entries(rows, columns, ("x", "y"), ()).problems
    assert "density" in str(problem)
    assert "set the decimal separator to `.`" in problem.remedy


@pytest.mark.parametrize(
    ("cells", "examples"),
    [
        (["987", "1.122", "2.345", ""], "`987`, `1.122`, `2.345`"),
        (["-1.122", "12", "-100", "NA"], "`-100`, `-1.122`"),
        (["1.234.567", "12.345", "1"], "`1.234.567`, `12.345`"),
        (["987", "0.122", "2.345"], ""),  # no number of thousands starts with 0
        (["987", "1.12", "2.345"], ""),
        (["1987", "1.122", "2.345"], ""),
        (["98", "1.122", "2.345"], ""),
        (["987", "122"], ""),
        (["100.000", "1.122"], ""),
    ],
)
def test_points_that_may_separate_thousands_are_refused(cells: list[str], examples: str) -> None:
    """A time of 1,122 days, as Excel shows it in German, was one of 1.122 days."""
    lines = [f"{at}.png,{'xy'[at % 2]},{cell}" for at, cell in enumerate(cells)]
    rows = read_rows("\n".join(["file,label,days", *lines]).encode(), missing=["NA"])
    problem = find_thousands_problem(rows, "days")
    assert (problem is None) == (not examples)
    assert examples in str(problem)
    columns = replace(COLUMNS, patient=None, site=None, covariates=())
    for named in (replace(columns, covariates=("days",)), replace(columns, scores=("days",))):
        found = list_entries(rows, named, ("x", "y"), ()).problems
        assert any("separate thousands" in each.found for each in found) == bool(examples)


@pytest.mark.parametrize(
    ("named", "faults"),
    [({}, 1), ({"mask": "drawn"}, 0), ({"frame": "page"}, 0), ({"visit": "time"}, 1)],
)
def test_a_region_tells_rows_of_a_file_apart_where_a_mask_shows_it(
    named: dict[str, str], faults: int
) -> None:
    """An image was a case of two classes, with a column `region` that no mask belongs to."""
    head = b"file,patient,label,region,drawn,page,time\n"
    lines = b"a.png,p1,x,left,a1.png,1,1\na.png,p1,y,right,a2.png,2,1\nb.png,p2,x,left,b1.png,1,1"
    columns = replace(COLUMNS, patient="patient", site=None, covariates=(), region="region")
    listing = list_entries(read_rows(head + lines), replace(columns, **named), ("x", "y"), ())
    assert len(listing.problems) == faults
    assert all("a.png: 2 rows" in str(problem) for problem in listing.problems)
    # what is seen at a visit stays known
    sides = [entry.visit.region for entry in listing.entries if entry.visit is not None]
    assert {*sides} == ({"left", "right"} if "visit" in named else set())


def test_a_missing_column_is_named_beside_those_that_are_there() -> None:
    with pytest.raises(DataError, match=r"no column `label`\. Allowed: `file`, `diagnosis`"):
        require_columns(read_rows(b"file,diagnosis\na.png,normal\n"), ("file", "label"))


@pytest.mark.slow
@settings(deadline=None, max_examples=20)
@given(st.from_regex(r"[a-c./]{1,8}", fullmatch=True))
def test_one_file_has_one_spelling(name: str) -> None:
    assert normalise_name(normalise_name(name)) == normalise_name(name)
    assert normalise_name(f"./{name.lstrip('/')}") == normalise_name(name.lstrip("/") or ".")


@pytest.mark.parametrize(
    ("further", "words"),
    [
        ("ct.nii,b,CT,p1,", "line 3: label `b`, and `a` in line 2"),
        ("ct.nii,a,CT,p1,3 3 3 2", "line 3: lesions on a further image.*none on that of `PET`"),
        ("ct.nii,a,CT,p1,", ""),
    ],
)
def test_what_a_further_image_alone_says_is_not_left_out(further: str, words: str) -> None:
    rows = read_rows(
        f"file,label,modality,patient_id,marks\npet.nii,a,PET,p1,\n{further}\n".encode()
    )
    columns = replace(COLUMNS, site=None, covariates=(), modality="modality", marks="marks")
    with pytest.raises(DataError, match=words) if words else nullcontext():
        split_modalities(rows, columns, ("PET", "CT"))


def test_a_list_separated_by_blanks_has_names_that_the_user_gives() -> None:
    rows = read_rows(b"train/1.jpg  0\ntrain/2.jpg 1\n", columns=("file", "label"))
    assert [list(one.cells.values()) for one in rows] == [
        ["train/1.jpg", "0"],
        ["train/2.jpg", "1"],
    ]


def test_short_rows_separated_by_blanks_end_with_empty_cells() -> None:
    text = b"mdb001 G NORM\nmdb004 D CIRC B 67 66 12 \n"  # as MIAS
    names = ("file", "tissue", "label", "severity", "x", "y", "radius")
    rows = read_rows(text, columns=names)
    assert [list(one.cells.values()) for one in rows] == [
        ["mdb001", "G", "NORM", "", "", "", ""],
        ["mdb004", "D", "CIRC", "B", "67", "66", "12"],
    ]
    for others in (names[:6], (*names, "note")):
        with pytest.raises(DataError, match="have 3 to 7 cells") as refused:
            read_rows(text, columns=others)
        assert "as many columns as the longest row" in refused.value.remedy


def test_columns_that_excel_and_r_leave_without_a_name() -> None:
    """R's `write.table` has one name less than cells; Excel saves columns that were emptied."""
    for text in (
        '"file" "label"\n"1" "a.png" "x y"\n"2" "b.png" "z"\n',
        '"file"\t"label"\n"1"\t"a.png"\t"x y"\n"2"\t"b.png"\t"z"\n',
    ):
        rows = read_rows(text.encode())
        assert [row.cells for row in rows] == [
            {"": "1", "file": "a.png", "label": "x y"},
            {"": "2", "file": "b.png", "label": "z"},
        ]
    rows = read_rows(b"file,label,,\na.png,x,,\nb.png,,,\n")
    assert [row.cells for row in rows] == [
        {"file": "a.png", "label": "x"},
        {"file": "b.png", "label": ""},
    ]
    with pytest.raises(DataError, match="2 columns without a name"):
        read_rows(b"file,,\na.png,x,y\n")


def test_a_header_of_several_levels_as_pandas_writes_it_has_the_last_names() -> None:
    names = pd.MultiIndex.from_tuples([("shape", "Volume"), ("shape", "Area"), ("glcm", "Id")])
    frame = pd.DataFrame([[1, 2, 3]], columns=names, index=pd.Index(["095"], name="PatientID"))
    (one,) = read_rows(frame.to_csv().encode())
    assert one.cells == {"PatientID": "095", "Volume": "1", "Area": "2", "Id": "3"}
    assert one.line == 4


@pytest.mark.parametrize("word", ["val", "valid", "Validation", "TRAIN", "training", "testing"])
def test_parts_of_a_data_set_have_several_names(word: str) -> None:
    rows = read_rows(f"file,label,part\na.png,x,{word}\n".encode())
    columns = replace(COLUMNS, patient=None, site=None, covariates=(), split="part")
    listing = list_entries(rows, columns, ("x", "y"), ())
    assert not listing.problems
    assert listing.entries[0].split in ("train", "validation", "test")


def test_decimal_commas_of_r_become_points_where_no_cell_contradicts() -> None:
    """As `write.csv2(data.frame(id = c("a", "b"), p = c(.5, 2e-5), n = c(1, NA)))` writes it."""
    text = '"";"id";"p";"n"\n"1";"a";0,5;1\n"2";"b";2e-05;NA\n'
    assert [one.cells["p"] for one in read_rows(text.encode())] == ["0.5", "2e-05"]
    contradicted = text + '"3";"c";0.7;1\n'
    assert read_rows(contradicted.encode())[0].cells["p"] == "0,5"
    thousands = "id;dose\na;1,234\nb;12,345\n"
    assert read_rows(thousands.encode())[0].cells["dose"] == "1,234"


@pytest.mark.parametrize(
    ("cell", "written"),
    [("=1+1", "'=1+1"), ("@a", "'@a"), ("-a.png", "'-a.png"), ("-1.5", "-1.5"), ("a=b", "a=b")],
)
def test_no_cell_for_people_is_a_formula(cell: str, written: str) -> None:
    assert inert(cell) == written


def test_a_table_for_people_has_no_formula_and_is_else_as_pandas_writes_it() -> None:
    table = pd.DataFrame(
        {"label": ["=1+1", "+", "b"], "age": [-1.5, 2, np.nan], "group": [None, "@x", "-3"]}
    )
    lines = inert_text(table).splitlines()
    assert lines == ["label,age,group", "'=1+1,-1.5,", "+,2.0,'@x", "b,,-3"]
    plain = table.assign(label="b", group=["x", None, "z"])
    assert inert_text(plain) == plain.to_csv(index=False, lineterminator="\n")


@pytest.mark.parametrize("mark", ["\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u200f", "\u2028"])
def test_no_cell_or_heading_holds_what_a_terminal_obeys(mark: str) -> None:
    shown = repr(mark)[1:-1]
    assert inert(f"a{mark}b.png") == f"a{shown}b.png"
    table = pd.DataFrame({f"p{mark}": [f"x{mark}", "ä\u00a0½\n2"]})
    assert inert_text(table) == f'p{shown}\nx{shown}\n"ä\u00a0½\n2"\n'
