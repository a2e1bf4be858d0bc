"""The page of the study of learning curves."""

import math
from itertools import cycle

from matplotlib.axes import Axes

from skiagram.report.drawing import (
    ARM_COLOUR,
    DASHES,
    MUTED,
    OTHERS,
    Drawing,
    open_sheet,
    wrap_title,
)
from skiagram.report.formatting import format_count, format_difference, format_percent
from skiagram.report.rendering import Summary
from skiagram.report.section import Context
from skiagram.report.tables import Cell, Table, TableRow, fill_cell, list_rows
from skiagram.statistics.estimate import MISSING, format_decimal
from skiagram.studies.crossover.curves import Crossing, LearningCurve
from skiagram.studies.crossover.study import CrossoverResult

_CHOSEN = "best_baseline"
_CONTENDERS = {"encoder": "a frozen encoder", "deep": "a network"}
_NO_CURVE = "Fewer than three numbers of training cases have results, so no curve was fitted."


def summarise(result: CrossoverResult) -> Summary:
    """Return the title, and from how many cases on each contender is ahead."""
    answers = [describe_crossing(crossing, result) for crossing in result.crossings]
    answered = {crossing.model for crossing in result.crossings}
    left_out = [
        f"{curve.title} is not compared: it has fits in two draws or more at fewer than three "
        "numbers of training cases."
        for curve in result.curves
        if curve.arm != "classical" and curve.model not in answered
    ]
    arms = {curve.arm for curve in result.curves}
    contenders = " or ".join(words for arm, words in _CONTENDERS.items() if arm in arms)
    title = (
        f"{result.title}: from how many training cases on is {contenders or 'a network'} better?"
    )
    return Summary(title, (*answers, *left_out) if answers else (_NO_CURVE,))


def fill(result: CrossoverResult) -> Context:
    """Return the learning curves as figure and table."""
    return {"figure": draw_learning_curves(result), "table_of_curves": tabulate_curves(result)}


def tabulate_curves(result: CrossoverResult) -> Table:
    """Return AUC and efficiency by number of training cases; missing fits are counted."""
    sizes = sorted({cases for curve in result.curves for cases in curve.cases})
    rows = [
        TableRow(curve.title, [_curve_cell(curve, size, result) for size in sizes])
        for curve in result.curves
    ]
    if result.ideal:
        rows.append(TableRow("Ideal observer", [fill_cell(result.ideal)] * len(sizes)))
    return Table([format_count(size) for size in sizes], list_rows(rows))


def _curve_cell(curve: LearningCurve, size: int, result: CrossoverResult) -> Cell:
    place = curve.cases.index(size) if size in curve.cases else None
    fits = 0 if place is None else curve.fits[place]
    mark = f"{fits} of {result.draws} draws" if fits < result.draws else ""
    if place is None:
        return Cell(MISSING, mark=mark)
    cell = fill_cell(curve.auc[place])
    efficiency = [format_decimal(each) for each in curve.efficiency[place : place + 1]]
    return cell._replace(small=", ".join([cell.small, *efficiency]), mark=mark)


def describe_crossing(crossing: Crossing, result: CrossoverResult) -> str:
    """Say by fixed rules whether a contender overtakes, firmly of what was tried alone.

    "Overtakes" is said where 97.5 % of the resamples or more are ahead with the most cases tried,
    "does not overtake" where at most 2.5 % are; between them the answer is open. Beyond, there is
    only what follows if both curves go on as a power law.
    """
    last = (
        f"With {format_count(crossing.compared[-1])} training cases the difference in AUC is "
        f"{format_difference(crossing.difference)}."
    )
    beyond, missing = _describe_beyond(crossing, result), _describe_missing(crossing, result)
    sentences = (_describe_place(crossing, result), last, beyond, missing)
    return " ".join((crossing.title, *filter(None, sentences)))


def _describe_place(crossing: Crossing, result: CrossoverResult) -> str:
    most, ahead = format_count(crossing.compared[-1]), format_percent(crossing.ahead)
    tried = f"with up to {most} training cases, the most that were compared"
    if crossing.answer == "does not overtake":
        return f"does not overtake the best baseline {tried} ({ahead} of the resamples do)."
    if crossing.answer == "open":
        return (
            f"may or may not overtake the best baseline {tried}: this is open, {ahead} of the "
            "resamples do."
        )
    if crossing.cases is None or crossing.cases > crossing.compared[-1]:
        return f"overtakes the best baseline {tried}."
    high = _rounded(min(crossing.high or math.inf, crossing.compared[-1]))
    if crossing.cases <= result.least:
        return (
            "is better than the best baseline already with the smallest number of training cases, "
            f"{format_count(result.least)} (at the latest from {high})."
        )
    interval = f"95 % interval {_rounded(crossing.low or result.least)} to {high}"
    return (
        f"overtakes the best baseline at about {_rounded(crossing.cases)} training cases "
        f"({interval})."
    )


