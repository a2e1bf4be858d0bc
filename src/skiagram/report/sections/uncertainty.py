"""Uncertainty of single cases: prediction sets, and errors left when unsure cases are referred."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import REFERRAL, ModelResult
from skiagram.report.drawing import Drawing, Line, Panel, best_of_each_arm, draw_lines
from skiagram.report.formatting import format_percent
from skiagram.report.tables import (
    Cells,
    Table,
    fill_cell,
    tabulate_models,
)
from skiagram.statistics.estimate import format_decimal

_REFERRED = (0.0, 0.1, 0.2, 0.5)  # shares of the cases


def tabulate_referral(evaluation: Evaluation) -> Table:
    """Tabulate the share of errors left when the least certain cases are referred."""

    def cells(model: ModelResult) -> Cells | None:
        curve = model.risk_coverage
        if curve is None:
            return None
        # The point of the curve nearest to each share that is referred.
        coverage = curve.x
        nearest = [
            min(range(len(coverage)), key=lambda point: abs(coverage[point] - (1 - referred)))
            for referred in _REFERRED
        ]
        error_shares = [format_decimal(curve.y[point]) for point in nearest]
        return [*error_shares, fill_cell(model.find("area", REFERRAL))]

    some = (f"{format_percent(referred)} referred" for referred in _REFERRED[1:])
    columns = ("No case referred", *some, "Area under the curve")
    return tabulate_models(evaluation, columns, cells)


def draw_risk_coverage(evaluation: Evaluation) -> Drawing | None:
    """Draw the share of errors by share of cases kept, the best of each arm; None without any."""
    drawn = list(best_of_each_arm(evaluation, lambda model: model.risk_coverage))
    if not drawn:
        return None
    lines = [
        Line(model.outcome.title, curve.x, curve.y, {"color": colour})
        for model, colour, curve in drawn
    ]
    labels = "share of cases kept, most certain first", "share of errors among them"
    words = "Share of errors by share of cases kept, for the best model of each arm."
    return draw_lines("risk_coverage", [Panel(lines, labels, ((0, 1), (0, None)))], words)
