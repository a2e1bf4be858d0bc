"""Calibration: how far each model's probabilities mean what they say."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import CALIBRATION
from skiagram.report.drawing import (
    Drawing,
    Line,
    Panel,
    best_of_each_arm,
    draw_lines,
    join_estimates,
    style_of,
)
from skiagram.report.formatting import ARM_TITLES
from skiagram.statistics.estimate import format_decimal, format_estimate


def draw_reliability(evaluation: Evaluation) -> Drawing | None:
    """Draw one panel per model, the best of each arm; None where nobody has probabilities."""
    # Shares of bins, whose group is their mean probability.
    asked = {"analysis": CALIBRATION, "figure": "reliability"}
    drawn = list(
        best_of_each_arm(evaluation, lambda model: model.figures.select(**asked).rows or None)
    )
    if not drawn:
        return None
    panels, parts = [], []
    for model, colour, bins in drawn:
        # The diagonal is perfect calibration.
        at = [float(each.group) for each in bins]
        bins_drawn = join_estimates("", at, bins, style_of("bins", color=colour))
        lines = Line("", (0, 1), (0, 1), style_of("identity")), bins_drawn
        arm = model.outcome.arm
        title = model.outcome.title if arm == "reader" else ARM_TITLES[arm]
        labels = "predicted probability", "observed share"
        panels.append(Panel(lines, labels, ((-0.02, 1.02), (-0.02, 1.02)), title=title))
        # In words, for a reader who cannot see it.
        bins_in_words = ", ".join(
            f"{format_estimate(share)} at {format_decimal(place, 2)}"
            for place, share in zip(at, bins, strict=True)
        )
        parts.append(f"{model.outcome.title}: {bins_in_words}")
    words = f"Observed share against predicted probability, by bin. {'; '.join(parts)}."
    return draw_lines("reliability", panels, words, across=2)
