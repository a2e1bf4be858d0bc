"""What the commands that read a table ask of an outcome that is no class, such as a time."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from skiagram.errors import DataError, OptionError, listed

if TYPE_CHECKING:
    from skiagram.datasets.folder.csv_rows import CsvRow
    from skiagram.tasks.kinds import AnyOutcome
    from skiagram.tasks.outcome import MeasuredOutcome

GROUP = "outcome_group"  # column of the labels in the table that the project keeps


class SettledOutcome(NamedTuple):
    """A table whose label belongs to the outcome, and what is predicted."""

    rows: "list[CsvRow]"
    outcome: "AnyOutcome"
    note: str
    columns: tuple[str, ...]


def add_outcome_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what each kind of outcome asks; several may ask the same."""
    from skiagram.tasks.kinds import KINDS

    kinds = " or ".join(f"a {kind.kind}" for kind in KINDS)
    group = parser.add_argument_group(f"{kinds}, in place of classes")
    for option in {option.name: option for kind in KINDS for option in kind.options}.values():
        taken: dict[str, Any] = {"nargs": "+"} if option.several else {}
        taken |= {"type": option.type, "metavar": option.metavar}
        group.add_argument(option.flag, help=option.words, **taken)


def given_columns(given: argparse.Namespace) -> dict[str, list[str]]:
    """Return flag → columns, of the options of outcomes that name some."""
    from skiagram.tasks.columns import COLUMN
    from skiagram.tasks.kinds import KINDS

    named = {
        option.flag: getattr(given, option.name)
        for kind in KINDS
        for option in kind.options
        if option.metavar == COLUMN
    }
    return {
        flag: [columns] if isinstance(columns, str) else columns
        for flag, columns in named.items()
        if columns is not None
    }


def list_predicted(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the columns that hold an outcome which is no class."""
    return tuple(name for names in given_columns(given).values() for name in names)


def settle_outcome(rows: "list[CsvRow]", arguments: argparse.Namespace) -> SettledOutcome | None:
    """Return the table with values and labels settled; None where classes are told apart.

    The arguments then name the column of the outcome's labels as that of the labels.

    Raises:
        OptionError: A column is not named, or two outcomes or classes are asked for too.
        DataError: A column is not there, or its cells are nothing that can be predicted.
    """
    from skiagram.datasets.folder.csv_rows import list_columns, require_columns
    from skiagram.tasks.columns import VALUE, OutcomeTable

    kind = _asked_kind(arguments)
    if kind is None:
        return None
    columns = list_predicted(arguments)
    require_columns(rows, columns)
    covariates = list_columns(getattr(arguments, "covariates", None) or (), rows[0].cells)
    if told := sorted({*covariates} & {*columns}):
        fault = f"{listed(f'`{name}`' for name in told)} is what is predicted"
        raise OptionError(fault, where="--covariates", allowed="columns that do not tell it")
    rows, left_out = _without_missing(rows, kind, arguments)
    is_development = [not _is_test(row, arguments) for row in rows]
    read = kind.read_columns(OutcomeTable(rows, is_development), vars(arguments))
    settled = [
        replace(row, cells=row.cells | {VALUE: value, GROUP: label})
        for row, value, label in zip(rows, read.value, read.label, strict=True)
    ]
    classes = read.outcome.classes
    arguments.label, arguments.classes = GROUP, [*classes]
    arguments.positive = classes[-1] if len(classes) == 2 else None
    return SettledOutcome(settled, cast("AnyOutcome", read.outcome), left_out + read.note, columns)


def _without_missing(
    rows: "list[CsvRow]", kind: "type[MeasuredOutcome]", arguments: argparse.Namespace
) -> "tuple[list[CsvRow], str]":
    """Return the rows that say their outcome, where others are left out, and a sentence on it."""
    from skiagram.datasets.folder.labels import LEAVE_OUT

    if getattr(arguments, "empty_label", None) != LEAVE_OUT:
        return rows, ""
    if getattr(arguments, kind.named_by[-1]) is None:
        return rows, ""
    given, asked = given_columns(arguments), reversed(kind.options)
    of_asked = (given.get(option.flag, ()) for option in asked if option.name in kind.named_by)
    said = " or ".join(f"`{name}`" for names in of_asked for name in names)
    kept = [row for row in rows if not kind.is_missing(row, vars(arguments))]
    if not kept:
        raise DataError("no row has a value", where=f"column {said}")
    left_out = len(rows) - len(kept)
    note = f"{left_out} of {len(rows)} rows say nothing in {said} and are left out. "
    return kept, note if left_out else ""


def _asked_kind(arguments: argparse.Namespace) -> "type[MeasuredOutcome] | None":
    """Return the kind of outcome whose options are given; None where none is."""
    from skiagram.tasks.kinds import KINDS

    names = [option.name for kind in KINDS for option in kind.options]
    asked = {
        kind: [
            option.flag
            for option in kind.options
            if names.count(option.name) == 1 and getattr(arguments, option.name) is not None
        ]
        for kind in KINDS
    }
    asked = {kind: flags for kind, flags in asked.items() if flags}
    of_classes = arguments.positive is not None or bool(arguments.classes)
    if len(asked) + (of_classes and bool(asked)) > 1:
        where = "--positive, --classes" if of_classes else [*asked.values()][-1][0]
        kinds = ", ".join(" ".join(f"--{name}" for name in kind.named_by) for kind in KINDS)
        allowed = f"either classes (--label) or one outcome of {kinds}"
        raise OptionError("was given too", where=where, allowed=allowed)
    return next(iter(asked), None)


def _is_test(row: "CsvRow", arguments: argparse.Namespace) -> bool:
    """Return whether a row is of a sealed test case."""
    from skiagram.datasets.folder.table import SPLITS

    names = {getattr(arguments, "split", None) or "split"}
    cells = (cell for name, cell in row.cells.items() if {name, name.casefold()} & names)
    sites = getattr(arguments, "test_sites", None) or ()
    site = row.cells.get(getattr(arguments, "site", None) or "site", "")
    return site in sites or any(SPLITS.get(cell.casefold()) == "test" for cell in cells)