def _describe_beyond(crossing: Crossing, result: CrossoverResult) -> str:
    if crossing.answer == "overtakes":
        return ""
    place = "do not cross"
    if crossing.cases is not None:
        place = f"cross at about {_rounded(crossing.cases)} training cases"
    return (
        f"If both go on as a power law, {format_percent(crossing.share)} of the resamples overtake "
        f"with up to {format_count(result.reach)} training cases, and the fitted curves {place}; "
        "a curve that takes off late or levels out does otherwise."
    )


def _describe_missing(crossing: Crossing, result: CrossoverResult) -> str:
    """Say at which sizes failed fits leave fewer draws, or none, to compare; empty if nowhere."""
    pairs = zip(crossing.compared, crossing.fits, strict=True)
    fewer = [
        f"{format_count(cases)} ({fits} of {result.draws} draws)"
        for cases, fits in pairs
        if fits < result.draws
    ]
    tried = {cases for curve in result.curves for cases in curve.cases}
    absent = [format_count(cases) for cases in sorted(tried - set(crossing.compared))]
    told = []
    if fewer:
        cases = ", ".join(fewer)
        told.append(f"Because fits failed, fewer draws are compared at {cases} training cases.")
    if absent:
        cases = ", ".join(absent)
        told.append(f"Nothing is compared at {cases}: fewer than two draws have fits of both.")
    return " ".join(told)


def _rounded(cases: float) -> str:
    """Return two digits: the third of a crossing means nothing."""
    return format_count(float(f"{cases:.2g}"))


def draw_learning_curves(result: CrossoverResult) -> Drawing:
    """Draw every model's points and curve; the chosen baseline and the contenders are thick."""
    with open_sheet(3.6) as page:
        axes = page.figure.add_subplot()
        others = cycle(OTHERS)
        dashes = cycle(DASHES)
        for curve in result.curves:
            main = curve.arm != "classical" or curve.model == _CHOSEN
            colour = ARM_COLOUR[curve.arm] if main else next(others)
            style = next(dashes) if curve.arm != "classical" else "-"
            _curve(axes, curve, colour, style, main=main)
        if result.ideal and result.ideal.value is not None:
            axes.axhline(result.ideal.value, color=MUTED, linestyle="--", linewidth=0.9)
            axes.annotate(
                "ideal observer", (0.01, result.ideal.value), (0, 2), va="bottom",
                xycoords=("axes fraction", "data"), textcoords="offset points",
                color=MUTED, fontsize=7.5,
            )  # fmt: skip
        axes.axvline(result.most, color=MUTED, linewidth=0.6, linestyle=":")
        axes.set_xscale("log")
        sizes = sorted({cases for curve in result.curves for cases in curve.cases})
        axes.set_xticks(sizes, [_short(size) for size in sizes])
        axes.set_xticks([], minor=True)
        axes.set_xlabel("training cases; right of the dotted line: extrapolated")
        axes.set_ylabel("AUC on the test cases")
        if any(curve.band for curve in result.curves):
            axes.legend(loc="lower right")
        return page.finish("learning-curves", "AUC by number of training cases, as in the table.")


def _short(cases: int) -> str:
    return f"{cases / 1000:g}k" if cases >= 1000 else str(cases)


def _curve(axes: Axes, curve: LearningCurve, colour: str, style: str, *, main: bool) -> None:
    size = 4.5 if main else 2.5
    values = [float(estimate.value or 0) for estimate in curve.auc]
    most = max((len(row) for row in curve.draws), default=0)
    for value, cases, fits in zip(values, curve.cases, curve.fits, strict=True):
        fill = colour if fits == most else "none"
        axes.plot(cases, value, "s", color=colour, markersize=size, markerfacecolor=fill)
    if curve.band is None:
        return
    width = 1.8 if main else 0.9
    band = curve.band
    title = wrap_title(curve.title, 34)
    axes.plot(band.cases, band.auc, style, color=colour, linewidth=width, label=title)
    if main:
        axes.fill_between(band.cases, band.low, band.high, color=colour, alpha=0.15, linewidth=0)
