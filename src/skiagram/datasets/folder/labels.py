"""Labels as tables of other people write them: numbers in several forms, a column a class, none."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches

from skiagram.datasets.folder.csv_rows import WHERE, TableRow, parse_number, require_columns
from skiagram.datasets.folder.patients import is_error
from skiagram.errors import DataError, OptionError, listed

LABEL = "label"
LEAVE_OUT = "leave-out"
_IN_CLASS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
# Soft hyphens, zero-width blanks, marks of direction; joiners have a meaning within other scripts.
_INVISIBLE = re.compile(
    r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
    r"|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
_EMPTY = "`--empty-label leave-out` leaves such rows out, `--empty-label CLASS` names their class"


def label_of_classes(rows: Sequence[TableRow], columns: Sequence[str]) -> list[TableRow]:
    """Return a table whose column `label` names the one column of a row that holds 1.

    A row without any has an empty label.

    Raises:
        DataError: A row is of several classes, or a cell is neither 0 nor 1.
    """
    require_columns([*rows], columns)
    if LABEL in rows[0].cells:
        fault = f"a column `{LABEL}`, and {len(columns)} columns of classes"
        raise OptionError(fault, where="--label", allowed="one or the other")
    labelled = []
    for row in rows:
        classes = []
        for name in columns:
            cell = row.cells[name]
            if cell and cell.casefold() not in _IN_CLASS:
                raise DataError(
                    f"`{cell}` in the column `{name}`",
                    where=row.where,
                    allowed="0 or 1, where --label names a column for each class",
                    remedy=f"correct the cell; `--missing '{cell}'` empties it",
                )
            if cell and _IN_CLASS[cell.casefold()]:
                classes.append(name)
        if len(classes) > 1:
            raise DataError(
                f"one image of {len(classes)} classes: {listed(classes)}",
                where=row.where,
                allowed="one class for each image",
                remedy="name one finding alone: `--label FINDING --positive 1`",
            )
        labelled.append(replace(row, cells=row.cells | {LABEL: "".join(classes)}))
    return labelled


def settle_labels(
    rows: list[TableRow], column: str, empty: str | None, named: Collection[str]
) -> tuple[list[TableRow], list[str]]:
    """Return a table in which each class has one spelling, and sentences on what was changed.

    Numbers that are equal are one class: `1`, `1.0` and `01`. Characters that cannot be seen make
    no other class.

    Args:
        empty: What becomes of rows without a label: left out (`leave-out`), or of this class; None
            leaves them as they are, to be refused.
        named: Classes that the user names, whose spelling counts.
    """
    notes = []
    hidden = {row.cells[column] for row in rows if _visible(row.cells[column]) != row.cells[column]}
    if hidden:
        rows = [
            replace(row, cells=row.cells | {column: _visible(row.cells[column])}) for row in rows
        ]
        notes.append(
            f"{len(hidden)} labels hold characters that cannot be seen, or unusual blanks, such as "
            f"{min(hidden)!a}; they are read without these."
        )
    for row in rows:
        if is_error(row.cells[column]):
            raise DataError(
                f"label `{row.cells[column]}`, the error of a spreadsheet's formula",
                where=f"{row.where}, column `{column}`",
                allowed="classes",
                remedy=f"correct the formula; or `--missing '{row.cells[column]}'` empties such "
                f"cells, and {_EMPTY}",
            )
    spelling = _one_spelling({row.cells[column] for row in rows} - {""}, named)
    changed = [(cell, label) for cell, label in spelling.items() if cell != label]
    if changed:
        told = listed(f"`{cell}` is `{label}`" for cell, label in sorted(changed))
        notes.append(f"Labels that are the same number are one class: {told}.")
    unlabelled = sum(not row.cells[column] for row in rows)
    if unlabelled and empty is not None:
        out = empty == LEAVE_OUT
        becomes = "are left out" if out else f"are of the class `{empty}`, as you said"
        notes.append(f"{unlabelled} of {len(rows)} rows have no label; they {becomes}.")
        spelling[""] = "" if out else empty
        rows = [row for row in rows if row.cells[column] or not out]
        if not rows:
            raise DataError("no row has a label", where=f"{WHERE}, column `{column}`")
    return [
        replace(row, cells=row.cells | {column: spelling.get(row.cells[column], row.cells[column])})
        for row in rows
    ], notes


def leave_out_classes(
    rows: list[TableRow], column: str, classes: Collection[str]
) -> tuple[list[TableRow], str]:
    """Return the rows of some classes, and a sentence on the others; all where none are named.

    Rows without a label stay.

    Raises:
        OptionError: No row has a class that is named, while others would be left out.
    """
    counts = Counter(row.cells[column] for row in rows if row.cells[column])
    others = {name: number for name, number in sorted(counts.items()) if name not in classes}
    if not classes or not others:
        return rows, ""
    for name in classes:
        if name not in counts:
            near = get_close_matches(name, counts, 1)
            raise OptionError(
                f"nothing has the class `{name}`",
                where="--classes",
                allowed=", ".join(sorted(counts)),
                remedy=f"did you mean `{near[0]}`?" if near else "",
            )
    told = ", ".join(f"{number} of `{name}`" for name, number in others.items())
    left = [row for row in rows if row.cells[column] not in others]
    return left, f"Left out, of classes that --classes does not name: {told}."


def _visible(label: str) -> str:
    """Return a label without characters that cannot be seen, and with plain blanks."""
    return " ".join(_INVISIBLE.sub("", label).split())


def _one_spelling(labels: Collection[str], named: Collection[str]) -> dict[str, str]:
    """Return label → the spelling of its number: the user's own, else the shortest."""
    alike: dict[float, list[str]] = {}
    for label in sorted({*labels, *named}, key=lambda text: (text not in named, len(text), text)):
        for number in _numbers(label):
            alike.setdefault(number, []).append(label)
    return {
        label: spellings[0]
        for spellings in alike.values()
        for label in spellings
        if label not in named
    }


def _numbers(label: str) -> Iterator[float]:
    try:
        yield parse_number(label)
    except ValueError:
        return
