"""Decisions: what each model's thresholds do on the test cases, and what acting is worth."""

from skiagram.evaluation.clinical_utility import CLASSICAL, UTILITY
from skiagram.evaluation.decisions import JUDGMENTS
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
from skiagram.report.formatting import format_percent, format_share
from skiagram.report.tables import (
    Column,
    Group,
    Table,
    TableRow,
    fill_difference,
    tabulate_figures,
)
from skiagram.statistics.estimate import (
    Estimate,
    format_decimal,
)
from skiagram.tasks.classes import CLASS_FIGURES

_LOWEST = -0.05  # below it a rule does harm, and the reader needs no more than that
_THRESHOLDS_IN_WORDS = (0.1, 0.2, 0.3, 0.5)
_NOT_COMPARED = Estimate(None, reason="needs a network and a classical model that were trained")
_DIFFERENCES = {
    "sensitivity": "Sensitivity (higher is better)",
    "specificity": "Specificity (higher is better)",
    "brier": "Brier score (lower is better)",
}


def tabulate_differences(evaluation: Evaluation) -> Table | None:
    """Tabulate the contender minus the best classical model, by decisions and probabilities.

    None with more than two classes where the two are not compared.
    """
    paired = evaluation.figures.select(analysis=UTILITY, versus=CLASSICAL)
    if evaluation.task.positive is None and not paired:
        return None
    rows = [
        TableRow(title, [fill_difference(paired.find(figure=name) if paired else _NOT_COMPARED)])
        for name, title in _DIFFERENCES.items()
    ]
    columns = (f"{evaluation.contender_words.capitalize()} minus classical",)
    return Table(columns, [Group("On the same cases", rows)], first="Figure")


def tabulate_operating_points(evaluation: Evaluation) -> dict[str, Table]:
    """Return what a threshold was to keep → figures, as requested; empty if not binary."""
    # Figures that hang on the prevalence are shown where somebody stated one.
    prevalence = evaluation.prevalence
    stated = "" if prevalence is None else "_at_prevalence"
    metrics = [
        metric
        for metric in CLASS_FIGURES
        if metric.name in JUDGMENTS or (stated and metric.name.endswith(stated))
    ]
    tables = {}
    # A table for each aim, a row for each model.
    for group in evaluation.table.select(analysis=OPERATING_POINTS).list_distinct("group"):
        columns = [Column("Threshold", "threshold", group, "3 digits")]
        for metric in metrics:
            title = metric.title
            if stated and metric.name.endswith(stated):
                title = title.replace("prevalence", format_share(prevalence))
            columns.append(Column(title, metric.name, group))
        aim, level = group.split()
        title = f"{aim} of {format_percent(float(level))}"
        tables[title] = tabulate_figures(evaluation, OPERATING_POINTS, columns)
    return tables


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
