"""Learning curves: AUC against the number of training cases, with bands."""

from itertools import cycle

from matplotlib.axes import Axes

from skiagram.report.drawing import ARM_COLOUR, DASHES, MUTED, OTHERS, Drawing, sheet, wrapped
from skiagram.report.numbers import count, with_interval
from skiagram.studies.crossover.results import CrossoverResult, LearningCurve

_CHOSEN = "best_baseline"


def learning_curves(result: CrossoverResult) -> Drawing:
    """Draw every model's points and curve; the chosen baseline and the networks are thick."""
    with sheet(3.6) as page:
        axes = page.figure.add_subplot()
        others = cycle(OTHERS)
        dashes = cycle(DASHES)
        for curve in result.curves:
            main = curve.arm == "deep" or curve.model == _CHOSEN
            colour = ARM_COLOUR[curve.arm] if main else next(others)
            style = next(dashes) if curve.arm == "deep" else "-"
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
        axes.set_xlabel("training cases; right of the dotted line nothing was tried")
        axes.set_ylabel("AUC on the test cases")
        if any(curve.band for curve in result.curves):
            axes.legend(loc="lower right")
        return page.finish("learning-curves", _description(result))


def _short(cases: int) -> str:
    return f"{cases / 1000:g}k" if cases >= 1000 else str(cases)


def _curve(axes: Axes, curve: LearningCurve, colour: str, style: str, *, main: bool) -> None:
    size = 4.5 if main else 2.5
    values = [float(estimate.value or 0) for estimate in curve.auc]
    axes.plot(curve.cases, values, "s", color=colour, markersize=size)
    if curve.band is None:
        return
    width = 1.8 if main else 0.9
    band = curve.band
    title = wrapped(curve.title, 34)
    axes.plot(band.cases, band.auc, style, color=colour, linewidth=width, label=title)
    if main:
        axes.fill_between(band.cases, band.low, band.high, color=colour, alpha=0.15, linewidth=0)


def _description(result: CrossoverResult) -> str:
    parts = []
    for curve in result.curves:
        pairs = zip(curve.cases, curve.auc, strict=True)
        points = ", ".join(f"{with_interval(auc)} at {count(cases)}" for cases, auc in pairs)
        parts.append(f"{curve.title}: {points or 'no figure'}")
    return f"AUC by number of training cases. {'; '.join(parts)}."
