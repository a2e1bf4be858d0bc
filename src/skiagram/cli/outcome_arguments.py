"""What the commands that read a table ask of an outcome that is no class, such as a time."""

import argparse
import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from skiagram.errors import DataError, OptionError

if TYPE_CHECKING:
    from skiagram.datasets.folder.csv_rows import TableRow
    from skiagram.outcomes.kinds import AnyOutcome

_NO_EVENT = ("", "-", "--", "0", "no", "false", "n", "none", "censored", "alive")
_DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
VALUE = "outcome_value"  # column of the table that the project keeps
GROUP = "outcome_group"  # column of the groups of a number, or of the grades, there


class SettledOutcome(NamedTuple):
    """A table whose label belongs to the outcome, and what is predicted."""

    rows: "list[TableRow]"
    outcome: "AnyOutcome"
    note: str
    columns: tuple[str, ...]


def add_outcome_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    group = parser.add_argument_group(
        "a time to an event, a number or a grade, in place of classes"
    )
    add = group.add_argument
    text = "columns of the time from the image to the event, or to the end of follow-up; of "
    text += "several the first that is not empty"
    add("--time", nargs="+", metavar="COLUMN", help=text)
    text = "column of the date of the image, where those of --time are dates such as 2026-05-31"
    add("--since", metavar="COLUMN", help=text)
    add("--event", metavar="COLUMN", help="column that says whether the event was seen")
    text = "cells of it that mean that none was (default: empty, -, --, 0, no, false, none, "
    text += "censored, alive); all others are events"
    add("--no-event", nargs="+", metavar="CELL", help=text)
    text = "cells of it that mean this event, where the column also names others, such as deaths "
    text += "of another cause, which may come first"
    add("--cause", nargs="+", metavar="CELL", help=text)
    add("--number", metavar="COLUMN", help="column of a number, such as a length or an age")
    add("--grade", metavar="COLUMN", help="column of an ordered grade, such as 1 to 5")
    text = "the grades in their order, the lowest first (default: that of their numbers)"
    add("--grades", nargs="+", metavar="GRADE", help=text)
    text = "what the time counts (default: days), or the number is measured in, such as mm"
    add("--unit", help=text)
    text = "times by which events are predicted (default: those by which a quarter, half and three "
    text += "quarters of the events have happened)"
    add("--horizons", nargs="+", type=float, default=[], metavar="TIME", help=text)


def settle_outcome(rows: "list[TableRow]", arguments: argparse.Namespace) -> SettledOutcome | None:
    """Return the table with values and labels settled; None where classes are told apart.

    The arguments then name the column of events, of the groups of a number, or of the grades, as
    that of the labels.

    Raises:
        OptionError: A column is not named, or two outcomes or classes are asked for too.
        DataError: A column is not there, or no case is without the event, or none with it.
    """
    options = {
        _settle_time: ("time", "event", "since", "cause"),
        _settle_number: ("number",),
        _settle_grade: ("grade", "grades"),
    }
    asked = {
        settle: [f"--{name}" for name in names if getattr(arguments, name) is not None]
        for settle, names in options.items()
    }
    asked = {settle: given for settle, given in asked.items() if given}
    of_classes = arguments.positive is not None or bool(arguments.classes)
    if len(asked) + (of_classes and bool(asked)) > 1:
        where = "--positive, --classes" if of_classes else [*asked.values()][-1][0]
        allowed = "either classes (`--label`), a time (`--time`, `--event`), a `--number` or a "
        raise OptionError("was given too", where=where, allowed=f"{allowed}`--grade`")
    return next((settle(rows, arguments) for settle in asked), None)


