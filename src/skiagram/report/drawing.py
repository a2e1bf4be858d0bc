"""One look for all figures: static, repeatable SVG that follows the page's light or dark theme."""

import html
import io
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from skiagram.declared import read_declared
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import ModelResult
from skiagram.report.formatting import finished_models, is_best
from skiagram.statistics.estimate import Estimate, format_decimal, format_difference

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.4  # inches; narrow, so that the lettering stays readable on a telephone

# Colour → its light and its dark value.
PALETTE: dict[str, tuple[str, str]] = read_declared("skiagram.report", "palette.yaml")
INK, MUTED, PAPER = (PALETTE[name][0] for name in ("ink", "muted", "paper"))
_ARMS = ("classical", "encoder", "deep", "combined", "reader")
ARM_COLOUR = {arm: PALETTE[arm][0] for arm in _ARMS}
ARM_COLOUR_WORDS = dict(zip(_ARMS, ("blue", "teal", "orange", "violet", "grey"), strict=True))
OTHERS = tuple(PALETTE[name][0] for name in ("green", "purple", "amber", "rose"))
DASHES = ("-", "--", ":", "-.")

_STYLE = Path(__file__).with_name("figures.mplstyle")
_ROW, _LINE, _BELOW = 0.24, 0.12, 1.0  # inches: a row, each further line, the panel below
_SIDE, _LEGEND_LINE = 3.0, 0.17  # inches: a plot of lines, a name below it
LIMIT = "ideal"  # what the dashed line means
Style = dict[str, Any]  # options of matplotlib
Limits = tuple[float | None, float | None]
T = TypeVar("T")


@cache
def _read_styles() -> dict[str, Style]:
    return read_declared("skiagram.report", "styles.yaml")  # type: ignore[no-any-return]


def style_of(kind: str, **more: Any) -> Style:
    """Return how something of `styles.yaml` looks, with more options."""
    style = _read_styles()[kind]
    colour = {"color": PALETTE[style["color"]][0]} if "color" in style else {}
    return style | colour | more


@dataclass(frozen=True)
class Drawing:
    """A figure with the words that stand for it.

    Attributes:
        description: What it shows, with its figures, for a reader who cannot see it.
        svg: The figure as a file of its own, for light paper.
    """

    name: str
    description: str
    svg: str

    def inline(self) -> str:
        """Make the figure an HTML element that takes its colours from the page.

        Ids are made the figure's own, as a page has several; each colour of the palette becomes a
        variable, so that a dark page has light lines.
        """
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


@contextmanager
def open_figure(height: float) -> Iterator["Figure"]:
    """Open an empty figure of the common width and style, so many inches high."""
    import matplotlib as mpl  # slow to import, and the terminal shows results without figures
    from matplotlib.figure import Figure

    with mpl.rc_context(mpl.rc_params_from_file(str(_STYLE), use_default_template=False)):
        yield Figure(figsize=(WIDTH, height), layout="constrained")


def finish(figure: "Figure", name: str, description: str) -> Drawing:
    """Close a figure into a drawing, within its style; equal figures give equal text.

    Args:
        figure: As `open_figure` made it.
        name: Of the drawing, unique on its page.
        description: What it shows, in words for a reader who cannot see it.
    """
    file = io.StringIO()
    nameless = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(file, format="svg", metadata=nameless)
    return Drawing(name, description, file.getvalue())


def wrap_title(title: str, width: int = 24) -> str:
    """Wrap a model's name on as many short lines as it needs."""
    return textwrap.fill(title, width)


def write_above(axes: "Axes", words: str, place: tuple[float, float], **more: Any) -> None:
    """Write words above a plot, at a place of its upper edge."""
    axes.annotate(words, place, (0, 2), textcoords="offset points", **style_of("above", **more))


