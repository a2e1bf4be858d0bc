"""A table as programs write it is read, or refused by the line that converts it: a row a table."""

import csv
import gzip
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from skiagram.errors import DataError
from skiagram.tables.frames import empty_missing, inert, inert_text, read_table

READ = {
    "blanks around cells, rows without any": (
        b'\xef\xbb\xbffile , label\r\na.png, normal \r\n , \r\n\r\n"b,1.png",cancer\r\n',
        {"file": ["a.png", "b,1.png"], "label": ["normal", "cancer"]},
        [2, 5],
    ),
    "empty lines above": (
        b"\n\r\n,,\nfile,label\na.png,x\n",
        {"file": ["a.png"], "label": ["x"]},
        [5],
    ),
    "a separator at the end": (b"file,label\na.png,x,\n", {"file": ["a.png"], "label": ["x"]}, [2]),
    "lines in the first name": (
        b'"file\n(of Ward 1)";label\na.png;x\n',
        {"file\n(of Ward 1)": ["a.png"], "label": ["x"]},
        [3],
    ),
    "and in lines that end so": (
        b"file;label\r\na.png;x;\r\n\r\n",
        {"file": ["a.png"], "label": ["x"]},
        [2],
    ),
    "packed in pieces": (
        gzip.compress(b"file,label\n", mtime=0) + gzip.compress(b"a.png,x\n"),
        {"file": ["a.png"], "label": ["x"]},
        [2],
    ),
    "columns that Excel emptied": (
        b"file,label,,\na.png,x,,\nb.png,,,\n",
        {"file": ["a.png", "b.png"], "label": ["x", ""]},
        [2, 3],
    ),
    "row names of R": (b'"","file"\n"1","a.png"\n', {"": ["1"], "file": ["a.png"]}, [2]),
    "decimal commas, as R's write.csv2": (
        b'"";"id";"p";"n"\n"1";"a";0,5;1\n"2";"b";2e-05;NA\n',
        {"": ["1", "2"], "id": ["a", "b"], "p": ["0.5", "2e-05"], "n": ["1", "NA"]},
        [2, 3],
    ),
    "commas that a point contradicts": (
        b"id;p\na;0,5\nb;0.7\n",
        {"id": ["a", "b"], "p": ["0,5", "0.7"]},
        [2, 3],
    ),
    "commas that may separate thousands": (
        b"id;dose\na;1,234\nb;12,345\n",
        {"id": ["a", "b"], "dose": ["1,234", "12,345"]},
        [2, 3],
    ),
    "letters composed in two ways, but in names of files": (
        "file,label\ncafe\u0301.png,cafe\u0301\n".encode(),
        {"file": ["cafe\u0301.png"], "label": ["caf\u00e9"]},
        [2],
    ),
}


@pytest.mark.parametrize("name", READ)
def test_a_table_is_read_as_programs_write_it(name):
    content, cells, lines = READ[name]
    frame = read_table(content)
    assert (frame.to_dict("list"), frame.index.tolist()) == (cells, lines)


TABLE = [["file", "label", "size, mm"], ["Ä b/1.PNG", "bösartig", "3.5"], ["2.png", "gut", "7"]]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("hint", ["", "sep={}"])
def test_a_table_is_read_as_excel_saves_it_anywhere(separator, encoding, ending, hint):
    file = StringIO(newline="")
    csv.writer(file, delimiter=separator, lineterminator=ending).writerows(TABLE)
    first = hint.format(separator) + ending if hint else ""
    frame = read_table((first + file.getvalue()).encode(encoding))
    assert [[*frame.columns], *frame.to_numpy().tolist()] == TABLE
    assert frame.index.tolist() == ([3, 4] if hint else [2, 3])


def test_a_table_without_a_header_has_the_names_that_are_given():
    frame = read_table(b"a.png,0\nb.png,1\n", columns=("file", "label"))
    assert frame.to_dict("list") == {"file": ["a.png", "b.png"], "label": ["0", "1"]}


