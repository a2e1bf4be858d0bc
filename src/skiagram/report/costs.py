"""What accuracy costs, on the page of a sweep."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from skiagram.evaluation.criteria import list_as_good
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.sentences import say
from skiagram.report.drawing import (
    ARM_COLOUR,
    Drawing,
    finish,
    open_figure,
    style_of,
    wrap_title,
)
from skiagram.report.formatting import format_count
from skiagram.report.tables import Cell, Table, TableRow, fill_cell, list_rows
from skiagram.statistics.estimate import Estimate, format_decimal
from skiagram.sweeps.costs import pareto_front
from skiagram.sweeps.rows import BEST, OF_COSTS, SELECTION
from skiagram.sweeps.table import SweepResult

_MARKS = {"classical": "o", "encoder": "D", "deep": "s"}
_COLUMNS = {  # of the table: figure → heading
    "training_seconds": "Seconds to train",
    "case_milliseconds": "Milliseconds per case",
    "input_milliseconds": "of which features or encoding",
    "parameters": "Parameters",
    "multiply_adds": "Multiply–add operations per case",
    "bytes": "Bytes",
}
_KINDS = {  # of cost, each a panel: figure → words
    "training_seconds": "seconds to train",
    "case_milliseconds": "milliseconds per case",
    "parameters": "parameters",
    "multiply_adds": "multiply–add operations per case",
}
_WIDE = 30  # from the least to the greatest cost; decades alone are marked then


class ModelCost(NamedTuple):
    """Accuracy and cost of one model of one row.

    Attributes:
        auc: On development cases, that may choose it.
        costs: Figures of `COSTS`; without a value where one is not defined.
    """

    title: str
    arm: str
    auc: Estimate
    costs: FigureTable


def list_models(result: SweepResult) -> tuple[list[ModelCost], dict[str, str]]:
    """List all timed models, the most accurate first; and, of those that failed, title → reason."""
    models, failed = list[ModelCost](), dict[str, str]()
    for row in result.rows:
        for each in row.figures.models:
            auc = row.figures.get(model=each.model, figure=SELECTION)
            # What stands for an arm is one of the others.
            if auc is None or each.model.startswith(BEST):
                continue
            title = f"{each.title} ({row.row.name()})" if len(result.rows) > 1 else each.title
            costs = row.figures.select(analysis=OF_COSTS, model=each.model)
            if auc.value is None:
                failed[title] = auc.reason
            elif costs:
                models.append(ModelCost(title, each.arm, auc, costs))
    return sorted(models, key=_auc, reverse=True), failed


def answer(result: SweepResult) -> tuple[str, ...]:
    """Say which models are best, and of each cost which are on its front, cheapest first."""
    models, _ = list_models(result)
    fronts, value = [], [_auc(model) for model in models]
    for kind, cost in costs_by_kind(models).items():
        front = zip(models, cost, pareto_front(cost, value), strict=True)
        pairs = sorted(
            (spent, model.title) for model, spent, on in front if on and spent is not None
        )
        fronts.append(f"{kind}: {', '.join(title for _, title in pairs)}")
    return (describe_best(models, result.margin), *fronts)


class ShownCosts(NamedTuple):
    """What the page shows of costs.

    Attributes:
        figure: Every model's AUC against each cost; None without models.
        table: The models, numbered as in the figure.
        failed: Title → reason, of models that could not be trained.
    """

    figure: Drawing | None
    table: Table
    failed: dict[str, str]


def show_costs(result: SweepResult) -> ShownCosts:
    """Draw and tabulate the models, the most accurate first; both number them alike."""
    models, failed = list_models(result)
    rows = [
        TableRow(
            f"{number}. {model.title}",
            [
                fill_cell(model.auc),
                *(fill_cost(model.costs.find(figure=name)) for name in _COLUMNS),
            ],
        )
        for number, model in enumerate(models, start=1)
    ]
    table = Table(("AUC, out-of-fold", *_COLUMNS.values()), list_rows(rows))
    return ShownCosts(draw_pareto(models) if models else None, table, failed)


def describe_best(models: Sequence[ModelCost], margin: float) -> str:
    """Say which model is best, and which ones as good cost least to use and to train."""
    if not models:
        return say("cost.none")
    # The best, and all that are as good within the margin.
    best = max(models, key=_auc)
    as_good = list_as_good([_auc(model) for model in models], margin)
    near = [model for model, good in zip(models, as_good, strict=True) if good]
    words = say("cost.best", model=best.title, auc=format_decimal(best.auc.value))
    shown_margin = format_decimal(margin, 2)
    if len(near) == 1:
        return f"{words} {say('cost.alone', margin=shown_margin)}"
    # The cheapest of them, and what the best costs instead.
    cheapest = {}
    for aim, figure in (("use", "case_milliseconds"), ("train", "training_seconds")):
        costs = [model.costs.find(figure=figure).value or 0.0 for model in near]
        model, other = near[costs.index(min(costs))], ""
        if model is not best:
            spent_by_best = format_short(costs[near.index(best)])
            other = say("cost.instead", other=spent_by_best)
        spent = format_short(min(costs))
        cheapest[aim] = say(f"cost.cheapest_to_{aim}", model=model.title, spent=spent, other=other)
    return f"{words} {say('cost.as_good', number=len(near), margin=shown_margin, **cheapest)}"


def _auc(model: ModelCost) -> float:
    return model.auc.value or 0.0


def fill_cost(cost: Estimate) -> Cell:
    """Fill a cell with a count, or a median time with the least and the greatest.

    A cost that is not defined, such as operations of a tree, has its reason.
    """
    if cost.value is None:
        return fill_cell(cost)
    if cost.low is None or cost.high is None:
        return Cell(format_count(round(cost.value)))
    return Cell(format_short(cost.value), f"({format_short(cost.low)}–{format_short(cost.high)})")


def format_short(value: float) -> str:
    """Format a number with about two digits that count."""
    if value >= 100:
        return format_count(round(value))
    return format_decimal(value, 1 if value >= 10 else 2 if value >= 1 else 3)


def costs_by_kind(models: Sequence[ModelCost]) -> dict[str, list[float | None]]:
    """List each kind of cost in words → one number per model; None where it is not defined.

    Args:
        models: In the order of the table, which the numbers keep.
    """
    return {
        words: [model.costs.find(figure=name).value for model in models]
        for name, words in _KINDS.items()
    }


def draw_pareto(models: Sequence[ModelCost]) -> Drawing:
    """Draw every model by its number in the table; a line joins those that no other beats."""
    value, words = [_auc(model) for model in models], []
    # A panel for each kind of cost, all with the same axis of AUC.
    with open_figure(5.2) as figure:
        grid = figure.subplots(2, 2, sharey=True)
        for axes, (kind, cost) in zip(grid.flat, costs_by_kind(models).items(), strict=True):
            marked = list(zip(models, cost, pareto_front(cost, value), strict=True))
            line = sorted((x, _auc(model)) for model, x, on in marked if on and x is not None)
            axes.plot(*zip(*line, strict=True), **style_of("front"))
            for number, (model, spent, on) in enumerate(marked, start=1):
                # Filled marks are on the front; what has no cost is not drawn.
                if spent is None or model.auc.value is None:
                    continue
                colour, place = ARM_COLOUR[model.arm], (spent, model.auc.value)
                fill = colour if on else "none"
                axes.plot(
                    *place, _MARKS[model.arm], markersize=5, color=colour, markerfacecolor=fill
                )
                axes.annotate(str(number), place, (4, 3), **style_of("number", color=colour))
            # On a logarithmic axis, decades alone are marked where costs lie far apart.
            axes.set_xscale("log")
            above_0 = [spent for spent in cost if spent]
            wide = bool(above_0) and max(above_0) / min(above_0) > _WIDE
            marks = LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=5)
            axes.xaxis.set_major_locator(marks)
            axes.xaxis.set_major_formatter(FuncFormatter(lambda number, _: _short(number)))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlabel(wrap_title(kind))
            words.append(f"{kind}: {', '.join(model.title for model, _, on in marked if on)}")
        for axes in grid[:, 0]:
            axes.set_ylabel("AUC, out-of-fold")
        # In words, for a reader who cannot see it.
        aucs = ", ".join(f"{model.title} {format_decimal(model.auc.value)}" for model in models)
        text = f"AUC of {aucs}. On the front of {'; of '.join(words)}."
        return finish(figure, "pareto", text)


def _short(value: float) -> str:
    for scale, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= scale:
            return f"{value / scale:g}{letter}"
    return f"{value:g}"
