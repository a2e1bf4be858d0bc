"""Reliability curves: do probabilities mean what they say?"""

from matplotlib.axes import Axes

from skiagram.evaluation.records.calibration import CalibrationResult, ReliabilityBin
from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.report.arms import TITLES
from skiagram.report.drawing import MUTED, WIDTH, Drawing, sheet
from skiagram.report.figures.panels import of_the_best
from skiagram.report.numbers import count, decimal, with_interval


def reliability(evaluation: Evaluation) -> Drawing | None:
    """Draw a panel a model, the best of each arm; None where nobody has probabilities."""
    drawn = list(of_the_best(evaluation, _calibration))[:3]
    if not drawn:
        return None
    with sheet(0.85 + WIDTH / max(2, len(drawn))) as page:
        axes = page.figure.subplots(1, max(2, len(drawn)), sharey=True, squeeze=False)[0]
        for panel, (model, colour, found) in zip(axes, drawn, strict=False):
            _curve(panel, found.reliability, colour)
            panel.set_title(TITLES[model.outcome.arm])
            panel.set_xlabel("probability stated")
        for empty in axes[len(drawn) :]:
            empty.set_axis_off()
        axes[0].set_ylabel("share that is so")
        return page.finish("reliability", _description(drawn))


def _calibration(model: ModelResult) -> CalibrationResult | None:
    return model.calibration if model.calibration and model.calibration.reliability else None


def _curve(axes: Axes, bins: tuple[ReliabilityBin, ...], colour: str) -> None:
    known = [one for one in bins if one.observed.value is not None]
    x = [one.predicted for one in known]
    low = [_or_value(one.observed.low, one) for one in known]
    high = [_or_value(one.observed.high, one) for one in known]
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, zorder=0)
    axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(
        x, [one.observed.value or 0.0 for one in known], marker="o", markersize=3.5, color=colour
    )
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def _or_value(bound: float | None, one: ReliabilityBin) -> float:
    return (one.observed.value or 0.0) if bound is None else bound


def _description(drawn: list[tuple[ModelResult, str, CalibrationResult]]) -> str:
    parts = []
    for model, _, found in drawn:
        bins = ", ".join(
            f"{with_interval(one.observed)} of {count(one.cases)} at {decimal(one.predicted, 2)}"
            for one in found.reliability
        )
        parts.append(f"{model.outcome.title}: {bins}")
    return f"Observed share against stated probability, by bin. {'; '.join(parts)}."
