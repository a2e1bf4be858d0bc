"""The page of the study of costs."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from skiagram.report.drawing import ARM_COLOUR, MUTED, Drawing, open_sheet
from skiagram.report.formatting import format_count
from skiagram.report.rendering import Summary
from skiagram.report.section import Context
from skiagram.report.tables import Cell, Table, fill_cell, tabulate
from skiagram.statistics.estimate import MISSING, format_decimal
from skiagram.studies.cost import CostResult, ModelCost, Timing, pareto_front

_MARKS = {"classical": "o", "encoder": "D", "deep": "s"}
_WIDE = 30  # from the least to the greatest cost; decades alone are marked then


def summarise(result: CostResult) -> Summary:
    """Return the title, the best model and the models that no other beats by kind of cost."""
    fronts = [f"{kind}: {titles}" for kind, titles in list_fronts(result).items()]
    title = f"{result.title}: what does accuracy cost to train, to store and to use?"
    return Summary(title, (describe_best(result), *fronts))


def fill(result: CostResult) -> Context:
    """Return the models on the front of each kind of cost, figure and table."""
    models = sorted(result.models, key=_auc, reverse=True)
    return {
        "fronts": list_fronts(result),
        "figure": draw_pareto(models) if models else None,
        "table_of_models": tabulate_costs(models),
    }


def tabulate_costs(models: Sequence[ModelCost]) -> Table:
    """Return accuracy and cost of each model, numbered as in the figure."""
    return tabulate(
        models,
        lambda model: f"{models.index(model) + 1}. {model.title}",
        {
            "AUC, out-of-fold": lambda model: fill_cell(model.auc),
            "Seconds to train": lambda model: fill_timing(model.training),
            "Milliseconds per case": lambda model: fill_timing(model.inference),
            "of which features or encoding": lambda model: fill_timing(model.features),
            "Parameters": lambda model: format_count(model.parameters),
            "Multiply–add operations per case": lambda model: (
                "not defined" if model.multiply_adds is None else format_count(model.multiply_adds)
            ),
        },
    )


def describe_best(result: CostResult) -> str:
    """Say which model is best, and which ones as good cost least to use and to train."""
    if not result.models:
        return "No model could be trained."
    best = max(result.models, key=_auc)
    near = [one for one in result.models if _auc(best) - _auc(one) < result.margin or one is best]
    words = f"The highest AUC is {best.title}’s, {format_decimal(best.auc.value)}."
    margin = format_decimal(result.margin, 2)
    if len(near) == 1:
        return f"{words} No other comes within {margin} of it."

    def cheapest(time: Callable[[ModelCost], Timing], verb: str, unit: str) -> str:
        model = min(near, key=lambda one: time(one).median)
        own = f"{model.title} is the cheapest {verb} ({format_short(time(model).median)} {unit}"
        of_best = format_short(time(best).median)
        return f"{own})" if model is best else f"{own} instead of {of_best})"

    return (
        f"{words} Of the {len(near)} models less than {margin} behind it or "
        f"level, {cheapest(lambda one: one.inference, 'to use', 'ms per case')}, and "
        f"{cheapest(lambda one: one.training, 'to train', 's')}."
    )


def _auc(model: ModelCost) -> float:
    return model.auc.value or 0.0


def list_fronts(result: CostResult) -> dict[str, str]:
    """Return each kind of cost → the models on its front, cheapest first."""
    value = [_auc(model) for model in result.models]
    named_fronts = {}
    for kind, cost in costs_by_kind(result.models).items():
        front = pareto_front(cost, value)
        pairs = [
            (spent, model.title)
            for model, spent, on in zip(result.models, cost, front, strict=True)
            if on and spent is not None
        ]
        named_fronts[kind] = ", ".join(title for _, title in sorted(pairs))
    return named_fronts


def fill_timing(timing: Timing | None) -> Cell:
    """Return the median with the least and the greatest time."""
    if timing is None:
        return Cell(MISSING)
    low, high = format_short(timing.low), format_short(timing.high)
    return Cell(format_short(timing.median), f"({low}–{high})")


def format_short(value: float) -> str:
    """Return a number with about two digits that count."""
    if value >= 100:
        return format_count(round(value))
    return format_decimal(value, 1 if value >= 10 else 2 if value >= 1 else 3)


def costs_by_kind(models: Sequence[ModelCost]) -> dict[str, list[float | None]]:
    """Return each kind of cost, one number per model; None where it is not defined."""
    return {
        "seconds to train": [model.training.median for model in models],
        "milliseconds per case": [model.inference.median for model in models],
        "parameters": [model.parameters for model in models],
        "multiply–add operations per case": [model.multiply_adds for model in models],
    }


def draw_pareto(models: Sequence[ModelCost]) -> Drawing:
    """Draw every model by its number in the table; a line joins the front."""
    value, words = [_auc(model) for model in models], []
    with open_sheet(5.2) as page:
        grid = page.figure.subplots(2, 2, sharey=True)
        for axes, (kind, cost) in zip(grid.flat, costs_by_kind(models).items(), strict=True):
            front = pareto_front(cost, value)
            _panel(axes, models, cost, front)
            axes.set_xlabel(kind)
            names = [model.title for model, on in zip(models, front, strict=True) if on]
            words.append(f"{kind}: {', '.join(names)}")
        for axes in grid[:, 0]:
            axes.set_ylabel("AUC, out-of-fold")
        aucs = ", ".join(f"{model.title} {format_decimal(model.auc.value)}" for model in models)
        text = f"AUC of {aucs}. On the front of {'; of '.join(words)}."
        return page.finish("pareto", text)


def _panel(
    axes: Axes,
    models: Sequence[ModelCost],
    cost: Sequence[float | None],
    front: NDArray[np.bool_],
) -> None:
    marked = list(zip(models, cost, front, strict=True))
    line = sorted((spent, _auc(model)) for model, spent, on in marked if on and spent is not None)
    axes.plot(*zip(*line, strict=True), color=MUTED, drawstyle="steps-post", linewidth=0.9)
    for number, (model, spent, on) in enumerate(marked, start=1):
        if spent is None or model.auc.value is None:
            continue
        colour = ARM_COLOUR[model.arm]
        axes.plot(
            spent, model.auc.value, _MARKS[model.arm], color=colour, markersize=5,
            markerfacecolor=colour if on else "none",
        )  # fmt: skip
        axes.annotate(
            str(number), (spent, model.auc.value), (4, 3), textcoords="offset points",
            fontsize=7, color=colour,
        )  # fmt: skip
    axes.set_xscale("log")
    spent_costs = [spent for spent in cost if spent]
    wide = bool(spent_costs) and max(spent_costs) / min(spent_costs) > _WIDE
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_locator(NullLocator())


def _short(value: float) -> str:
    for scale, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:g}{letter}"
    return f"{value:g}"
