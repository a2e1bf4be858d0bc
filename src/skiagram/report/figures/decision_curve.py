"""Decision curves: what acting on a probability is worth."""

from skiagram.evaluation.records.calibration import DecisionCurve
from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.report.drawing import INK, MUTED, Drawing, sheet, wrapped
from skiagram.report.figures.panels import of_the_best
from skiagram.report.numbers import decimal

_LOWEST = -0.05  # below it a rule does harm, and the reader needs no more than that
_TOLD = (0.1, 0.2, 0.3, 0.5)


def decision_curve(evaluation: Evaluation) -> Drawing | None:
    """Draw net benefit by threshold, the best of each arm; None when the task is not binary."""
    drawn = list(of_the_best(evaluation, lambda model: model.decision_curve))
    if not drawn:
        return None
    with sheet(3.3) as page:
        axes = page.figure.add_subplot()
        for model, colour, found in drawn:
            axes.fill_between(
                found.threshold, found.low, found.high, color=colour, alpha=0.15, linewidth=0
            )
            title = wrapped(model.outcome.title, 34)
            axes.plot(found.threshold, found.net_benefit, color=colour, label=title)
        first = drawn[0][2]
        axes.plot(
            first.threshold, first.act_on_all, color=INK, linewidth=0.9, linestyle="--",
            label="act on everybody",
        )  # fmt: skip
        axes.axhline(0, color=MUTED, linewidth=0.9, label="act on nobody")
        top = max(max(found.high) for _, _, found in drawn)
        axes.set_ylim(_LOWEST, max(0.1, top) * 1.05)
        axes.set_xlim(0, 1)
        axes.set_xlabel("probability from which one would act")
        axes.set_ylabel("net benefit, true positives a case")
        axes.legend(loc="upper right")
        return page.finish("decision_curve", _description(drawn))


def _description(drawn: list[tuple[ModelResult, str, DecisionCurve]]) -> str:
    parts = []
    for model, _, found in drawn:
        told = ", ".join(f"{decimal(_at(found, one))} at {one:g}" for one in _TOLD)
        parts.append(f"{model.outcome.title}: {told}")
    return f"Net benefit by threshold probability. {'; '.join(parts)}."


def _at(found: DecisionCurve, threshold: float) -> float:
    gaps = [abs(one - threshold) for one in found.threshold]
    return found.net_benefit[gaps.index(min(gaps))]
