"""The table of a folder: what is read, and what is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagram.datasets.folder.table import (
    find_file_problems,
    normalise_name,
    read_rows,
    require_columns,
)
from skiagram.errors import DataError


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
        ("file,label\na.png,bösartig\n".encode("latin-1"), "the CSV: line 2 is not UTF-8"),
        (b"file;label\na.png;normal\n", "the CSV: the header `file;label` has no comma"),
        (b"file\tlabel\na.png\tnormal\n", "the CSV: the header `file\tlabel` has no comma"),
        (b"file,label,label\na.png,x,y\n", "the CSV: two columns are called `label`"),
        (b"file,label\na.png\n", "the CSV, line 2: 1 cells. Allowed: 2"),
        (b"file,label\n", "the CSV: no rows"),
        (b"", "the CSV: no rows"),
        (b"file,label\na.png," + b"x" * 200_000, "the CSV, line 2: a cell cannot be read"),
        (b'file,label\na.png,"x\n' + b"y,z\n" * 50_000, "the CSV, line "),
        (",".join(map(str, range(30_000))).encode(), "the CSV: 30,000 columns. Allowed: at most"),
    ],
)
def test_a_table_of_another_form_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError) as raised:
        read_rows(content)
    assert str(raised.value).startswith(" ".join(message.split()))


def test_a_missing_column_is_named_beside_those_that_are_there() -> None:
    with pytest.raises(DataError, match=r"no column `label`\. Allowed: `file`, `diagnosis`"):
        require_columns(read_rows(b"file,diagnosis\na.png,normal\n"), ("file", "label"))


@given(st.from_regex(r"[a-c./]{1,8}", fullmatch=True))
def test_one_file_has_one_spelling(name: str) -> None:
    assert normalise_name(normalise_name(name)) == normalise_name(name)
    assert normalise_name(f"./{name.lstrip('/')}") == normalise_name(name.lstrip("/") or ".")


def test_a_nul_in_a_file_name_is_named_by_its_line() -> None:
    rows = read_rows(b"file,label\na.png,x\nb\0.png,y\n")
    (problem,) = find_file_problems(rows, "file")
    assert str(problem).startswith("the CSV, line 3: a file name with a NUL character")
