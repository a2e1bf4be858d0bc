"""Calibration: how far each model's probabilities mean what they say."""

from functools import partial

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import CALIBRATION, METRICS
from skiagram.report.drawing import (
    MUTED,
    Drawing,
    Line,
    Panel,
    Style,
    best_of_each_arm,
    draw_lines,
    join_estimates,
)
from skiagram.report.formatting import ARM_TITLES, format_count, warn_at_chance
from skiagram.report.material import Material
from skiagram.report.section import Context
from skiagram.report.tables import Column, Table, fill_cell, show_value, tabulate_figures
from skiagram.statistics.estimate import format_decimal, format_estimate


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
    drawn = list(best_of_each_arm(evaluation, lambda model: model.reliability or None))
    if not drawn:
        return None
    panels, parts = [], []
    for model, colour, bins in drawn:
        at, shares = [each.predicted for each in bins], [each.observed for each in bins]
        points: Style = {"color": colour, "marker": "o", "markersize": 3.5}
        # The diagonal is perfect calibration.
        perfect: Style = {"color": MUTED, "linewidth": 0.7, "zorder": 0}
        lines = Line("", (0, 1), (0, 1), perfect), join_estimates("", at, shares, points)
        arm = model.outcome.arm
        title = model.outcome.title if arm == "reader" else ARM_TITLES[arm]
        labels = "predicted probability", "observed share"
        panels.append(Panel(lines, labels, ((-0.02, 1.02), (-0.02, 1.02)), title=title))
        # In words, for a reader who cannot see it.
        bins_in_words = ", ".join(
            f"{format_estimate(each.observed)} of {format_count(each.cases)} at "
            f"{format_decimal(each.predicted, 2)}"
            for each in bins
        )
        parts.append(f"{model.outcome.title}: {bins_in_words}")
    words = f"Observed share against predicted probability, by bin. {'; '.join(parts)}."
    return draw_lines("reliability", panels, words, across=2)
