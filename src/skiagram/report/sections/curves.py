"""ROC and precision–recall curves: of what is compared, of the simple rules and of readers."""

from collections.abc import Iterator
from typing import NamedTuple

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import METRICS, Curve, ModelResult
from skiagram.report.drawing import (
    DASHES,
    MUTED,
    OTHERS,
    PAPER,
    WIDTH,
    Drawing,
    Style,
    best_of_each_arm,
    open_sheet,
    wrap_title,
)
from skiagram.report.formatting import is_best, list_simple_rules
from skiagram.report.material import Material
from skiagram.report.section import NOT_TRAINED, Context, section
from skiagram.statistics.estimate import format_decimal

# Inches; fixed, so that a long name cannot squeeze the plot.
_LEFT, _ABOVE, _BELOW, _SIDE, _LINE = 0.54, 0.08, 0.5, 3.1, 0.18
_AXES = {
    "roc": ("False positive rate", "Sensitivity"),
    "precision_recall": ("Sensitivity (recall)", "Precision"),
}
_AREA = {"roc": "roc_auc", "precision_recall": "average_precision"}


class _Line(NamedTuple):
    model: ModelResult
    curve: Curve
    style: Style


@section(
    "ROC and precision–recall curves",
    place=40,
    select=lambda evaluation, _: any(list(_list_lines(evaluation, name)) for name in _AXES),
    otherwise=NOT_TRAINED,
    of_more_classes="no single curve with more than two classes",
)
def curves(evaluation: Evaluation, material: Material) -> Context:
    """Return both figures."""
    return {name: draw_curves(evaluation, name) for name in _AXES}


def _list_lines(evaluation: Evaluation, name: str) -> Iterator[_Line]:
    """Yield the curves of the best of each arm, of readers and, thin, of the simple rules."""
    for model, colour, curve in best_of_each_arm(evaluation, lambda model: getattr(model, name)):
        yield _Line(model, curve, {"color": colour, "linewidth": 2.0, "zorder": 3})
    for number, model in enumerate(list_simple_rules(evaluation)):
        curve = getattr(model, name)
        if curve is not None:
            turn = 1 + number + number // len(OTHERS)  # no two lines alike
            dashes = {"linestyle": DASHES[turn % len(DASHES)], "linewidth": 1.2}
            yield _Line(model, curve, {"color": OTHERS[number % len(OTHERS)], **dashes})


def draw_curves(evaluation: Evaluation, name: str) -> Drawing | None:
    """Draw the curves `roc` or `precision_recall`; None where no model has one."""
    lines = list(_list_lines(evaluation, name))
    if not lines:
        return None
    # The legend below has a line for each name, or several for a long one.
    labels = []
    for model, *_ in lines:
        area = model.figures.get(analysis=METRICS, figure=_AREA[name])
        value = format_decimal(area.value) if area else ""
        labels.append(wrap_title(f"{value} {model.outcome.title}", width=48))
    legend = _LINE * sum(1 + label.count("\n") for label in labels) + 0.08
    height = _ABOVE + _SIDE + _BELOW + legend
    with open_sheet(height, arranged=False) as page:
        place = (_LEFT / WIDTH, (_BELOW + legend) / height, _SIDE / WIDTH, _SIDE / height)
        axes = page.figure.add_axes(place)
        for label, (model, curve, style) in zip(labels, lines, strict=True):
            axes.plot(curve.x, curve.y, label=label, **style)
            # The band of what is compared, and on the ROC curve the threshold of the first page.
            band, compared = getattr(model, f"{name}_band"), is_best(evaluation, model)
            if band is not None and compared:
                shade: Style = {"color": style["color"], "alpha": 0.15, "linewidth": 0}
                axes.fill_between(band.x, band.low, band.high, **shade)
            found, cleared = (model.find(part).value for part in ("sensitivity", "specificity"))
            if name == "roc" and compared and found is not None and cleared is not None:
                mark: Style = {"color": PAPER, "markeredgecolor": style["color"], "zorder": 4}
                axes.plot(1 - cleared, found, "o", markersize=6, markeredgewidth=1.6, **mark)
        # Chance is the diagonal of the ROC curve.
        if name == "roc":
            axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, zorder=0)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set_xlabel(_AXES[name][0])
        axes.set_ylabel(_AXES[name][1])
        spaces: Style = {"borderaxespad": 0, "borderpad": 0, "labelspacing": 0.3}
        handles: Style = {"handlelength": 1.9, "handletextpad": 0.5}
        axes.legend(loc="upper left", bbox_to_anchor=(0, -_BELOW / _SIDE), **handles, **spaces)
        # In words, for a reader who cannot see it.
        below_axis, side_axis = _AXES[name]
        drawn = "; ".join(label.replace("\n", " ") for label in labels)
        words = f"{side_axis} against {below_axis.lower()}, with the area of each curve: {drawn}."
        return page.finish(name, words)