def name_rows(axes: "Axes", titles: Sequence[str], **style: Any) -> None:
    """Number rows from the top, each with its name on the left and no tick."""
    axes.set_ylim(len(titles) - 0.4, -0.6)
    axes.set_yticks(range(len(titles)), titles, **style)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def draw_interval(axes: "Axes", estimate: Estimate, row: float, **style: Any) -> None:
    """Draw an interval as a horizontal line; nothing where there is none."""
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [row, row], **style)


def write_beside(axes: "Axes", words: str, row: float, **style: Any) -> None:
    """Write words on the right of a row, outside the plot."""
    axes.annotate(
        words, (1.02, row), xycoords=("axes fraction", "data"), **style_of("beside", **style)
    )


class IntervalRow(NamedTuple):
    """A figure with its interval; a missing one gives an empty row with its reason.

    Attributes:
        group: Rows of a group stand together below its name; without a name, alone.
        is_open: Whether its mark is open and its words are pale.
        parts: What the figure is a mean of, drawn as dots.
    """

    group: str
    title: str
    arm: str
    estimate: Estimate
    is_open: bool = False
    parts: tuple[float, ...] = ()


def draw_rows(
    name: str,
    rows: Sequence[IntervalRow],
    label: str,
    write: Callable[[Estimate], str] = format_difference,
    lines: Mapping[str, float | None] = MappingProxyType({}),
    below: Callable[["Axes"], str] | None = None,
) -> Drawing:
    """Draw figures with their intervals, a row each, and write them beside it.

    Args:
        label: Of the axis.
        lines: What a vertical line means → where it stands, if anywhere; the limit is dashed.
        below: Draws a panel of its own below, and says in words what it shows.
    """
    # A heading for each group that has a name, then its rows.
    places: list[IntervalRow | str] = []
    for group in dict.fromkeys(row.group for row in rows):
        places += [group] if group else []
        places += [row for row in rows if row.group == group]
    words = {row: row.estimate.reason or write(row.estimate) for row in rows}
    # Long titles take several lines: the rows are as high as the longest.
    titles = [place if isinstance(place, str) else place.title for place in places]
    height = 0.75 + len(places) * (_ROW + _LINE * max(title.count("\n") for title in titles))
    panels = (height, _BELOW) if below else (height,)
    with open_figure(sum(panels)) as figure:
        grid = figure.subplots(len(panels), 1, height_ratios=panels, squeeze=False)
        axes = grid[0, 0]
        for text, position in lines.items():
            if position is not None:
                axes.axvline(position, **style_of("zero", linestyle="--" if text == LIMIT else "-"))
                write_above(axes, text, (position, 1), xycoords=("data", "axes fraction"))
        # A square and its interval on each row, its figures beside it.
        for place, row in enumerate(places):
            if isinstance(row, str):
                continue
            colour, value = ARM_COLOUR[row.arm], row.estimate.value
            if value is not None:
                fill = "none" if row.is_open else colour
                axes.plot(value, place, "s", color=colour, markersize=5, markerfacecolor=fill)
            draw_interval(axes, row.estimate, place, color=colour)
            axes.plot(row.parts, [place] * len(row.parts), ".", **style_of("parts"))
            write_beside(axes, words[row], place, color=MUTED if row.is_open else INK, fontsize=7.5)
        # The first row is on top; headings stand out.
        name_rows(axes, titles, fontsize=7.5)
        axes.margins(x=0.08)
        for tick, shown in zip(axes.get_yticklabels(), places, strict=True):
            tick.set_fontweight("bold" if isinstance(shown, str) else "normal")
        axes.set_xlabel(label)
        # In words, for a reader who cannot see it.
        named = [
            f"{f'{row.group}, ' if row.group else ''}{row.title} {words[row]}".replace("\n", " ")
            for row in rows
        ]
        named += [
            f"{text} {format_decimal(position)}" for text, position in lines.items() if position
        ]
        named += [below(grid[1, 0])] if below else []
        return finish(figure, name, f"{label}: {'; '.join(named)}.")


