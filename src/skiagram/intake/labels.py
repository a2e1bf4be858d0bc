"""Labels as tables of other people write them: numbers in several forms, a column a class, none."""

import re
import shlex
from collections import Counter
from collections.abc import Collection, Sequence

import pandas as pd

from skiagram.datasets.folder.columns import find_cell_problems, require_cells, require_columns
from skiagram.datasets.folder.option_file import LEFT_OUT
from skiagram.datasets.folder.roles import Check, usual_column
from skiagram.errors import listed, refusal, suggest
from skiagram.tables.cells import (
    are_equal,
    find_missing_codes,
    is_error,
    same_value,
    split_list,
    stands_for_missing,
)
from skiagram.tables.frames import WHERE, count_cases, replace_columns, row_at, rows_of
from skiagram.tasks.columns import refuse_codes

LABEL = "label"
LEAVE_OUT = "leave-out"
OF_OTHER_CLASSES = "are of classes that `--classes` does not name"
MOST_NUMBERS = 10  # that are taken for classes, such as digits and grades
_JOINS = ("|", ";", ",", "/", "+", "&", " and ")  # of several findings in one cell
_OF_ONE_CLASS = Check(
    "intake.cell_of_one_class",
    lambda cell: not cell or same_value(cell) in (0, 1),
)
# Soft hyphens, zero-width blanks, marks of direction; joiners have a meaning within other scripts.
_INVISIBLE = re.compile(
    r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
    r"|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


def label_of_classes(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return a table whose column `label` names the one column of a row that holds 1.

    A row without any has an empty label.

    Raises:
        DataError: A row is of several classes, or a cell is neither 0 nor 1.
    """
    require_columns(frame, columns)
    if LABEL in frame:
        raise refusal("intake.two_labels", label=LABEL, n_columns=len(columns))
    checks = [(name, _OF_ONE_CLASS) for name in columns]
    for problem in find_cell_problems(frame, checks).values():
        raise problem
    labels = []
    for row in rows_of(frame, columns):
        classes = [name for name in columns if same_value(row.cells[name]) == 1]
        if len(classes) > 1:
            raise refusal(
                "intake.image_of_several_classes",
                row.where,
                n_classes=len(classes),
                classes=classes,
            )
        labels.append("".join(classes))
    return replace_columns(frame, {LABEL: labels})


def settle_labels(
    frame: pd.DataFrame, column: str, empty: str | None, named: Collection[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return a table in which each class has one spelling, and sentences on what was changed.

    Numbers that are equal are one class: `1`, `1.0` and `01`. Characters that cannot be seen make
    no other class. Words for what is missing, such as `NA`, are empty labels unless they are named.

    Args:
        empty: What becomes of rows without a label: left out (`leave-out`), or of this class; None
            leaves them as they are, to be refused.
        named: Classes that the user names, whose spelling counts.

    Raises:
        DataError: A label is an error of a formula, joins findings, or looks like a mark of
            missing values.
    """
    # characters that cannot be seen
    notes = []
    labels = frame[column].map(lambda label: " ".join(_INVISIBLE.sub("", label).split()))
    hidden = {*frame[column][labels != frame[column]]}
    if hidden:
        notes.append(
            f"{len(hidden)} labels hold characters that cannot be seen, or unusual blanks, such as "
            f"{min(hidden)!a}; they are read without these."
        )
    frame = replace_columns(frame, {column: labels})
    _refuse_labels(frame, column, named)
    # words for a missing one; `none` may be a class beside other words, but no number
    counts = _count_labels(frame, column)
    others = [label for label in counts if not stands_for_missing(label)]
    numbers = all(isinstance(same_value(label), float) for label in others)
    words = {
        label: number
        for label, number in sorted(counts.items())
        if label not in named
        and stands_for_missing(label)
        and (numbers or label.casefold() != "none")
    }
    if words:
        counted = ", ".join(f"`{label}` ({number})" for label, number in words.items())
        note = f"Labels that stand for a missing one: {counted}; where one is a class, name all "
        notes.append(f"{note}with --classes.")
    # equal numbers are spelled as the user names them, else in the shortest way
    spelled, changed = dict[float, str](), dict[str, str]()
    present = counts.keys() - words.keys()
    for label in sorted({*present, *named}, key=lambda text: (text not in named, len(text), text)):
        number = same_value(label)
        if isinstance(number, float):
            first = spelled.setdefault(number, label)
            if label not in named and first != label:
                changed[label] = first
    if changed:
        changes = listed(f"`{cell}` is `{label}`" for cell, label in sorted(changed.items()))
        notes.append(f"Labels that are the same number are one class: {changes}.")
    spelling = {**dict.fromkeys(words, ""), **changed}
    frame = replace_columns(frame, {column: frame[column].replace(spelling)})
    # rows without a label
    is_empty = frame[column] == ""
    unlabelled = count_cases(frame[is_empty])
    if unlabelled and empty is not None:
        out = empty == LEAVE_OUT
        becomes = "are left out" if out else f"are of the class `{empty}`, as you said"
        every = count_cases(frame)
        notes.append(f"{unlabelled} of {every} rows have no label; they {becomes}.")
        frame = (
            frame[~is_empty]
            if out
            else replace_columns(frame, {column: frame[column].mask(is_empty, empty)})
        )
        if not len(frame):
            raise refusal("intake.no_label", f"{WHERE}, column `{column}`")
    return frame, notes


def label_column(name: str, header: Collection[str]) -> str:
    """Return the column of labels: the one that is named, also as `Label` for `label`."""
    return name if name in header else usual_column(header, (name,)) or name


def require_positive(positive: str | None, classes: Sequence[str]) -> None:
    """Refuse two classes of which none is named as the positive one.

    Raises:
        OptionError: So it is; the message shows how to name it.
    """
    if lines := positive_lines(positive, classes):
        raise refusal("intake.no_positive", classes=classes, lines=lines)


def positive_lines(positive: str | None, classes: Sequence[str]) -> str:
    """Return both ways to name the positive class; empty where it is named or needs no name.

    Neither is proposed alone: which of two words is the disease cannot be told by their order, and
    with the other one every figure is that of finding the healthy.
    """
    if positive is not None or len(classes) != 2:
        return ""
    return " or ".join(f"`--positive {shlex.quote(name)}`" for name in classes)


def settle_positive(positive: str | None, classes: Sequence[str]) -> str | None:
    """Return the positive class as the table writes it; None where none is named.

    Raises:
        OptionError: It is none of two classes.
    """
    if positive is None:
        return None
    # itself, or the one of equal value, as `1` of `True`
    equal = [name for name in classes if are_equal(name, positive)]
    named = positive if positive in classes or len(equal) != 1 else equal[0]
    if len(classes) != 2:
        counted = "one class alone" if len(classes) == 1 else f"{len(classes)} classes"
        fault = f"`{named}` was given, and {counted}: {listed(classes)}"
        remedy = (
            "correct it or the labels, name two with --classes, or leave --positive out; where "
            "empty cells are the other class, `--empty-label` names it"
        )
        raise refusal("intake.positive_of_others", found=fault, remedy=remedy)
    if named not in classes:
        remedy = suggest(named, classes, "name one of these classes")
        raise refusal("intake.unknown_positive", label=named, classes=classes, remedy=remedy)
    return named


def leave_out_classes(
    frame: pd.DataFrame, column: str, classes: Collection[str]
) -> tuple[pd.DataFrame, str]:
    """Return the rows of some classes, and a sentence on the others; all where none are named.

    Rows without a label stay.

    Raises:
        OptionError: No row has a class that is named, while others would be left out.
    """
    counts = _count_labels(frame, column)
    others = {name: number for name, number in sorted(counts.items()) if name not in classes}
    if not classes or not others:
        return frame, ""
    for name in classes:
        if name not in counts:
            parts = [part.strip() for part in name.split(",")]
            remedy = suggest(name, counts)
            if {*parts} <= counts.keys():
                remedy = f"separate them by blanks: `--classes {shlex.join(parts)}`"
            raise refusal("intake.unknown_class", name=name, classes=sorted(counts), remedy=remedy)
    counted = ", ".join(f"{number} of `{name}`" for name, number in others.items())
    remaining = frame[~frame[column].isin([*others])]
    return remaining, f"Left out, of classes that --classes does not name: {counted}."


def record_left_out(number: int, stay: int, why: str) -> tuple[str, ...]:
    """Return what a reader of the report must know of rows that were left out; nothing of none.

    Neither a class nor a file is named: a cell of the table may tell more than a class.
    """
    return (f"{number:,} of {number + stay:,} images or rows {why} {LEFT_OUT}",) if number else ()


def _count_labels(frame: pd.DataFrame, column: str) -> Counter[str]:
    """Return label → how many rows have it; a case of several images is one."""
    cases = {*zip(frame.index.tolist(), frame[column].tolist(), strict=True)}
    return Counter(label for _, label in cases if label)


def _refuse_labels(frame: pd.DataFrame, column: str, named: Collection[str]) -> None:
    """Refuse errors of formulas, joined findings, and a number that looks like a missing one."""
    cells = frame[column]
    error = Check("intake.label_of_error", lambda cell: not is_error(cell))
    require_cells(frame, [(column, error)])
    # findings that one of the usual marks joins
    labels = {*cells} - {"", *named}
    for mark in _JOINS:
        lists = {
            label: split_list(label, mark) for label in labels if not stands_for_missing(label)
        }
        parts_of = {label: parts for label, parts in lists.items() if mark in label.strip(mark)}
        single = {*named}.union(*(lists[label] for label in lists.keys() - parts_of.keys()))
        alone = [label for label, parts in parts_of.items() if parts <= single]
        joined = parts_of.keys() if alone or (mark == "|" and len(parts_of) > 1) else ()
        if joined and len({*named}) < 2:  # a line that names all classes has settled it
            is_joined = cells.isin([*joined]).to_numpy()
            first = row_at(frame, int(is_joined.argmax()))
            finding = min(parts_of[first.cells[column]])
            raise refusal(
                "intake.joined_findings",
                f"{first.where}, column `{column}`",
                mark=mark,
                number=count_cases(frame[is_joined]),
                every=count_cases(frame),
                example=first.cells[column],
                finding=finding,
            )
    # a number such as 999 beside classes
    finite = [number for number in map(same_value, labels) if isinstance(number, float)]
    codes = find_missing_codes(finite, counts=True) if not named or len(labels) > 2 else ()
    if codes and len(finite) == sum(not stands_for_missing(label) for label in labels):
        classes = " ".join(sorted({f"{number:g}" for number in finite}))
        refuse_codes(rows_of(frame, [column]), column, codes, f"--classes {classes}")
