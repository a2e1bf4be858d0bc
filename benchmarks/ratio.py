"""How many times faster than a peer: both take turns in one process, and each turn gives a ratio.

The machine may be busy with other work, so the processor's own seconds count, and what still moves
them moves both sides of a turn alike: ratios survive where seconds do not. Linear algebra is held
to one thread.
"""

import os
import re
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

_ROUNDS = "SKIAGRAM_BENCHMARK_ROUNDS"


@dataclass(frozen=True)
class Side:
    """One of the two that are compared.

    Attributes:
        name: Whose work it is, with its version where it is not the project's own.
        work: What is timed.
        units: Images, or whatever else is counted, that one call gets through.
    """

    name: str
    work: Callable[[], object]
    units: int = 1


@dataclass(frozen=True)
class Ratio:
    """Seconds of both sides in each turn.

    Attributes:
        title: What is done, on what.
        ours: Name of the side whose speed is judged.
        peer: Name of the side it is judged by.
        seconds: A unit, each turn.
        peer_seconds: A unit, each turn.
        target: Least ratio that counts as reached; None for a figure without a target.
    """

    title: str
    ours: str
    peer: str
    seconds: tuple[float, ...]
    peer_seconds: tuple[float, ...]
    target: float | None

    @property
    def turns(self) -> tuple[float, ...]:
        """Return how many times faster than the peer, each turn, in ascending order."""
        pairs = zip(self.seconds, self.peer_seconds, strict=True)
        return tuple(sorted(theirs / own for own, theirs in pairs))

    @property
    def median(self) -> float:
        """Return how many times faster than the peer, the median over the turns."""
        return statistics.median(self.turns)


@dataclass(frozen=True)
class Table:
    """Figures that are no ratio to a peer.

    Attributes:
        title: What is shown.
        header: Titles of the columns.
        rows: Cells as text.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def rounds() -> int:
    """Return how often both sides take turns: 9, or what `python -m benchmarks.run` was told."""
    return int(os.environ.get(_ROUNDS, "9"))


def set_rounds(number: int) -> None:
    """Set how often both sides take turns in this process and those it starts."""
    os.environ[_ROUNDS] = str(number)


def compare(
    title: str,
    ours: Side,
    peer: Side,
    target: float | None = None,
    *,
    clock: Callable[[], float] = time.process_time,
) -> Ratio:
    """Time both sides in turns, after one call of each that counts for nothing.

    Args:
        title: What is done, on what.
        ours: The side whose speed is judged.
        peer: The side it is judged by.
        target: Least ratio that counts as reached; None for a figure without a target.
        clock: `time.perf_counter` for work on several cores, which needs an idle machine.
    """
    with threadpool_limits(1):
        _seconds(ours, clock), _seconds(peer, clock)
        pairs = [(_seconds(ours, clock), _seconds(peer, clock)) for _ in range(rounds())]
    seconds, peer_seconds = zip(*pairs, strict=True)
    return Ratio(title, ours.name, peer.name, seconds, peer_seconds, target)


def show(ratios: Iterable[Ratio], tables: Iterable[Table] = ()) -> None:
    """Print ratios and tables as they come."""
    for ratio in ratios:
        low, high = ratio.turns[0], ratio.turns[-1]
        print(f"{ratio.title}: {ratio.median:.1f} times {ratio.peer} ({low:.1f} to {high:.1f})")
        own, theirs = (1e3 * statistics.median(one) for one in (ratio.seconds, ratio.peer_seconds))
        print(f"    {own:.3f} ms against {theirs:.3f} ms")
    for table in tables:
        print(table.title)
        for row in (table.header, *table.rows):
            print("    " + "".join(f"{cell:24s}" for cell in row).rstrip())


def _seconds(side: Side, clock: Callable[[], float]) -> float:
    started = clock()
    side.work()
    return (clock() - started) / side.units


_INTRODUCTION = """\
# Benchmarks

Written by `make bench`. A ratio says how many times faster skiagram is than the other library.
Both libraries take turns in one process on one core. Each turn gives a ratio; the page shows the
median, and the minimum and maximum in brackets. Seconds are medians of processor time over the
turns. A section without a command was measured once, by a script of commit 6f4b6252.
"""


@dataclass(frozen=True)
class Section:
    """What one benchmark has measured.

    Attributes:
        title: First line of the benchmark's docstring.
        name: Of the benchmark.
        ratios: To a peer.
        tables: Other figures.
    """

    title: str
    name: str
    ratios: Sequence[Ratio]
    tables: Sequence[Table]


def renew_sections(written: str, machine: str, sections: Sequence[Section]) -> str:
    """Return a page of earlier with some sections anew, or with new ones in their places.

    Args:
        written: The page.
        machine: What these sections were measured on.
        sections: One a benchmark.
    """
    head, *parts = re.split(r"^(?=## )", written, flags=re.MULTILINE)
    by_title = {part[3:].partition("\n")[0]: part for part in parts}
    note = f"Measured in {rounds()} turns on {machine}"
    by_title |= {section.title: _section(section, note) for section in sections}
    in_order = [by_title[title].rstrip() + "\n" for title in sorted(by_title)]
    return "\n".join([head.rstrip() + "\n", *in_order])


def _section(section: Section, note: str = "") -> str:
    parts = [f"## {section.title}\n\n`python -m benchmarks.{section.name}`\n"]
    if note:
        parts.append(f"{note}\n")
    if section.ratios:
        header = ("what", "times faster", "target", "skiagram", "peer")
        parts.append(_table(header, [_row(ratio) for ratio in section.ratios]))
    parts += [f"{one.title}:\n\n{_table(one.header, one.rows)}" for one in section.tables]
    return "\n".join(parts)


def _row(ratio: Ratio) -> tuple[str, ...]:
    spread = f"{_number(ratio.turns[0])}–{_number(ratio.turns[-1])}"
    target = "–"
    if ratio.target is not None:
        target = f"{ratio.target:g}: {'reached' if ratio.median >= ratio.target else '**missed**'}"
    return (
        ratio.title,
        f"{_number(ratio.median)} ({spread})",
        target,
        f"{ratio.ours}: {_duration(statistics.median(ratio.seconds))}",
        f"{ratio.peer}: {_duration(statistics.median(ratio.peer_seconds))}",
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
