"""Columns of times and events: differences of dates, which cells are events, other causes."""

import datetime
import re
import shlex
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from skiagram.declared import read_declared
from skiagram.errors import refusal
from skiagram.tables.cells import describe_codes, plain, stands_for_missing
from skiagram.tasks.columns import refuse_cells

if TYPE_CHECKING:  # commands print their help without pandas
    from skiagram.tables.frames import TableLine

CENSORED, EVENT, OTHER = 0, 1, 2
_KINDS_OF_WORDS = {
    kind: {word for row in rows for word in row}
    for kind, rows in read_declared("skiagram.tasks", "events.yaml").items()
}
_NO_EVENT, _EVENT, _CONTRARY, _BARE, *_ = _KINDS_OF_WORDS.values()
_OTHER_EVENTS = {str(number) for number in range(1, 9)} | _EVENT  # 9 is a usual mark of missing
# A code and a word, as of cBioPortal `1:DECEASED`, or `0 = alive`, `Dead (1)`.
_CODED = re.compile(
    r"(?P<code>\d)\s*[:=.)-]\s*(?P<word>[^\W\d].*)|(?P<before>.*[^\W\d])\s*\((?P<after>\d)\)"
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_SHOWN = 6
UNITS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}  # unit → days


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


def read_times(rows: "Sequence[TableLine]", options: Mapping[str, Any]) -> ReadTimes:
    """Read the times and events of rows; see `MeasuredOutcome.read_columns`.

    Raises:
        OptionError: No column of times or of events is named, or the unit is none that dates have.
        DataError: A cell of the event says nothing known, or a date lies before that of the image.
    """
    # Both columns must be named.
    times, event, since = options["time"], options["event"], options["since"]
    if times is None or event is None:
        missing = "--time" if times is None else "--event"
        raise refusal("tasks.time_or_event", missing)
    # The unit: as asked for, as the column's name says, else days.
    named = find_unit(times) if since is None else None
    unit = options["unit"] or named or "days"
    if since is not None and unit not in UNITS:
        raise refusal("tasks.unit_of_dates", unit=unit, units=UNITS)
    # What the cells of the event mean.
    state = _states(rows, event, options)
    label = [state[row.cells[event]] for row in rows]
    others = {cell.strip() for cell, kind in state.items() if kind == OTHER}
    # A sentence for the user to check.
    note = f"{label.count(EVENT)} of {len(label)} rows have the event; in `{event}` "
    counts = Counter(row.cells[event] for row in rows)
    meaning = {EVENT: "it is", CENSORED: "no event", OTHER: "another event first"}
    meanings = (
        f"{said}: {_listed([cell for cell in state if state[cell] == kind], counts)}"
        for kind, said in meaning.items()
        if kind in state.values()
    )
    note += "; ".join(meanings) + "."
    why = "" if options["unit"] or since else ", as no column's name says another; else add --unit"
    if why and named:
        column = next(name for name in times if find_unit([name]))
        why = f", as the name `{column}` says; else add --unit"
    note += f" Times are in {unit}{why}."
    # The time of each row: the first that is there, since the image.
    value = []
    told_by = [next((name for name in times if row.cells[name]), times[0]) for row in rows]
    for column in times if since is None else ():
        texts = [
            row
            for row, name in zip(rows, told_by, strict=True)
            if name == column and row.cells[column] and row.number(column) is None
        ]
        refuse_cells("tasks.text_of_time", texts, rows, column)
    for row, column in zip(rows, told_by, strict=True):
        cell = row.cells[column]
        if since is not None and cell:
            days = (_date(row, column) - _date(row, since)).days
            if days < 0:
                raise refusal(
                    "tasks.date_before", row.where, column=column, days=-days, since=since
                )
            cell = f"{days / UNITS[unit]:.6g}"
        value.append(cell)
    # Codes for missing values among the times, and events by the names of their cells.
    numbers = [float(cell) for cell in map(plain, value) if _NUMBER.fullmatch(cell)]
    note += describe_codes([number for number in numbers if number >= 0])
    spelled = tuple(
        sorted({_compared(cell): cell for cell in sorted(others, reverse=True)}.values())
    )
    return ReadTimes(unit, label, value, spelled, note)


def _date(row: "TableLine", column: str) -> datetime.date:
    """Read a cell as a date; it is not quoted where it is none, as it could tell who it is."""
    try:
        return datetime.date.fromisoformat(row.cells[column].strip())
    except ValueError:
        raise refusal("tasks.no_date", row.where, column=column) from None


def is_missing_event(cell: str, options: Mapping[str, Any]) -> bool:
    """Tell whether a cell does not say whether the event was seen, and none was named so.

    Args:
        cell: Of the column of events.
        options: Whose `no_event`, `cause` and `other_cause` may name a word for a missing value,
            which then means what it was named for.
    """
    text = _compared(cell)
    named = (options[option] or () for option in ("no_event", "cause", "other_cause"))
    if any(text in map(_compared, cells) for cells in named):
        return False
    return not text or stands_for_missing(cell)


