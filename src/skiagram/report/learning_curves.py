"""Learning curves on the page of a sweep."""

import math
from itertools import cycle

from skiagram.evaluation.sentences import say
from skiagram.report.drawing import (
    ARM_COLOUR,
    DASHES,
    OTHERS,
    Drawing,
    Line,
    Panel,
    Style,
    draw_lines,
    style_of,
)
from skiagram.report.formatting import format_count, format_percent
from skiagram.report.tables import Cell, Table, TableRow, fill_cell, list_rows
from skiagram.statistics.estimate import MISSING, format_decimal, format_difference, format_p_value
from skiagram.sweeps.figures import AUC, EFFICIENCY
from skiagram.sweeps.learning_curves import BASELINE, Crossing, LearningCurves


def answer(curves: LearningCurves) -> tuple[str, ...]:
    """Say from how many cases on each contender is ahead."""
    answers = [describe_crossing(crossing, curves) for crossing in curves.crossings]
    answered = {crossing.difference.model for crossing in curves.crossings}
    left_out = [
        say("curve.left_out", model=curve.title)
        for curve in curves.curves
        if curve.arm != "classical" and curve.model not in answered
    ]
    return (*answers, *left_out) if answers else (say("curve.none"),)


def tabulate_curves(curves: LearningCurves) -> Table:
    """Tabulate AUC and efficiency by number of training cases; missing fits are counted."""
    # A column for each size; draws whose fit failed are counted.
    rows = []
    for curve in curves.curves:
        cells = []
        for size in curves.sizes:
            figures = curves.figures.select(model=curve.model, group=str(size))
            fits, efficiency = (figures.find(figure=name).value for name in ("fits", EFFICIENCY))
            mark = f"{fits or 0:.0f} of {curves.draws} draws" if fits != curves.draws else ""
            cell = fill_cell(figures.find(figure=AUC)) if fits else Cell(MISSING)
            if efficiency is not None:
                cell = cell._replace(small=f"{cell.small}, {format_decimal(efficiency)}")
            cells.append(cell._replace(mark=mark))
        rows.append(TableRow(curve.title, cells))
    if curves.ideal:
        rows.append(TableRow("Ideal observer", [fill_cell(curves.ideal)] * len(curves.sizes)))
    return Table([format_count(size) for size in curves.sizes], list_rows(rows))


def describe_crossing(crossing: Crossing, result: LearningCurves) -> str:
    """Say by fixed rules whether a contender overtakes, firmly of what was tried alone.

    "Overtakes" is said where the whole interval of the difference lies above 0 with the most cases
    compared and Holm's p over all contenders is below 5 %, "does not overtake" where it lies below;
    else the answer is open. Beyond, there is only what follows if both curves go on as a power law.
    """
    # Whether it overtakes, and where within the sizes that were compared.
    most, key, cases = crossing.compared[-1], f"curve.{crossing.side}", crossing.cases
    places = {"model": crossing.title, "most": most}
    if crossing.side == "above" and cases is not None and cases <= most:
        key = "curve.from_the_least" if cases <= result.least else "curve.crosses"
        places |= {
            "least": result.least,
            "cases": _rounded(cases),
            "low": _rounded(crossing.low or result.least),
            "high": _rounded(min(crossing.high or math.inf, most)),
        }
    # The difference with the most training cases.
    corrected = crossing.difference.p_holm if len(result.crossings) > 1 else None
    sentences = [
        say(key, **places),
        say(
            "curve.difference",
            most=most,
            gap=format_difference(crossing.difference),
            p="" if corrected is None else say("curve.corrected", p=format_p_value(corrected)),
        ),
    ]
    # Where it does not overtake, what the fitted curves say beyond the sizes tried.
    if crossing.share is None:
        sentences.append(say("curve.no_law"))
    elif crossing.side != "above":
        place = say("curve.do_not_cross")
        if crossing.cases is not None:
            place = say("curve.cross", cases=_rounded(crossing.cases))
        share, reach = format_percent(crossing.share), format_count(result.reach)
        sentences.append(say("curve.beyond", share=share, reach=reach, place=place))
    # At which sizes failed fits leave fewer draws, or none, to compare.
    fewer = [
        say("curve.draws", cases=cases, fits=fits, draws=result.draws)
        for cases, fits in zip(crossing.compared, crossing.fits, strict=True)
        if fits < result.draws
    ]
    if fewer:
        sentences.append(say("curve.fewer", cases=", ".join(fewer)))
    # Sizes at which nothing could be compared.
    if absent := [size for size in result.sizes if size not in crossing.compared]:
        sentences.append(say("curve.nothing", cases=", ".join(map(format_count, absent))))
    return " ".join(sentences)


def _rounded(cases: float) -> str:
    """Return two digits: the third of a crossing means nothing."""
    return format_count(float(f"{cases:.2g}"))


def draw_learning_curves(curves: LearningCurves) -> Drawing:
    """Draw every model's points and curve; the chosen baseline and the contenders are thick."""
    lines, others, dashes = list[Line](), cycle(OTHERS), cycle(DASHES)
    # The baseline and the contenders in the colours of their arms, all others pale.
    for curve in curves.curves:
        main = curve.arm != "classical" or curve.model == BASELINE
        colour = ARM_COLOUR[curve.arm] if main else next(others)
        # Points are means over draws, hollow where a fit failed.
        point: Style = {"color": colour, "marker": "s", "markersize": 4.5 if main else 2.5}
        figures = curves.figures.select(model=curve.model)
        for value in figures.select(figure=AUC).rows:
            fits = figures.find(figure="fits", group=value.group).value
            fill = {"markerfacecolor": colour if fits == curves.draws else "none"}
            lines.append(Line("", (int(value.group),), (value.value or 0.0,), point | fill))
        # The line is the fitted power law.
        style: Style = {"color": colour, "linewidth": 1.8 if main else 0.9}
        style["linestyle"] = next(dashes) if curve.arm != "classical" else "-"
        if (band := curve.band) is not None:
            shade = (band.cases, band.low, band.high) if main else None
            lines.append(Line(curve.title, band.cases, band.auc, style, shade))
    # The limit of generated data; beyond the most training cases the curves are extrapolated.
    sizes = curves.sizes
    places = [curves.most, *(x for line in lines for x in line.x)]
    ends = min(places), max(places)
    if curves.ideal and curves.ideal.value is not None:
        lines.append(Line("ideal observer", ends, (curves.ideal.value,) * 2, style_of("limit")))
    heights = [value for line in lines for value in line.y] or [0.0]
    end = (min(heights), max(heights))
    lines.append(Line("", (curves.most,) * 2, end, style_of("dotted")))
    ticks = {float(size): f"{size / 1000:g}k" if size >= 1000 else str(size) for size in sizes}
    labels = "training cases; right of the dotted line: extrapolated", "AUC on unseen cases"
    words = "AUC by number of training cases, as in the table."
    panel = Panel(lines, labels, ticks=ticks)
    return draw_lines("learning-curves", [panel], words, is_log=True)
