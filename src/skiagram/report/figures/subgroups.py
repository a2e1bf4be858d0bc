"""AUC on parts of the reported cases, the best of each arm side by side."""

from matplotlib.axes import Axes

from skiagram.evaluation.records.subgroup import Subgroup
from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.drawing import MUTED, Drawing, sheet, wrapped
from skiagram.report.figures.panels import of_the_best
from skiagram.report.numbers import with_interval

_ROW = 0.34  # inches
_APART = 0.3  # rows between two models
_MOST = 24  # rows; more stand in the table alone

_Drawn = list[tuple[ModelResult, str, tuple[Subgroup, ...]]]


def subgroups(evaluation: Evaluation) -> Drawing | None:
    """Draw one row a part, open where it holds few patients; None where no part has an AUC."""
    drawn = list(of_the_best(evaluation, lambda model: model.subgroups or None))
    rows = _rows(drawn)
    if not rows:
        return None
    with sheet(0.75 + _ROW * len(rows)) as page:
        axes = page.figure.add_subplot()
        for at, (model, colour, parts) in enumerate(drawn):
            shift = _APART * (at - (len(drawn) - 1) / 2)
            _whole(axes, model, colour)
            for part in parts:
                if (part.column, part.value) in rows:
                    row = rows.index((part.column, part.value))
                    _point(axes, row + shift, part, colour)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        titles = [wrapped(f"{column.replace('_', ' ')}: {value}") for column, value in rows]
        axes.set_yticks(range(len(rows)), titles)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("AUC with 95 % interval")
        return page.finish("subgroups", _description(drawn))


def _rows(drawn: _Drawn) -> list[tuple[str, str]]:
    """Return (column, value) of every part in which a model has an AUC, in the order met."""
    found = dict.fromkeys(
        (part.column, part.value)
        for _, _, parts in drawn
        for part in parts
        if _auc(part).value is not None
    )
    return list(found)[:_MOST]


def _auc(part: Subgroup) -> Estimate:
    return part.metrics.get("roc_auc", Estimate(None))


def _whole(axes: Axes, model: ModelResult, colour: str) -> None:
    whole = model.metrics.get("roc_auc", Estimate(None)).value
    if whole is not None:
        axes.axvline(whole, color=colour, linewidth=0.8, linestyle=":", zorder=0)


def _point(axes: Axes, row: float, part: Subgroup, colour: str) -> None:
    auc = _auc(part)
    if auc.value is None:
        return
    if auc.low is not None and auc.high is not None:
        line = MUTED if part.warning else colour
        axes.plot([auc.low, auc.high], [row, row], color=line, linewidth=1.3)
    axes.plot(
        auc.value, row, marker="s", markersize=5, color=colour, linestyle="none",
        markerfacecolor="none" if part.warning else colour,
    )  # fmt: skip


def _description(drawn: _Drawn) -> str:
    models = "; ".join(
        f"{model.outcome.title}: "
        + ", ".join(f"{one.column} {one.value} {with_interval(_auc(one))}" for one in parts)
        for model, _, parts in drawn
    )
    return f"AUC on parts of the reported cases. {models}."
