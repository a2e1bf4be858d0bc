"""A class has one spelling, and rows without a class are what the user says of them."""

import pandas as pd
import pytest

from skiagram.errors import DataError
from skiagram.intake.labels import label_of_classes, settle_labels


def table(*labels):
    return pd.DataFrame({"label": [*labels]}, index=range(2, len(labels) + 2))


def cells(rows):
    return rows["label"].tolist()


@pytest.mark.parametrize(
    ("labels", "named", "taken"),
    [
        (("1", "1.0", "01", "0"), (), ["1", "1", "1", "0"]),
        (("1.0", "0.0"), (), ["1.0", "0.0"]),
        (("1.0", "0.0"), ("1",), ["1", "0.0"]),
        (("01", "02"), (), ["01", "02"]),
        (("yes", "yes\u200b", "n\u00ado", "\ufeffno"), (), ["yes", "yes", "no", "no"]),
        (("grade 1", "grade\xa01", "grade\u20091"), (), ["grade 1"] * 3),
        (("\u0645\u06cc\u200c\u062e", "a\u200d"), (), ["\u0645\u06cc\u200c\u062e", "a"]),
    ],
)
def test_a_class_has_one_spelling(labels, named, taken):
    rows, notes = settle_labels(table(*labels), "label", None, named)
    assert cells(rows) == taken
    assert bool(notes) == (taken != list(labels))


def test_characters_that_cannot_be_seen_are_named():
    _, notes = settle_labels(table("yes", "yes\u200b"), "label", None, ())
    assert "'yes\\u200b'" in notes[0]
    rows, notes = settle_labels(table("yes", "\u200b"), "label", "leave-out", ())
    assert cells(rows) == ["yes"]


@pytest.mark.parametrize("error", ["#VALUE!", "#WERT!", "#DIV/0!", "#N/D", "#VALEUR!", "#####"])
def test_an_error_of_a_spreadsheet_is_no_class(error):
    with pytest.raises(DataError, match=rf"line 3.*`{error}`.*--missing '{error}'"):
        settle_labels(table("a", error), "label", None, ())
    settle_labels(table("a", "#1"), "label", None, ())


@pytest.mark.parametrize(
    ("empty", "taken", "words"),
    [
        (None, ["a", "", "b"], ""),
        ("leave-out", ["a", "b"], "1 of 3 rows have no label; they are left out"),
        ("a", ["a", "a", "b"], "they are of the class `a`"),
    ],
)
def test_rows_without_a_label_are_what_the_user_says(empty, taken, words):
    rows, notes = settle_labels(table("a", "", "b"), "label", empty, ())
    assert cells(rows) == taken
    assert words in " ".join(notes)


def one_hot(*rows):
    return pd.DataFrame([*rows], columns=["MEL", "NV"], index=range(2, len(rows) + 2))


def test_a_column_for_each_class_makes_labels():
    rows = label_of_classes(one_hot(("1.0", "0.0"), ("0", "1"), ("", "0")), ["MEL", "NV"])
    assert cells(rows) == ["MEL", "NV", ""]


@pytest.mark.parametrize(
    ("row", "words"), [(("1", "1"), "one image of 2 classes"), (("-1", "0"), "--missing -1")]
)
def test_several_classes_of_an_image_and_other_cells_are_refused(row, words):
    with pytest.raises(DataError) as raised:
        label_of_classes(one_hot(("0", "1"), row), ["MEL", "NV"])
    assert words in str(raised.value)
    assert "line 3" in str(raised.value)
