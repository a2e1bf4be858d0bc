"""Decisions: what each model's thresholds do on the test cases, and what acting is worth."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import OPERATING_POINTS
from skiagram.report.drawing import (
    Drawing,
    Line,
    Panel,
    best_of_each_arm,
    draw_lines,
    style_of,
)
from skiagram.report.tables import Table, tabulate_declared
from skiagram.statistics.estimate import format_decimal

_LOWEST = -0.05  # below it a rule does harm, and the reader needs no more than that
_THRESHOLDS_IN_WORDS = (0.1, 0.2, 0.3, 0.5)


def tabulate_operating_points(evaluation: Evaluation) -> dict[str, Table | None]:
    """Return what a threshold was to keep → figures, as requested; empty if not binary."""
    groups = evaluation.table.select(analysis=OPERATING_POINTS).list_distinct("group")
    return {group: tabulate_declared(evaluation, OPERATING_POINTS, group) for group in groups}


def draw_decision_curve(evaluation: Evaluation) -> Drawing | None:
    """Draw net benefit by threshold, the best of each arm; None when the task is not binary."""
    drawn = list(best_of_each_arm(evaluation, lambda model: model.decision_curve))
    if not drawn:
        return None
    lines, parts = [], []
    for model, colour, curve in drawn:
        band = curve.threshold, curve.low, curve.high
        title = model.outcome.title
        lines.append(Line(title, curve.threshold, curve.net_benefit, {"color": colour}, band))
        # In words: the net benefit nearest to a few thresholds.
        benefits = []
        for threshold in _THRESHOLDS_IN_WORDS:
            gaps = [abs(tried - threshold) for tried in curve.threshold]
            nearest = curve.net_benefit[gaps.index(min(gaps))]
            benefits.append(f"{format_decimal(nearest)} at {threshold:g}")
        parts.append(f"{title}: {', '.join(benefits)}")
    # The two policies without a model.
    first = drawn[0][2]
    lines.append(Line("act on all", first.threshold, first.act_on_all, style_of("everybody")))
    lines.append(Line("act on none", (0, 1), (0, 0), style_of("nobody")))
    # The axis ends a little below 0.
    top = max(max(curve.high) for _, _, curve in drawn)
    limits = (0, 1), (_LOWEST, max(0.1, top) * 1.05)
    labels = "threshold probability", "net benefit, true positives per case"
    words = f"Net benefit by threshold probability. {'; '.join(parts)}."
    return draw_lines("decision_curve", [Panel(lines, labels, limits)], words)