def _settle_number(rows: "list[TableRow]", arguments: argparse.Namespace) -> SettledOutcome:
    import numpy as np

    from skiagram.datasets.folder.csv_rows import require_columns
    from skiagram.datasets.folder.table import is_number, parse_value
    from skiagram.outcomes.number import Number, group_numbers

    column = arguments.number
    require_columns(rows, (column,))
    missing = [row for row in rows if not is_number(row.cells[column])]
    if missing:
        first = missing[0]
        cell = first.cells[column]
        raise DataError(
            f"{len(missing)} of {len(rows)} rows have no number, the first `{cell}`",
            where=f"{first.where}, column `{column}`",
            allowed="a number in every row, such as 12.5",
            remedy="correct the table, or leave the rows out and say so where you report the "
            "result",
        )
    value = np.array([parse_value(row.cells[column]) for row in rows])
    known = np.array([not _is_test(row, arguments) for row in rows])
    grouped, groups = group_numbers(value[known])
    if groups < 2:
        raise DataError(
            f"every row has the number {value[0]:g}",
            where=f"column `{column}`",
            allowed="numbers that differ",
            remedy="name another column: --number COLUMN",
        )
    group = np.full(len(rows), groups - 1)  # of a test case, whose group nothing asks for
    group[known] = grouped
    outcome = Number(column=VALUE, unit=arguments.unit or "", groups=groups)
    names = outcome.classes
    settled = [
        replace(row, cells=row.cells | {VALUE: row.cells[column], GROUP: names[of_row]})
        for row, of_row in zip(rows, group.tolist(), strict=True)
    ]
    arguments.label, arguments.classes = GROUP, [*names]
    arguments.positive = names[-1] if groups == 2 else None
    note = f"`{column}` is {value.mean():.4g} on average, from {value.min():g} to {value.max():g}"
    unit = f" {outcome.unit}" if outcome.unit else ""
    note += f"{unit}; folds are balanced by {groups} groups of it."
    return SettledOutcome(settled, outcome, note, (column,))


def _is_test(row: "TableRow", arguments: argparse.Namespace) -> bool:
    """Return whether a row is of a sealed test case."""
    from skiagram.datasets.folder.table import SPLITS

    names = {getattr(arguments, "split", None) or "split"}
    cells = (cell for name, cell in row.cells.items() if {name, name.casefold()} & names)
    sites = getattr(arguments, "test_sites", None) or ()
    site = row.cells.get(getattr(arguments, "site", None) or "site", "")
    return site in sites or any(SPLITS.get(cell.casefold()) == "test" for cell in cells)


def _settle_grade(rows: "list[TableRow]", arguments: argparse.Namespace) -> SettledOutcome:
    from skiagram.datasets.folder.csv_rows import require_columns
    from skiagram.outcomes.grade import LEAST_GRADES, Grade

    column = arguments.grade
    if column is None:
        raise OptionError("is not given", where="--grade", allowed="a column, as --grades was")
    require_columns(rows, (column,))
    grades = arguments.grades or _grades_by_number(rows, column)
    place_of = {_plain(grade): place for place, grade in enumerate(grades, start=1)}
    if len(place_of) < len(grades):
        raise OptionError("a grade twice", where="--grades", allowed="each once, the lowest first")
    if len(grades) < LEAST_GRADES:
        raise DataError(
            f"{len(grades)} grades: {', '.join(grades)}",
            where=f"column `{column}`",
            allowed=f"{LEAST_GRADES} or more",
            remedy=f"two grades are classes: --label {column} --positive {grades[-1]}",
        )
    outside = [row for row in rows if _plain(row.cells[column]) not in place_of]
    if outside:
        first = outside[0]
        raise DataError(
            f"{len(outside)} of {len(rows)} rows have none of the grades, the first "
            f"`{first.cells[column]}`",
            where=f"{first.where}, column `{column}`",
            allowed=", ".join(grades),
            remedy="name all grades in their order (--grades), or leave the rows out and say so "
            "where you report the result",
        )
    outcome = Grade(column=VALUE, grades=tuple(grades))
    settled = []
    for row in rows:
        place = place_of[_plain(row.cells[column])]
        cells = {VALUE: str(place), GROUP: grades[place - 1]}
        settled.append(replace(row, cells=row.cells | cells))
    arguments.label, arguments.classes, arguments.positive = GROUP, [*grades], None
    note = f"`{column}` is a grade, from the lowest to the highest: {', '.join(grades)}."
    return SettledOutcome(settled, outcome, note, (column,))


def _grades_by_number(rows: "Sequence[TableRow]", column: str) -> list[str]:
    """Return the grades of a column, in the order of their numbers."""
    from skiagram.datasets.folder.table import is_number

    cells = {_plain(row.cells[column]) for row in rows} - {""}
    words = sorted(cell for cell in cells if not is_number(cell))
    if words:
        raise DataError(
            f"grades that are no numbers: {', '.join(words[:6])}",
            where=f"column `{column}`",
            allowed="numbers, or grades whose order is told",
            remedy="name the grades, the lowest first: --grades LOWEST ... HIGHEST",
        )
    return sorted(cells, key=float)