def _states(rows: "Sequence[TableLine]", event: str, options: Mapping[str, Any]) -> dict[str, int]:
    """Return cell → CENSORED, EVENT or OTHER, of each cell that occurs.

    Raises:
        DataError: A cell is missing, or neither named nor a usual word; a named event or one of
            both kinds does not occur.
    """
    counts = Counter(row.cells[event] for row in rows)
    # What is meant → the cells that the line names for it; other words may be of another cohort.
    column_cells = {_compared(cell) for cell in counts}
    unnamed = [cell for cell in options["cause"] or () if _compared(cell) not in column_cells]
    if unnamed:
        events = sorted({cell for cell in column_cells if _usual_state(cell) != CENSORED} - {""})
        raise refusal(
            "tasks.no_such_event",
            f"column `{event}`",
            cells=map(repr, unnamed),
            events=map(repr, events),
        )
    # Words of the line come first.
    option_names = {CENSORED: "no_event", EVENT: "cause", OTHER: "other_cause"}
    named = {kind: {*map(_compared, options[name] or ())} for kind, name in option_names.items()}
    # A bare 1 in a column such as `alive` may mean either.
    bare = [cell for cell in counts if _compared(cell) in _BARE]
    words = _words(event)
    contrary = not _CONTRARY.isdisjoint(words) or words == ["survival"]
    if bare and contrary and not (named[EVENT] or named[CENSORED]):
        remedies = []
        for cell in sorted(bare, reverse=True):
            others = shlex.join([other for other in bare if other != cell] or ["CELL"])
            option = f"--cause {shlex.quote(cell)} --no-event {others}"
            remedies.append(f"`{option}` where {cell!r} is the event")
        raise refusal(
            "tasks.ambiguous_event",
            f"column `{event}`",
            cells=_listed(bare, counts),
            remedy=remedies,
        )
    # Then usual words; beside a named cause other events are others.
    missing = {cell for cell in counts if is_missing_event(cell, options)}
    state: dict[str, int] = {}
    for cell in counts.keys() - missing:
        text = _compared(cell)
        kind = next((kind for kind, cells in named.items() if text in cells), None)
        if kind is None:
            kind = _usual_state(text)
            if named[EVENT] and (kind == EVENT or text in _OTHER_EVENTS):
                kind = OTHER
        if kind is not None:
            state[cell] = kind
    # Without events, or with nothing else, nothing can be learned.
    _require_known(counts, state, missing, event)
    kinds = {*state.values()}
    if CENSORED not in kinds or EVENT not in kinds:
        raise refusal(
            "tasks.one_kind_of_event",
            f"column `{event}`",
            found="every row has an event" if CENSORED not in kinds else "no row has the event",
            cells=_listed(counts, counts),
        )
    return state


def find_unit(columns: Sequence[str]) -> str | None:
    """Find the unit that columns of times are called by, such as `OS_MONTHS`; None without.

    Raises:
        DataError: They are called by several units: months beside days would be mixed.
    """
    named: dict[str, str] = {}
    for column in columns:
        # of several in one name the first: `months_from_day0` counts months
        units = [unit for word in _words(column) for unit in UNITS if word in _KINDS_OF_WORDS[unit]]
        named |= dict.fromkeys(units[:1], column)
    if len(named) > 1:
        raise refusal("tasks.several_units", columns=map(repr, named.values()))
    return next(iter(named), None)


def _words(name: str) -> list[str]:
    """List the words of a column's name, in small letters: `overallSurvival_days` has three."""
    parts = re.split(r"[\W\d_]+|(?<=[a-z])(?=[A-Z])", name)
    return [part.casefold() for part in parts]


def _usual_state(text: str) -> int | None:
    """Tell what a usual word means; None of any other, and where its code contradicts it.

    A code such as 1 counts as its word beside it: cBioPortal writes `1:DECEASED`, registries also
    `1 = alive`, which a bare number could not tell.
    """
    coded = _CODED.fullmatch(text)
    if coded is None:
        words = " ".join(text.replace("-", " ").split()) if not text.startswith("-") else text
        return CENSORED if words in _NO_EVENT else EVENT if words in _EVENT else None
    code = coded["code"] or coded["after"]
    by_word = _usual_state((coded["word"] or coded["before"]).strip())
    by_code = {"0": CENSORED, "1": EVENT}.get(code, by_word)
    return by_word if by_word == by_code else None


def _require_known(
    counts: Mapping[str, int], state: Mapping[str, int], missing: Collection[str], event: str
) -> None:
    """Refuse cells that say nothing, and those of which nobody said what they mean."""
    # Cells of which nobody said what they mean.
    unknown = counts.keys() - state.keys() - {*missing}
    if unknown:
        raise refusal(
            "tasks.unknown_event",
            f"column `{event}`",
            number=sum(counts[cell] for cell in unknown),
            every=sum(counts.values()),
            cells=_listed(unknown, counts),
        )
    if missing:
        cells = _listed(missing, counts)
        raise refusal(
            "tasks.missing_event",
            f"column `{event}`",
            number=sum(counts[cell] for cell in missing),
            every=sum(counts.values()),
            cells=cells,
        )


def _listed(cells: Iterable[str], counts: Mapping[str, int]) -> str:
    """List cells with how often they occur, the most frequent first; six, and how many more."""
    ordered = sorted(cells, key=lambda cell: (-counts[cell], cell))
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(f"{cell!r} ({counts[cell]})" for cell in ordered[:_SHOWN]) + more


def _compared(cell: str) -> str:
    """Return a cell as words are compared: one blank between two, and dashes alone are empty."""
    text = " ".join(plain(cell).replace("_", " ").split())
    return "" if text in ("-", "--", "---") else text
