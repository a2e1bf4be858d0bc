"""One look for all figures: static, repeatable SVG that follows the page's light or dark theme."""

import html
import io
import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import ModelResult
from skiagram.report.formatting import finished_models, is_best
from skiagram.statistics.estimate import Estimate, format_difference

WIDTH = 4.4  # inches; narrow, so that the lettering stays readable on a telephone

# Light and dark value of each colour; all reach a contrast of 4.5 on their paper but `grid`.
PALETTE = {
    "ink": ("#1b232e", "#e7ecf3"),
    "muted": ("#586473", "#a4b0be"),
    "grid": ("#d9dfe7", "#3a4653"),
    "paper": ("#ffffff", "#141a21"),
    "classical": ("#1d5fa9", "#78b3f2"),
    "deep": ("#b4460a", "#f59c62"),
    "encoder": ("#0a6c7d", "#5cc8d8"),
    "combined": ("#6a35c2", "#b79df5"),
    "reader": ("#4a4f57", "#c3c9d2"),
    "green": ("#0b7758", "#58caa4"),
    "purple": ("#7a4296", "#c999e2"),
    "amber": ("#866200", "#dab84f"),
    "rose": ("#a7315d", "#ef92b5"),
    "panel": ("#f4f6f9", "#1d252e"),
    "warning": ("#8a3b00", "#f7b267"),
    "warning-panel": ("#fff4e6", "#33260f"),
}
INK, MUTED, PAPER = (PALETTE[name][0] for name in ("ink", "muted", "paper"))
_ARMS = ("classical", "encoder", "deep", "combined", "reader")
ARM_COLOUR = {arm: PALETTE[arm][0] for arm in _ARMS}
ARM_COLOUR_WORDS = dict(zip(_ARMS, ("blue", "teal", "orange", "violet", "grey"), strict=True))
OTHERS = tuple(PALETTE[name][0] for name in ("green", "purple", "amber", "rose"))
DASHES = ("-", "--", ":", "-.")

_STYLE = mpl.rc_params_from_file(
    str(Path(__file__).with_name("figures.mplstyle")), use_default_template=False
)
_ROW = 0.2  # inches
Style = dict[str, Any]  # further options of matplotlib
T = TypeVar("T")


@dataclass(frozen=True)
class Drawing:
    """A figure with the words that stand for it.

    Attributes:
        description: What it shows, with its figures, for a reader who cannot see it.
        svg: The figure as a file of its own, for light paper.
        note: What everybody should see in it, for the caption; empty for nothing.
    """

    name: str
    description: str
    svg: str
    note: str = ""

    def inline(self) -> str:
        """Return the figure as an HTML element that takes its colours from the page."""
        body = self.svg[self.svg.index("<svg") :]
        opening, body = body.split(">", 1)
        view = re.search(r'viewBox="[^"]*"', opening)
        body = re.sub(r'\bid="', f'id="{self.name}-', body)
        body = body.replace("url(#", f"url(#{self.name}-")
        body = body.replace('xlink:href="#', f'href="#{self.name}-')
        for name, (light, _) in PALETTE.items():
            body = body.replace(light, f"var(--{name})")
        label = html.escape(self.description)
        box = view.group() if view else ""
        return f'<svg role="img" aria-label="{label}" {box}>{body}'


class Sheet:
    """A figure under way; `finish` turns it into a drawing."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def finish(self, name: str, description: str) -> Drawing:
        """Return the drawing; equal figures give equal text."""
        file = io.StringIO()
        nameless = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        self.figure.savefig(file, format="svg", metadata=nameless)
        return Drawing(name, description, file.getvalue())


@contextmanager
def open_sheet(height: float, *, arranged: bool = True) -> Iterator[Sheet]:
    """Open an empty figure of the common width and style.

    Args:
        height: In inches.
        arranged: Whether Matplotlib finds places for all parts, for which it draws them twice.
    """
    with mpl.rc_context(_STYLE):
        yield Sheet(Figure(figsize=(WIDTH, height), layout="constrained" if arranged else None))


def wrap_title(title: str, width: int = 24) -> str:
    """Wrap a model's name on as many short lines as it needs."""
    return textwrap.fill(title, width)


