"""Risk–coverage curves: what remains wrong when the doubtful are referred."""

from skiagram.evaluation.records.doubt import RiskCoverage
from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.report.drawing import Drawing, sheet, wrapped
from skiagram.report.figures.panels import of_the_best
from skiagram.report.numbers import with_interval


def risk_coverage(evaluation: Evaluation) -> Drawing | None:
    """Draw the share named wrongly by share kept, the best of each arm; None without any."""
    drawn = list(of_the_best(evaluation, lambda model: model.risk_coverage))
    if not drawn:
        return None
    with sheet(2.9) as page:
        axes = page.figure.add_subplot()
        for model, colour, found in drawn:
            title = wrapped(model.outcome.title, 34)
            axes.plot(found.curve.x, found.curve.y, color=colour, label=title)
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("share of cases kept, the surest first")
        axes.set_ylabel("share of these named wrongly")
        axes.legend(loc="upper left")
        return page.finish("risk_coverage", _description(drawn))


def _description(drawn: list[tuple[ModelResult, str, RiskCoverage]]) -> str:
    parts = [
        f"{model.outcome.title}: {found.curve.y[-1]:.3f} with all cases kept, area "
        f"{with_interval(found.area)}"
        for model, _, found in drawn
        if found.curve.y
    ]
    return f"Share named wrongly by share of cases kept. {'; '.join(parts)}."
