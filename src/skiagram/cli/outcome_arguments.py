"""What the commands that read a table ask of an outcome that is no class, such as a time."""

import argparse
import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from skiagram.errors import DataError, OptionError

if TYPE_CHECKING:
    from skiagram.datasets.folder.csv_rows import TableRow
    from skiagram.outcomes.time import TimeToEvent

_NO_EVENT = ("", "-", "--", "0", "no", "false", "n", "none", "censored", "alive")
_DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
VALUE = "outcome_value"  # column of the table that the project keeps


class SettledOutcome(NamedTuple):
    """A table whose label says whether there was an event, and what is predicted."""

    rows: "list[TableRow]"
    outcome: "TimeToEvent"
    note: str


def add_outcome_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    group = parser.add_argument_group("a time to an event, in place of classes")
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
    add("--unit", default="days", help="what the time counts (default: days)")
    text = "times by which events are predicted (default: those by which a quarter, half and three "
    text += "quarters of the events have happened)"
    add("--horizons", nargs="+", type=float, default=[], metavar="TIME", help=text)


def settle_outcome(rows: "list[TableRow]", arguments: argparse.Namespace) -> SettledOutcome | None:
    """Return the table with times and events settled; None where classes are told apart.

    The arguments then name the column of events as that of the labels.

    Raises:
        OptionError: One of the two columns is not named, or classes are asked for too.
        DataError: A column is not there, or no case is without the event, or none with it.
    """
    from skiagram.datasets.folder.csv_rows import require_columns
    from skiagram.outcomes.time import TimeToEvent

    times, event, since = arguments.time, arguments.event, arguments.since
    if times is None and event is None and since is None:
        return None
    if times is None or event is None:
        missing, given = ("--time", "--event") if times is None else ("--event", "--time")
        raise OptionError("is not given", where=missing, allowed=f"both, as {given} was")
    if arguments.positive is not None or arguments.classes:
        allowed = "either classes (`--label`) or a time (`--time`, `--event`)"
        raise OptionError("was given too", where="--positive, --classes", allowed=allowed)
    if since is not None and arguments.unit not in _DAYS:
        allowed = f"{', '.join(_DAYS)}, as times are differences of dates"
        raise OptionError(f"{arguments.unit}", where="--unit", allowed=allowed)
    require_columns(rows, (*times, event, *([] if since is None else [since])))
    outcome = TimeToEvent(
        column=VALUE, unit=arguments.unit, horizons=tuple(sorted(arguments.horizons))
    )
    none, seen = outcome.classes
    absent = _cells_without_event(rows, event, arguments.no_event)
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
            cell = f"{days / _DAYS[arguments.unit]:.6g}"
        label = none if _plain(row.cells[event]) in absent else seen
        settled.append(replace(row, cells=row.cells | {VALUE: cell, event: label}))
    counted = sum(row.cells[event] == seen for row in settled)
    arguments.label, arguments.classes, arguments.positive = event, [none, seen], seen
    note = f"{counted} of {len(settled)} rows have the event; without it are those whose cell in "
    note += f"`{event}` is {' or '.join(repr(cell) for cell in sorted(absent))}."
    return SettledOutcome(settled, outcome, note)


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


def _plain(cell: str) -> str:
    """Return a cell such that `0`, `0.0` and `No ` are those that are meant."""
    text = cell.strip().casefold()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text