def draw_reference_line(axes: Axes, position: float, label: str, *, dashed: bool) -> None:
    """Draw a vertical line of reference with its name above the plot."""
    axes.axvline(position, color=MUTED, linewidth=0.9, linestyle="--" if dashed else "-", zorder=0)
    above: Style = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    style: Style = {"ha": "center", "va": "bottom", "color": MUTED, "fontsize": 7.5}
    axes.annotate(label, (position, 1), (0, 2), **above, **style)


def name_rows(axes: Axes, titles: Sequence[str], **style: Any) -> None:
    """Number rows from the top, each with its name on the left and no tick."""
    axes.set_ylim(len(titles) - 0.4, -0.6)
    axes.set_yticks(range(len(titles)), titles, **style)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def draw_interval(axes: Axes, estimate: Estimate, row: float, **style: Any) -> None:
    """Draw an interval as a horizontal line; nothing where there is none."""
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [row, row], **style)


def write_beside(axes: Axes, words: str, row: float, **style: Any) -> None:
    """Write words on the right of a row, outside the plot."""
    place: Style = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
    axes.annotate(words, (1.02, row), **place, **style)


class IntervalRow(NamedTuple):
    """A figure with its interval; a missing one gives an empty row with its reason.

    Attributes:
        group: Rows of a group stand together below its name.
        is_doubtful: Whether its mark is open.
    """

    group: str
    title: str
    arm: str
    estimate: Estimate
    is_doubtful: bool = False


def draw_rows(
    name: str,
    rows: Sequence[IntervalRow],
    label: str,
    write: Callable[[Estimate], str] = format_difference,
    zero: str = "",
) -> Drawing:
    """Draw figures with their intervals, a row each, and write them beside it.

    Args:
        label: Of the axis.
        zero: What a line at 0 means; empty for no line.
    """
    # A heading for each group, then its rows.
    lines: list[IntervalRow | str] = []
    for group in dict.fromkeys(row.group for row in rows):
        lines += [group, *(row for row in rows if row.group == group)]
    words = {row: row.estimate.reason or write(row.estimate) for row in rows}
    with open_sheet(0.75 + _ROW * len(lines)) as page:
        axes = page.figure.add_subplot()
        if zero:
            draw_reference_line(axes, 0, zero, dashed=False)
        # A square and its interval on each row, its figures beside it.
        for place, line in enumerate(lines):
            if isinstance(line, str):
                continue
            colour, value = ARM_COLOUR[line.arm], line.estimate.value
            if value is not None:
                fill = "none" if line.is_doubtful else colour
                axes.plot(value, place, "s", color=colour, markersize=4, markerfacecolor=fill)
            draw_interval(axes, line.estimate, place, color=colour)
            write_beside(axes, words[line], place, color=MUTED, fontsize=7)
        titles = [line if isinstance(line, str) else line.title for line in lines]
        name_rows(axes, titles, fontsize=7.5)
        # The first row is on top; headings stand out.
        axes.set_ylim(len(lines) - 0.5, -0.6)
        for tick, line in zip(axes.get_yticklabels(), lines, strict=True):
            tick.set_fontweight("bold" if isinstance(line, str) else "normal")
        axes.set_xlabel(label)
        named = "; ".join(f"{row.group}, {row.title} {words[row]}" for row in rows)
        return page.finish(name, f"{label}: {named}.")


def best_of_each_arm(
    evaluation: Evaluation, get: Callable[[ModelResult], T | None]
) -> Iterator[tuple[ModelResult, str, T]]:
    """Yield (model, colour, what it has) of the best of each arm and of every reader."""
    readers = cycle((ARM_COLOUR["reader"], *OTHERS))
    for model in finished_models(evaluation):
        value, reader = get(model), model.outcome.arm == "reader"
        if value is not None and (is_best(evaluation, model) or reader):
            yield model, next(readers) if reader else ARM_COLOUR[model.outcome.arm], value
