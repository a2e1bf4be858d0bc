"""Calibration: how far each model's probabilities mean what they say."""

from functools import partial

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import CALIBRATION, METRICS
from skiagram.report.drawing import MUTED, WIDTH, Drawing, best_of_each_arm, open_sheet
from skiagram.report.formatting import ARM_TITLES, format_count, warn_at_chance
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.report.tables import Column, Table, fill_cell, show_value, tabulate_figures
from skiagram.statistics.estimate import format_decimal, format_estimate


@section(
    "Calibration",
    place=90,
    select=lambda evaluation, _: evaluation.table.select(analysis=CALIBRATION),
    otherwise="no model has probabilities",
)
def calibration(evaluation: Evaluation, material: Material) -> Context:
    """Return the reliability curves, calibration in figures, and distances of probabilities."""
    return {
        "warning": warn_at_chance(evaluation),
        "reliability": draw_reliability(evaluation),
        "table": tabulate_calibration(evaluation),
        "distances": tabulate_calibration_distance(evaluation),
    }


def tabulate_calibration(evaluation: Evaluation) -> Table:
    """Tabulate intercept, slope, expected to observed and the parts of the Brier score."""
    columns = [
        Column("Intercept (ideal 0)", "intercept", show=partial(fill_cell, signed=True)),
        Column("Slope (ideal 1)", "slope"),
        Column("Expected / observed (ideal 1)", "expected_to_observed"),
        Column("Brier score", "brier", analysis=METRICS),
    ]
    if evaluation.task.positive is not None:
        absent = "the Brier score was not decomposed"
        columns += [
            Column(part.capitalize(), f"brier_{part}", show=show_value, absent=absent)
            for part in ("reliability", "resolution", "uncertainty")
        ]
    return tabulate_figures(evaluation, CALIBRATION, columns)


def tabulate_calibration_distance(evaluation: Evaluation) -> Table | None:
    """Tabulate ICI, E50 and E90 of each model; None where no model has them."""
    if not evaluation.table.select(analysis=CALIBRATION, figure="ici"):
        return None
    columns = [
        Column("Mean distance (ICI)", "ici"),
        Column("Reached by chance", "ici_by_chance", show=lambda ici: format_decimal(ici.value)),
        Column("Median (E50)", "e50"),
        Column("90 % of cases (E90)", "e90"),
    ]
    return tabulate_figures(evaluation, CALIBRATION, columns)


def draw_reliability(evaluation: Evaluation) -> Drawing | None:
    """Draw one panel per model, the best of each arm; None where nobody has probabilities."""
    drawn = list(best_of_each_arm(evaluation, lambda model: model.reliability or None))[:3]
    if not drawn:
        return None
    # A panel for each model, at least two panels wide.
    with open_sheet(0.85 + WIDTH / max(2, len(drawn))) as page:
        axes = page.figure.subplots(1, max(2, len(drawn)), sharey=True, squeeze=False)[0]
        for panel, (model, colour, bins) in zip(axes, drawn, strict=False):
            points = [
                (each.predicted, each.observed) for each in bins if each.observed.value is not None
            ]
            x, value = [at for at, _ in points], [share.value or 0.0 for _, share in points]
            # A bin without an interval has no band.
            shares = [share for _, share in points]
            low = [each.value if each.low is None else each.low for each in shares]
            high = [each.value if each.high is None else each.high for each in shares]
            # The diagonal is perfect calibration.
            panel.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, zorder=0)
            panel.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            panel.plot(x, value, marker="o", markersize=3.5, color=colour)
            panel.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
            panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            panel.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
            arm = model.outcome.arm
            panel.set_title(model.outcome.title if arm == "reader" else ARM_TITLES[arm])
            panel.set_xlabel("predicted probability")
        for empty in axes[len(drawn) :]:
            empty.set_axis_off()
        axes[0].set_ylabel("observed share")
        # In words, for a reader who cannot see it.
        parts = []
        for model, _, bins in drawn:
            bins_in_words = ", ".join(
                f"{format_estimate(each.observed)} of {format_count(each.cases)} at "
                f"{format_decimal(each.predicted, 2)}"
                for each in bins
            )
            parts.append(f"{model.outcome.title}: {bins_in_words}")
        words = f"Observed share against predicted probability, by bin. {'; '.join(parts)}."
        return page.finish("reliability", words)
