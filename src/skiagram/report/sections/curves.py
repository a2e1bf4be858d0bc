"""ROC and precision–recall curves: of what is compared, of the simple baselines and of readers."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import METRICS, ModelResult
from skiagram.report.drawing import (
    DASHES,
    OTHERS,
    Drawing,
    Line,
    Panel,
    Style,
    best_of_each_arm,
    draw_lines,
    style_of,
)
from skiagram.report.formatting import is_best, list_simple_baselines
from skiagram.statistics.estimate import format_decimal

_AXES = {
    "roc": ("False positive rate", "Sensitivity"),
    "precision_recall": ("Sensitivity (recall)", "Precision"),
}
_AREA = {"roc": "roc_auc", "precision_recall": "average_precision"}


def _list_lines(evaluation: Evaluation, name: str) -> list[tuple[ModelResult, Line]]:
    """List the curves of the best of each arm, of readers and, thin, of the simple baselines."""
    styles: list[tuple[ModelResult, Style]] = [
        (model, style_of("compared", color=colour))
        for model, colour, _ in best_of_each_arm(evaluation, lambda model: getattr(model, name))
    ]
    for number, model in enumerate(list_simple_baselines(evaluation)):
        turn = 1 + number + number // len(OTHERS)  # no two lines alike
        dashes: Style = {"linestyle": DASHES[turn % len(DASHES)], "linewidth": 1.2}
        styles.append((model, {"color": OTHERS[number % len(OTHERS)], **dashes}))
    lines = []
    for model, style in styles:
        # The area stands before the name; what is compared has a band.
        curve, band = getattr(model, name), getattr(model, f"{name}_band")
        if curve is None:
            continue
        area = model.figures.get(analysis=METRICS, figure=_AREA[name])
        label = f"{format_decimal(area.value) if area else ''} {model.outcome.title}"
        shade = (band.x, band.low, band.high) if band and is_best(evaluation, model) else None
        lines.append((model, Line(label, curve.x, curve.y, style, shade)))
    return lines


def draw_curves(evaluation: Evaluation, name: str) -> Drawing | None:
    """Draw the curves `roc` or `precision_recall`; None where no model has one."""
    found = _list_lines(evaluation, name)
    if not found:
        return None
    lines = [line for _, line in found]
    # On the ROC curve chance is the diagonal, and a circle the threshold of the first page.
    if name == "roc":
        lines.append(Line("", (0, 1), (0, 1), style_of("identity")))
        for model, line in found:
            hits, cleared = (model.find(part).value for part in ("sensitivity", "specificity"))
            if is_best(evaluation, model) and hits is not None and cleared is not None:
                mark = style_of("threshold", markeredgecolor=line.style["color"])
                lines.append(Line("", (1 - cleared,), (hits,), mark))
    below, side = _AXES[name]
    drawn = "; ".join(line.label for _, line in found)
    words = f"{side} against {below.lower()}, with the area of each curve: {drawn}."
    panel = Panel(lines, _AXES[name], ((-0.01, 1.01), (-0.01, 1.01)))
    return draw_lines(name, [panel], words)
