"""Uncertainty of single cases: prediction sets, and errors left when unsure cases are referred."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import ModelResult, RiskCoverage
from skiagram.report import formatting
from skiagram.report.drawing import Drawing, best_of_each_arm, open_sheet, wrap_title


def tabulate_prediction_sets(evaluation: Evaluation) -> formatting.Table:
    """Return coverage and size of the conformal sets of every model."""
    notes = formatting.Notes()
    classes = evaluation.task.classes
    columns = (
        "Sets that contain the true class",
        *(f"… for {name} cases" for name in classes),
        "Mean number of classes per set",
        "One class only",
        "Several classes",
        "No class",
    )

    def cells(model: ModelResult) -> tuple[formatting.Cell, ...]:
        sets = model.prediction_sets
        if sets is None:
            return (notes.cell(formatting.NOT_FOUND, formatting.format_decimal),) * len(columns)
        return (
            notes.cell(sets.coverage, formatting.format_decimal),
            *(notes.cell(share, formatting.format_decimal) for share in sets.class_coverage),
            formatting.Cell(formatting.format_decimal(sets.mean_size, 2)),
            *(
                notes.cell(share, formatting.format_decimal)
                for share in (sets.single, sets.several, sets.empty)
            ),
        )

    return formatting.Table(columns, formatting.group_rows(evaluation, cells), notes.by_mark())


def format_promised_coverage(evaluation: Evaluation) -> str:
    """Return the coverage that the sets were made for, for example `90 %`; empty without sets."""
    levels = [model.prediction_sets.level for model in evaluation.models if model.prediction_sets]
    return formatting.format_percent(levels[0]) if levels else ""


def tabulate_referral(evaluation: Evaluation) -> formatting.Table:
    """Return the share of errors left when the least certain cases are referred."""
    notes = formatting.Notes()
    shares = (1.0, 0.9, 0.8, 0.5)

    def cells(model: ModelResult) -> tuple[formatting.Cell, ...]:
        result = model.risk_coverage
        if result is None:
            return (notes.cell(formatting.NOT_FOUND, formatting.format_decimal),) * (
                1 + len(shares)
            )
        curve = result.curve
        nearest = [
            min(range(len(curve.x)), key=lambda nearest_point: abs(curve.x[nearest_point] - share))
            for share in shares
        ]
        return (
            *(
                formatting.Cell(formatting.format_decimal(curve.y[nearest_point]))
                for nearest_point in nearest
            ),
            notes.cell(result.area, formatting.format_decimal, digits=3),
        )

    referred = (f"{formatting.format_percent(1 - share)} referred" for share in shares[1:])
    columns = ("No case referred", *referred, "Area under the curve")
    return formatting.Table(columns, formatting.group_rows(evaluation, cells), notes.by_mark())


def draw_risk_coverage(evaluation: Evaluation) -> Drawing | None:
    """Draw the share of errors by share of cases kept, the best of each arm; None without any."""
    drawn = list(best_of_each_arm(evaluation, lambda model: model.risk_coverage))
    if not drawn:
        return None
    with open_sheet(2.9) as page:
        axes = page.figure.add_subplot()
        for model, colour, result in drawn:
            title = wrap_title(model.outcome.title, 34)
            axes.plot(result.curve.x, result.curve.y, color=colour, label=title)
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("share of cases kept, most certain first")
        axes.set_ylabel("share of errors among them")
        axes.legend(loc="upper left")
        return page.finish("risk_coverage", _description(drawn))


def _description(drawn: list[tuple[ModelResult, str, RiskCoverage]]) -> str:
    parts = [
        f"{model.outcome.title}: {result.curve.y[-1]:.3f} with all cases kept, area "
        f"{formatting.format_estimate(result.area)}"
        for model, _, result in drawn
        if result.curve.y
    ]
    return f"Share of errors by share of cases kept. {'; '.join(parts)}."
