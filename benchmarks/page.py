"""Measured ratios and tables as a page of Markdown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.ratio import Ratio, Table, rounds

_INTRODUCTION = """\
# Benchmarks

Written by `make bench`. A ratio is how many times faster skiagram is than the peer: both take turns
in one process on one core, each turn gives a ratio, and the median stands before the least and the
largest. Seconds are the processor's own, medians over the turns, except where two cores are
compared: those need an idle machine, and say little where the load given here is above 1.
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


def page(machine: str, sections: Sequence[Section]) -> str:
    """Return the page.

    Args:
        machine: What was measured on.
        sections: One a benchmark.
    """
    parts = [
        _INTRODUCTION,
        f"Measured in {rounds()} turns on {machine}\n",
        *(_section(one) for one in sections),
    ]
    return "\n".join(parts)


def _section(section: Section) -> str:
    parts = [f"## {section.title}\n\n`python -m benchmarks.{section.name}`\n"]
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
