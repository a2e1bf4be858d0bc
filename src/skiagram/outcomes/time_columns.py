"""Columns of times and events: differences of dates, which cells are events, other causes."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from skiagram.errors import DataError, OptionError
from skiagram.outcomes.columns import UNIT, ColumnOption, Row, plain

CENSORED, EVENT, OTHER = 0, 1, 2
_NO_EVENT = ("", "-", "--", "0", "no", "false", "n", "none", "censored", "alive")
_DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
OPTIONS = (
    ColumnOption(
        "time",
        "columns of the time from the image to the event, or to the end of follow-up; of several "
        "the first that is not empty",
        several=True,
    ),
    ColumnOption(
        "since",
        "column of the date of the image, where those of --time are dates such as 2026-05-31",
    ),
    ColumnOption("event", "column that says whether the event was seen"),
    ColumnOption(
        "no_event",
        "cells of it that mean that none was (default: empty, -, --, 0, no, false, none, censored, "
        "alive); all others are events",
        metavar="CELL",
        several=True,
    ),
    ColumnOption(
        "cause",
        "cells of it that mean this event, where the column also names others, such as deaths of "
        "another cause, which may come first",
        metavar="CELL",
        several=True,
    ),
    UNIT,
    ColumnOption(
        "horizons",
        "times by which events are predicted (default: those by which a quarter, half and three "
        "quarters of the events have happened)",
        metavar="TIME",
        several=True,
        type=float,
    ),
)


class ReadTimes(NamedTuple):
    """What the columns say.

    Attributes:
        label: Of each row, CENSORED, EVENT or OTHER.
        value: Of each row, the time as a cell.
        other_causes: Names of other events.
        note: Sentence that a person checks.
    """

    unit: str
    label: list[int]
    value: list[str]
    other_causes: tuple[str, ...]
    note: str


def read_times(rows: Sequence[Row], given: Mapping[str, Any]) -> ReadTimes:
    """Return the times and events of rows; see `MeasuredOutcome.read_columns`."""
    times, event, since = given["time"], given["event"], given["since"]
    if times is None or event is None:
        missing = "--time" if times is None else "--event"
        allowed = "a column, as a time to an event has --time and --event"
        raise OptionError("is not given", where=missing, allowed=allowed)
    unit = given["unit"] or "days"
    if since is not None and unit not in _DAYS:
        allowed = f"{', '.join(_DAYS)}, as times are differences of dates"
        raise OptionError(unit, where="--unit", allowed=allowed)
    absent = _cells_without_event(rows, event, given["no_event"])
    causes = _other_causes(rows, event, absent, given["cause"]) if given["cause"] else {}
    label_of = dict.fromkeys(absent, CENSORED) | dict.fromkeys(causes, OTHER)
    label = [label_of.get(plain(row.cells[event]), EVENT) for row in rows]
    note = f"{label.count(EVENT)} of {len(label)} rows have the event; without it are those whose "
    note += f"cell in `{event}` is {' or '.join(repr(cell) for cell in sorted(absent))}"
    note += f"; another event first: {', '.join(map(repr, sorted(causes)))}." if causes else "."
    value = [_time(row, times, since, unit) for row in rows]
    return ReadTimes(unit, label, value, tuple(sorted({*causes.values()})), note)


def _time(row: Row, times: Sequence[str], since: str | None, unit: str) -> str:
    """Return the time of a row as a cell: the first that is there, since the image."""
    column = next((name for name in times if row.cells[name]), times[0])
    cell = row.cells[column]
    if since is None or not cell:
        return cell
    days = (_date(row, column) - _date(row, since)).days
    if days < 0:
        raise DataError(
            f"the date in `{column}` is {-days} days before that in `{since}`",
            where=row.where,
            allowed="dates from the image on",
            remedy="correct the table, or leave the row out and say so where you report the "
            "result; an event before the image cannot be predicted from it",
        )
    return f"{days / _DAYS[unit]:.6g}"


def _date(row: Row, column: str) -> datetime.date:
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


def _cells_without_event(rows: Sequence[Row], event: str, named: Sequence[str] | None) -> set[str]:
    """Return the cells that mean that no event was seen, of those that occur."""
    cells = {plain(row.cells[event]) for row in rows}
    wanted = {plain(cell) for cell in (_NO_EVENT if named is None else named)}
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
    rows: Sequence[Row], event: str, absent: set[str], named: Sequence[str]
) -> dict[str, str]:
    """Return the cells that mean another event than those named, as compared and as written."""
    cells = {plain(row.cells[event]): row.cells[event].strip() for row in rows}
    wanted = {plain(cell) for cell in named}
    unknown = [cell for cell in named if plain(cell) not in cells.keys() - absent]
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
