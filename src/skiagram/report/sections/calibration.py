"""Calibration: how far each model's probabilities mean what they say."""

from matplotlib.axes import Axes

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import CalibrationResult, ModelResult, ReliabilityBin
from skiagram.report.drawing import MUTED, WIDTH, Drawing, best_of_each_arm, open_sheet
from skiagram.report.formatting import ARM_TITLES, format_count, format_signed
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.report.tables import Cells, Table, fill_cell, tabulate_models
from skiagram.statistics.estimate import Estimate, format_decimal, format_estimate


@section(
    "Calibration",
    place=90,
    select=lambda evaluation, _: any(model.calibration for model in evaluation.models),
    otherwise="no model has probabilities",
)
def calibration(evaluation: Evaluation, material: Material) -> Context:
    """Return the reliability curves, calibration in figures, and distances of probabilities."""
    return {
        "reliability": draw_reliability(evaluation),
        "table": tabulate_calibration(evaluation),
        "distances": tabulate_calibration_distance(evaluation),
    }


def tabulate_calibration(evaluation: Evaluation) -> Table:
    """Return intercept, slope, expected to observed and the parts of the Brier score."""
    several = evaluation.task.positive is None
    parts = [] if several else ["Reliability", "Resolution", "Uncertainty"]
    ideals = ["Intercept (ideal 0)", "Slope (ideal 1)", "Expected / observed (ideal 1)"]

    def cells(model: ModelResult) -> Cells | None:
        result = model.calibration
        if result is None:
            return None
        brier, unknown = result.brier, Estimate(None, reason="the Brier score was not decomposed")
        return [
            fill_cell(result.intercept, format_signed),
            fill_cell(result.slope),
            fill_cell(result.expected_to_observed),
            fill_cell(model.metrics.get("brier"), digits=3),
            *(
                format_decimal(getattr(brier, part.lower())) if brier else fill_cell(unknown)
                for part in parts
            ),
        ]

    return tabulate_models(evaluation, [*ideals, "Brier score", *parts], cells)


def tabulate_calibration_distance(evaluation: Evaluation) -> Table | None:
    """Return ICI, E50 and E90 of each model; None where no model has them."""
    if not any(model.calibration and model.calibration.distance for model in evaluation.models):
        return None

    def cells(model: ModelResult) -> Cells | None:
        distance = model.calibration.distance if model.calibration else None
        if distance is None:
            return None
        chance = format_decimal(distance.ici_by_chance)
        return [fill_cell(distance.ici), chance, fill_cell(distance.e50), fill_cell(distance.e90)]

    columns = ("Mean distance (ICI)", "Reached by chance", "Median (E50)", "90 % of cases (E90)")
    return tabulate_models(evaluation, columns, cells)


def draw_reliability(evaluation: Evaluation) -> Drawing | None:
    """Draw one panel per model, the best of each arm; None where nobody has probabilities."""
    drawn = [
        (model, colour, result)
        for model, colour, result in best_of_each_arm(evaluation, lambda model: model.calibration)
        if result.reliability
    ][:3]
    if not drawn:
        return None
    with open_sheet(0.85 + WIDTH / max(2, len(drawn))) as page:
        axes = page.figure.subplots(1, max(2, len(drawn)), sharey=True, squeeze=False)[0]
        for panel, (model, colour, result) in zip(axes, drawn, strict=False):
            _draw_curve(panel, result.reliability, colour)
            arm = model.outcome.arm
            panel.set_title(model.outcome.title if arm == "reader" else ARM_TITLES[arm])
            panel.set_xlabel("predicted probability")
        for empty in axes[len(drawn) :]:
            empty.set_axis_off()
        axes[0].set_ylabel("observed share")
        return page.finish("reliability", _description(drawn))


def _draw_curve(axes: Axes, bins: tuple[ReliabilityBin, ...], colour: str) -> None:
    points = [(each.predicted, each.observed) for each in bins if each.observed.value is not None]
    x, value = [at for at, _ in points], [share.value or 0.0 for _, share in points]
    low, high = (
        [known if bound is None else bound for known, bound in zip(value, bounds, strict=True)]
        for bounds in ([share.low for _, share in points], [share.high for _, share in points])
    )
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, zorder=0)
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(x, value, marker="o", markersize=3.5, color=colour)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def _description(drawn: list[tuple[ModelResult, str, CalibrationResult]]) -> str:
    parts = []
    for model, _, result in drawn:
        bins = ", ".join(
            f"{format_estimate(each.observed)} of {format_count(each.cases)} at "
            f"{format_decimal(each.predicted, 2)}"
            for each in result.reliability
        )
        parts.append(f"{model.outcome.title}: {bins}")
    return f"Observed share against predicted probability, by bin. {'; '.join(parts)}."
