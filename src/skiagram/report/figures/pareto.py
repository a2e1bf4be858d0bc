"""Accuracy against four costs, a panel each, with the front of models that no other beats."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

from skiagram.report.drawing import ARM_COLOUR, MUTED, Drawing, sheet
from skiagram.report.numbers import decimal
from skiagram.studies.cost.front import pareto_front
from skiagram.studies.cost.results import ModelCost

_WIDE = 30  # from the least to the greatest cost; decades alone are marked then
AXES = {
    "training": "seconds to train",
    "inference": "milliseconds a case",
    "parameters": "learned numbers",
    "multiply_adds": "multiply–adds a case",
}


def costs(models: Sequence[ModelCost]) -> dict[str, list[float | None]]:
    """Return each kind of cost, a number a model; None where it is not defined."""
    return {
        "training": [one.training.median for one in models],
        "inference": [one.inference.median for one in models],
        "parameters": [float(one.parameters) for one in models],
        "multiply_adds": [
            None if one.multiply_adds is None else float(one.multiply_adds) for one in models
        ],
    }


def pareto(models: Sequence[ModelCost], numbers: Mapping[str, int]) -> Drawing:
    """Draw every model by its number in the table; a line joins the front.

    Args:
        models: All models.
        numbers: Name of a model → its number.
    """
    value = [one.auc.value or 0.0 for one in models]
    words = []
    with sheet(5.2) as page:
        grid = page.figure.subplots(2, 2, sharey=True)
        for axes, (kind, cost) in zip(grid.flat, costs(models).items(), strict=True):
            front = pareto_front(cost, value)
            _panel(axes, models, cost, front, numbers)
            axes.set_xlabel(AXES[kind])
            names = [one.title for one, on in zip(models, front, strict=True) if on]
            words.append(f"{AXES[kind]}: {', '.join(names)}")
        for axes in grid[:, 0]:
            axes.set_ylabel("AUC, out-of-fold")
        aucs = ", ".join(f"{one.title} {decimal(one.auc.value)}" for one in models)
        text = f"AUC of {aucs}. On the front of {'; of '.join(words)}."
        return page.finish("pareto", text)


def _panel(
    axes: Axes,
    models: Sequence[ModelCost],
    cost: Sequence[float | None],
    front: NDArray[np.bool_],
    numbers: Mapping[str, int],
) -> None:
    line = sorted(
        (at, one.auc.value or 0.0)
        for one, at, on in zip(models, cost, front, strict=True)
        if on and at is not None
    )
    axes.plot(*zip(*line, strict=True), color=MUTED, drawstyle="steps-post", linewidth=0.9)
    for one, at, on in zip(models, cost, front, strict=True):
        if at is None or one.auc.value is None:
            continue
        colour = ARM_COLOUR[one.arm]
        axes.plot(
            at, one.auc.value, "s" if one.arm == "deep" else "o", color=colour, markersize=5,
            markerfacecolor=colour if on else "none",
        )  # fmt: skip
        axes.annotate(
            str(numbers[one.model]), (at, one.auc.value), (4, 3), textcoords="offset points",
            fontsize=7, color=colour,
        )  # fmt: skip
    axes.set_xscale("log")
    known = [at for at in cost if at]
    wide = bool(known) and max(known) / min(known) > _WIDE
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axes.xaxis.set_minor_locator(NullLocator())


def _short(value: float) -> str:
    for scale, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:g}{letter}"
    return f"{value:g}"
