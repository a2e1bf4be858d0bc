"""One look for all figures: static, repeatable SVG that follows the page's light or dark theme."""

import html
import io
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

WIDTH = 4.4  # inches; narrow, so that the lettering stays readable on a telephone

# Light and dark value of each colour; all reach a contrast of 4.5 on their paper but `grid`.
PALETTE = {
    "ink": ("#1b232e", "#e7ecf3"),
    "muted": ("#586473", "#a4b0be"),
    "grid": ("#d9dfe7", "#3a4653"),
    "paper": ("#ffffff", "#141a21"),
    "classical": ("#1d5fa9", "#78b3f2"),
    "deep": ("#b4460a", "#f59c62"),
    "combined": ("#6a35c2", "#b79df5"),
    "reader": ("#4a4f57", "#c3c9d2"),
    "green": ("#0b7758", "#58caa4"),
    "purple": ("#7a4296", "#c999e2"),
    "amber": ("#866200", "#dab84f"),
    "rose": ("#a7315d", "#ef92b5"),
}
INK, MUTED, PAPER = (PALETTE[name][0] for name in ("ink", "muted", "paper"))
ARM_COLOUR = {arm: PALETTE[arm][0] for arm in ("classical", "deep", "combined", "reader")}
OTHERS = tuple(PALETTE[name][0] for name in ("green", "purple", "amber", "rose"))
DASHES = ("-", "--", ":", "-.")

_STYLE: dict[Any, Any] = {
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "svg.fonttype": "none",
    "svg.hashsalt": "skiagram",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8.5,
}


@dataclass(frozen=True)
class Drawing:
    """A figure with the words that stand for it.

    Attributes:
        name: Stem of its file.
        description: What it shows, with its figures, for a reader who cannot see it.
        svg: The figure as a file of its own, for light paper.
    """

    name: str
    description: str
    svg: str

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
def sheet(height: float) -> Iterator[Sheet]:
    """Open an empty figure of the common width in the common style.

    Args:
        height: Inches.
    """
    with mpl.rc_context(_STYLE):
        yield Sheet(Figure(figsize=(WIDTH, height), layout="constrained"))


def wrapped(title: str, width: int = 24) -> str:
    """Return a model's name on as many short lines as it needs."""
    return textwrap.fill(title, width)


def rule(axes: Axes, at: float, label: str, *, dashed: bool) -> None:
    """Draw a vertical line of reference with its name above the plot."""
    axes.axvline(at, color=MUTED, linewidth=0.9, linestyle="--" if dashed else "-", zorder=0)
    axes.annotate(
        label, (at, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
        ha="center", va="bottom", color=MUTED, fontsize=7.5,
    )  # fmt: skip
