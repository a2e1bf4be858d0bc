"""Calibration: how far each model's probabilities mean what they say."""

from matplotlib.axes import Axes

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import CalibrationResult, Estimate, ModelResult, ReliabilityBin
from skiagram.report.drawing import MUTED, WIDTH, Drawing, best_of_each_arm, open_sheet
from skiagram.report.formatting import (
    ARM_TITLES,
    NOT_FOUND,
    Cell,
    Notes,
    Table,
    format_count,
    format_decimal,
    format_estimate,
    format_signed,
    group_rows,
)


def tabulate_calibration(evaluation: Evaluation) -> Table:
    """Return intercept, slope, expected to observed and the parts of the Brier score."""
    notes = Notes()
    binary = evaluation.task.positive is not None
    columns = [
        "Intercept (ideal 0)",
        "Slope (ideal 1)",
        "Expected / observed (ideal 1)",
        "Brier score",
    ]
    columns += ["Reliability", "Resolution", "Uncertainty"] if binary else []

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        result = model.calibration
        if result is None:
            return (notes.cell(NOT_FOUND, format_decimal),) * len(columns)
        return (
            notes.cell(result.intercept, format_signed),
            notes.cell(result.slope, format_decimal),
            notes.cell(result.expected_to_observed, format_decimal),
            notes.cell(model.metrics.get("brier"), format_decimal, digits=3),
            *(_parts(result, notes) if binary else ()),
        )

    return Table(tuple(columns), group_rows(evaluation, cells), notes.by_mark())


def _parts(result: CalibrationResult, notes: Notes) -> tuple[Cell, ...]:
    if result.brier is None:
        return (
            notes.cell(Estimate(None, reason="the Brier score was not decomposed"), format_decimal),
        ) * 3
    parts = (result.brier.reliability, result.brier.resolution, result.brier.uncertainty)
    return tuple(Cell(format_decimal(part)) for part in parts)


def tabulate_calibration_distance(evaluation: Evaluation) -> Table | None:
    """Return ICI, E50 and E90 of each model; None where no model has them."""
    known = (model.calibration for model in evaluation.models if model.calibration)
    if not any(result.distance for result in known):
        return None
    notes = Notes()
    columns = ("Mean distance (ICI)", "Reached by chance", "Median (E50)", "90 % of cases (E90)")

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        distance = model.calibration.distance if model.calibration else None
        if distance is None:
            return (notes.cell(NOT_FOUND, format_decimal),) * len(columns)
        return (
            notes.cell(distance.ici, format_decimal),
            Cell(format_decimal(distance.ici_by_chance)),
            notes.cell(distance.e50, format_decimal),
            notes.cell(distance.e90, format_decimal),
        )

    return Table(columns, group_rows(evaluation, cells), notes.by_mark())


def draw_reliability(evaluation: Evaluation) -> Drawing | None:
    """Draw one panel per model, the best of each arm; None where nobody has probabilities."""
    drawn = list(best_of_each_arm(evaluation, _calibration))[:3]
    if not drawn:
        return None
    with open_sheet(0.85 + WIDTH / max(2, len(drawn))) as page:
        axes = page.figure.subplots(1, max(2, len(drawn)), sharey=True, squeeze=False)[0]
        for panel, (model, colour, result) in zip(axes, drawn, strict=False):
            _curve(panel, result.reliability, colour)
            panel.set_title(ARM_TITLES[model.outcome.arm])
            panel.set_xlabel("predicted probability")
        for empty in axes[len(drawn) :]:
            empty.set_axis_off()
        axes[0].set_ylabel("observed share")
        return page.finish("reliability", _description(drawn))


def _calibration(model: ModelResult) -> CalibrationResult | None:
    return model.calibration if model.calibration and model.calibration.reliability else None


def _curve(axes: Axes, bins: tuple[ReliabilityBin, ...], colour: str) -> None:
    filled = [bin_ for bin_ in bins if bin_.observed.value is not None]
    x = [bin_.predicted for bin_ in filled]
    low = [_or_value(bin_.observed.low, bin_) for bin_ in filled]
    high = [_or_value(bin_.observed.high, bin_) for bin_ in filled]
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, zorder=0)
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(
        x, [bin_.observed.value or 0.0 for bin_ in filled], marker="o", markersize=3.5, color=colour
    )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def _or_value(bound: float | None, bin_: ReliabilityBin) -> float:
    return (bin_.observed.value or 0.0) if bound is None else bound


def _description(drawn: list[tuple[ModelResult, str, CalibrationResult]]) -> str:
    parts = []
    for model, _, result in drawn:
        bins = ", ".join(
            f"{format_estimate(bin_.observed)} of {format_count(bin_.cases)} at "
            f"{format_decimal(bin_.predicted, 2)}"
            for bin_ in result.reliability
        )
        parts.append(f"{model.outcome.title}: {bins}")
    return f"Observed share against predicted probability, by bin. {'; '.join(parts)}."