REFUSED = {
    "levels of pandas": (
        b",shape,shape,glcm\n,Volume,Area,Id\nPatientID,,,\n095,1,2,3\n",
        "two columns are called `shape` several levels `table.columns.map('_'.join)`",
    ),
    "Latin-1": (
        "file,label\na.png,bösartig\n".encode("latin-1"),
        "line 2 is not UTF-8 `iconv -f WINDOWS-1252 -t UTF-8",
    ),
    "UTF-16 cut": ("\ufefffile,label\na".encode("utf-16-le")[:-1], "line 2 is not UTF-16"),
    "UTF-16 without its mark": ("file\n".encode("utf-16-le"), "NUL characters iconv -f UTF-16LE"),
    "UTF-32": ("file\n".encode("utf-32"), "NUL characters"),
    "a workbook": (b"PK\x03\x04\x14\x00\xff", "a workbook or an archive pandas.read_excel"),
    "JSON": (b' [{"file": "a.png", "label": "x"}]\n', "JSON, and no table pandas.read_json"),
    "gzip that was cut": (gzip.compress(b"file,label\na.png,x\n", mtime=0)[:-9], "gzip cannot"),
    "no gzip": (b"\x1f\x8bfile,label\n", "gzip cannot unpack it"),
    "bars": (b"file|label\na.png|normal\n", "separated by `|` tr '|' ','"),
    "blanks": (b"train/1.jpg  0\ntrain/2.jpg 1\n", "separated by blanks sed -E"),
    "R's write.table": (b'"file" "label"\n"1" "a.png" "x"\n', "separated by blanks sed -E"),
    "a comment": (b"# made in May\nfile,label\na.png,x\n", "a comment before the header grep -v"),
    "a title": (b"Films of May,\nfile,label\na.png,x,2\n", "3 cells lines above the header"),
    "two separators": (b"file,label;x\na.png,y;z\n", "commas or semicolons"),
    "a decimal comma before an empty cell": (
        b"file,a,label\na.png,1,x\nb.png,1,5,\n",
        "line 3: 4 cells 3, one per column",
    ),
    "and in the first row": (
        b"file,a,label\nb.png,1,5,\na.png,1,x\n",
        "line 3: 3 cells 3 and an empty one",
    ),
    "a short row": (b"file,label;x\na.png\n", "line 2: 1 cells 2, one per column"),
    "a name twice": (b"file,label,label\na.png,x,y\n", "two columns are called `label`"),
    "no names": (b"file,,\na.png,x,y\n", "2 columns without a name"),
    "no rows": (b"file,label\n", "no rows"),
    "nothing": (b"", "no rows"),
    "a quotation mark": (b'file,label\na.png,"dense\nb.png,normal\n', "line 3: a cell cannot"),
    "a long cell": (b"file,label\na.png," + b"x" * 200_000, "line 2: a cell cannot be read"),
    "a cell of lines": (b'file,label\na.png,"x\n' + b"y,z\n" * 50_000, "a cell cannot be read"),
    "too many columns": (",".join(map(str, range(50_001))).encode(), "50,001 columns at most"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_form_is_refused_with_what_converts_it(name):
    content, words = REFUSED[name]
    with pytest.raises(DataError) as raised:
        read_table(content)
    said, place = str(raised.value), -1
    for word in words.split():
        place = said.find(word, place + 1)
        assert place >= 0, f"{word} in {said}"
    assert raised.value.where.startswith("the CSV")


@pytest.mark.parametrize(
    ("words", "ages", "counts"),
    [
        (["NA"], ["", "-9999", "-9999.0", "41"], {"NA": 1}),
        (["-9999"], ["NA", "", "", "41"], {"-9999": 2}),
        (["41.0", "x"], ["NA", "-9999", "-9999.0", ""], {"41.0": 1}),
    ],
)
def test_cells_that_stand_for_an_empty_one_are_emptied_and_counted(words, ages, counts):
    frame, emptied = empty_missing(read_table(b"age,n\nNA,1\n-9999,2\n-9999.0,3\n41,4\n"), words)
    assert (frame["age"].tolist(), dict(emptied)) == (ages, counts)


@pytest.mark.parametrize(
    ("cell", "written"),
    [("=1+1", "'=1+1"), ("@a", "'@a"), ("-a.png", "'-a.png"), ("-1.5", "-1.5"), ("a=b", "a=b")],
)
def test_no_cell_for_people_is_a_formula(cell, written):
    assert inert(cell) == written


def test_a_table_for_people_has_no_formula_and_is_else_as_pandas_writes_it():
    table = pd.DataFrame(
        {"label": ["=1+1", "+", "b"], "age": [-1.5, 2, np.nan], "group": [None, "@x", "-3"]}
    )
    lines = inert_text(table).splitlines()
    assert lines == ["label,age,group", "'=1+1,-1.5,", "+,2.0,'@x", "b,,-3"]
    plain = table.assign(label="b", group=["x", None, "z"])
    assert inert_text(plain) == plain.to_csv(index=False, lineterminator="\n")


@pytest.mark.parametrize("mark", ["\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u200f", "\u2028"])
def test_no_cell_or_heading_holds_what_a_terminal_obeys(mark):
    shown = repr(mark)[1:-1]
    assert inert(f"a{mark}b.png") == f"a{shown}b.png"
    table = pd.DataFrame({f"p{mark}": [f"x{mark}", "ä\u00a0½\n2"]})
    assert inert_text(table) == f'p{shown}\nx{shown}\n"ä\u00a0½\n2"\n'
