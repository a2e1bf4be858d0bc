"""Differences with intervals, a row each, in groups: what changed when one thing was changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from skiagram.evaluation.results import Estimate
from skiagram.report.drawing import ARM_COLOUR, MUTED, Drawing, rule, sheet
from skiagram.report.numbers import difference

_ROW = 0.2  # inches


@dataclass(frozen=True)
class ChangeRow:
    """One difference.

    Attributes:
        group: Rows of equal group stand together under its name.
        title: Name of the row.
        arm: Colour of the row: `classical` or `deep`.
        difference: The figure; a missing one gives an empty row with its reason.
    """

    group: str
    title: str
    arm: str
    difference: Estimate


def changes(name: str, rows: Sequence[ChangeRow], label: str) -> Drawing:
    """Draw differences against a line at 0.

    Args:
        name: Stem of the figure's file.
        rows: What to draw, from the top.
        label: What the abscissa says.
    """
    groups = list(dict.fromkeys(row.group for row in rows))
    lines: list[ChangeRow | str] = []
    for group in groups:
        lines += [group, *(row for row in rows if row.group == group)]
    with sheet(0.75 + _ROW * len(lines)) as page:
        axes = page.figure.add_subplot()
        rule(axes, 0, "no change", dashed=False)
        for place, line in enumerate(lines):
            if isinstance(line, ChangeRow):
                _row(axes, place, line)
        axes.set_ylim(len(lines) - 0.5, -0.6)
        titles = [line if isinstance(line, str) else line.title for line in lines]
        axes.set_yticks(range(len(lines)), titles, fontsize=7.5)
        for tick, line in zip(axes.get_yticklabels(), lines, strict=True):
            tick.set_fontweight("bold" if isinstance(line, str) else "normal")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(label)
        words = "; ".join(f"{row.group}, {row.title} {_words(row.difference)}" for row in rows)
        return page.finish(name, f"{label}: {words}.")


def _row(axes: Axes, place: int, row: ChangeRow) -> None:
    found, colour = row.difference, ARM_COLOUR[row.arm]
    if found.value is not None:
        axes.plot(found.value, place, "s", color=colour, markersize=4)
    if found.low is not None and found.high is not None:
        axes.plot([found.low, found.high], [place, place], color=colour)
    axes.annotate(
        _words(found), (1.02, place), xycoords=("axes fraction", "data"), va="center",
        annotation_clip=False, color=MUTED, fontsize=7,
    )  # fmt: skip


def _words(found: Estimate) -> str:
    return found.reason if found.value is None else difference(found)