class Line(NamedTuple):
    """A line, or points.

    Attributes:
        label: Its entry below the plot; empty for none.
        style: Options of Matplotlib; a colour is needed where there is a band.
        band: Places, lower and upper end of its band.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    style: Mapping[str, Any]
    band: tuple[Sequence[float], Sequence[float], Sequence[float]] | None = None


def join_estimates(
    label: str, x: Sequence[float], estimates: Sequence[Estimate], style: Style
) -> Line:
    """Join figures to a line, with a band of their intervals; those without a value are left out.

    At a figure without an interval the band has no width.
    """
    known = [(at, each) for at, each in zip(x, estimates, strict=True) if each.value is not None]
    places, values = [at for at, _ in known], [each.value or 0.0 for _, each in known]
    low, high = (
        [value if bound is None else bound for value, bound in zip(values, bounds, strict=True)]
        for bounds in ([each.low for _, each in known], [each.high for _, each in known])
    )
    return Line(label, places, values, style, (places, low, high))


class Panel(NamedTuple):
    """A plot of lines.

    Attributes:
        labels: Of the axis below and of that on the side.
        limits: Of both axes.
        ticks: Where the axis below has marks → what stands there; empty for its own.
    """

    lines: Sequence[Line]
    labels: tuple[str, str]
    limits: tuple[Limits, Limits] = ((None, None), (None, None))
    ticks: Mapping[float, str] = MappingProxyType({})
    title: str = ""


def draw_lines(
    name: str,
    panels: Sequence[Panel],
    words: str,
    *,
    across: int = 1,
    is_log: bool = False,
) -> Drawing:
    """Draw lines with their bands; the names of those in the first panel stand below.

    Args:
        words: The figure for a reader who cannot see it.
        across: How many panels stand beside each other.
        is_log: Whether the axes below are logarithmic.
    """
    # The names below take a line each, or several for a long one.
    names = [wrap_title(line.label, 50) for line in panels[0].lines if line.label]
    below = sum(1 + text.count("\n") for text in names)
    across = min(across, len(panels))
    down = -(-len(panels) // across)
    with open_figure(down * _SIDE / across**0.5 + _LEGEND_LINE * below) as figure:
        grid = figure.subplots(down, across, sharey=True, squeeze=False).flat
        for place, (axes, panel) in enumerate(zip(grid, panels, strict=False)):
            for line in panel.lines:
                axes.plot(line.x, line.y, label=wrap_title(line.label, 50), **line.style)
                if line.band:
                    axes.fill_between(*line.band, **style_of("band", color=line.style["color"]))
            if is_log:
                axes.set_xscale("log")
            if panel.ticks:
                axes.set_xticks([*panel.ticks], [*panel.ticks.values()])
                axes.set_xticks([], minor=True)
            axes.set(xlabel=panel.labels[0], xlim=panel.limits[0], ylim=panel.limits[1])
            axes.set_ylabel(panel.labels[1] if place % across == 0 else "")
            axes.set_title(panel.title, fontsize=8)
        # Places without a panel stay empty.
        for axes in figure.axes[len(panels) :]:
            axes.set_visible(False)
        if below:
            handles = figure.axes[0].get_legend_handles_labels()
            figure.legend(*handles, loc="outside lower left")
        return finish(figure, name, words)


def best_of_each_arm(
    evaluation: Evaluation, get: Callable[[ModelResult], T | None]
) -> Iterator[tuple[ModelResult, str, T]]:
    """Yield (model, colour, what it has) of the best of each arm and of every reader.

    Args:
        evaluation: Of the run, or of columns of scores.
        get: What is drawn of a model; None leaves it out.
    """
    readers = cycle((ARM_COLOUR["reader"], *OTHERS))
    for model in finished_models(evaluation):
        value, reader = get(model), model.outcome.arm == "reader"
        if value is not None and (is_best(evaluation, model) or reader):
            yield model, next(readers) if reader else ARM_COLOUR[model.outcome.arm], value