def _settle_time(rows: "list[TableRow]", arguments: argparse.Namespace) -> SettledOutcome:
    from skiagram.datasets.folder.csv_rows import require_columns
    from skiagram.outcomes.time import TimeToEvent

    times, event, since = arguments.time, arguments.event, arguments.since
    named = arguments.cause
    if times is None or event is None:
        missing, given = ("--time", "--event") if times is None else ("--event", "--time")
        raise OptionError("is not given", where=missing, allowed=f"both, as {given} was")
    unit = arguments.unit or "days"
    if since is not None and unit not in _DAYS:
        allowed = f"{', '.join(_DAYS)}, as times are differences of dates"
        raise OptionError(unit, where="--unit", allowed=allowed)
    dates = () if since is None else (since,)
    require_columns(rows, (*times, event, *dates))
    absent = _cells_without_event(rows, event, arguments.no_event)
    causes = _other_causes(rows, event, absent, named) if named else {}
    outcome = TimeToEvent(
        column=VALUE,
        unit=unit,
        horizons=tuple(sorted(arguments.horizons)),
        other_causes=tuple(sorted({*causes.values()})),
        cause=tuple(named or ()),
        no_event=tuple(arguments.no_event or ()),
    )
    none, seen = outcome.classes[:2]
    label_of = dict.fromkeys(absent, none) | dict.fromkeys(causes, outcome.classes[-1])
    settled = []
    for row in rows:
        column = next((name for name in times if row.cells[name]), times[0])
        cell = row.cells[column]
        if since is not None and cell:
            days = (_date(row, column) - _date(row, since)).days
            if days < 0:
                raise DataError(
                    f"the date in `{column}` is {-days} days before that in `{since}`",
                    where=row.where,
                    allowed="dates from the image on",
                    remedy="correct the table, or leave the row out and say so where you report "
                    "the result; an event before the image cannot be predicted from it",
                )
            cell = f"{days / _DAYS[unit]:.6g}"
        label = label_of.get(_plain(row.cells[event]), seen)
        settled.append(replace(row, cells=row.cells | {VALUE: cell, event: label}))
    counted = sum(row.cells[event] == seen for row in settled)
    arguments.label, arguments.classes = event, [*outcome.classes]
    arguments.positive = None if causes else seen
    note = f"{counted} of {len(settled)} rows have the event; without it are those whose cell in "
    note += f"`{event}` is {' or '.join(repr(cell) for cell in sorted(absent))}"
    note += f"; another event first: {', '.join(map(repr, sorted(causes)))}." if causes else "."
    return SettledOutcome(settled, outcome, note, (*times, event, *dates))


def _date(row: "TableRow", column: str) -> datetime.date:
    """Return a cell as a date; it is not quoted where it is none, as it could tell who it is."""
    try:
        return datetime.date.fromisoformat(row.cells[column].strip())
    except ValueError:
        raise DataError(
            f"no date in the column `{column}`",
            where=row.where,
            allowed="dates such as 2026-05-31",
            remedy="write them so, without the time of day",
        ) from None


def _cells_without_event(
    rows: "Sequence[TableRow]", event: str, named: Sequence[str] | None
) -> set[str]:
    """Return the cells that mean that no event was seen, of those that occur."""
    cells = {_plain(row.cells[event]) for row in rows}
    wanted = {_plain(cell) for cell in (_NO_EVENT if named is None else named)}
    absent = cells & wanted
    if not absent or absent == cells:
        listed = ", ".join(sorted(repr(cell) for cell in cells)[:6])
        raise DataError(
            "no row has the event" if absent else "every row has the event",
            where=f"column `{event}`",
            allowed=f"rows with and rows without it; the cells are {listed}",
            remedy="name the cells that mean that there was none: --no-event CELL",
        )
    return absent


def _other_causes(
    rows: "Sequence[TableRow]", event: str, absent: set[str], named: Sequence[str]
) -> dict[str, str]:
    """Return the cells that mean another event than those named, as compared and as written."""
    cells = {_plain(row.cells[event]): row.cells[event].strip() for row in rows}
    wanted = {_plain(cell) for cell in named}
    unknown = [cell for cell in named if _plain(cell) not in cells.keys() - absent]
    if unknown:
        told = (cell for plain, cell in sorted(cells.items()) if plain not in absent)
        events = ", ".join(map(repr, told))
        raise DataError(
            f"no event is called {', '.join(map(repr, unknown))}",
            where=f"column `{event}`",
            allowed=events,
            remedy="name the cells that mean this event: --cause CELL",
        )
    return {plain: cell for plain, cell in cells.items() if plain not in wanted | absent}


def _plain(cell: str) -> str:
    """Return a cell such that `0`, `0.0` and `No ` are those that are meant."""
    text = cell.strip().casefold()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text
