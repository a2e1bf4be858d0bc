"""How many times faster than a peer: both take turns in one process, and each turn gives a ratio.

The machine may be busy with other work, so the processor's own seconds count, and what still moves
them moves both sides of a turn alike: ratios survive where seconds do not. Linear algebra is held
to one thread.
"""

import os
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from threadpoolctl import threadpool_limits


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
class Table:
    """What was measured, as the page of benchmarks shows it.

    Attributes:
        title: What is shown.
        header: Titles of the columns.
        rows: Cells as text.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __str__(self) -> str:
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        return f"{self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def rounds() -> int:
    """Return how often both sides take turns: 9, or what `SKIAGRAM_BENCHMARK_ROUNDS` says."""
    return int(os.environ.get("SKIAGRAM_BENCHMARK_ROUNDS", "9"))


def compare(title: str, ours: Side, peer: Side, target: float | None = None) -> tuple[str, ...]:
    """Time both sides in turns, after one call of each that counts for nothing; return a row.

    Args:
        title: What is done, on what.
        ours: The side whose speed is judged.
        peer: The side it is judged by.
        target: Least ratio that counts as reached; None for a figure without a target.
    """
    with threadpool_limits(1):
        _seconds(ours), _seconds(peer)
        pairs = [(_seconds(ours), _seconds(peer)) for _ in range(rounds())]
    # How many times faster than the peer, each turn: the spread tells how far to trust the median.
    turns = [theirs / own for own, theirs in pairs]
    median, own, theirs = map(statistics.median, (turns, *zip(*pairs, strict=True)))
    reached = "–"
    if target is not None:
        reached = f"{target:g}: {'reached' if median >= target else '**missed**'}"
    spread = f"{_number(median)} ({_number(min(turns))}–{_number(max(turns))})"
    sides = f"{ours.name}: {_duration(own)}", f"{peer.name}: {_duration(theirs)}"
    return title, spread, reached, *sides


def tabulate(rows: Iterable[tuple[str, ...]], title: str = "Ratios") -> Table:
    """Return the table of some ratios."""
    return Table(title, ("what", "times faster", "target", "skiagram", "peer"), [*rows])


def show(tables: Iterable[Table]) -> None:
    """Print tables as they come."""
    for table in tables:
        print(table, flush=True)


def _seconds(side: Side) -> float:
    started = time.process_time()
    side.work()
    return (time.process_time() - started) / side.units


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-6:.3g} µs"
