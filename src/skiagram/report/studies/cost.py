"""The page of the study of costs."""

from skiagram.report.environment import render_template
from skiagram.report.figures.pareto import AXES, costs, pareto
from skiagram.report.numbers import count, decimal
from skiagram.studies.cost.front import pareto_front
from skiagram.studies.cost.results import CostResult, ModelCost, Timing


def render(result: CostResult) -> str:
    """Return the page; equal results give equal text."""
    models = sorted(result.models, key=lambda one: -(one.auc.value or 0.0))
    numbers = {one.model: number for number, one in enumerate(models, start=1)}
    return render_template(
        "study_cost.html.j2",
        result=result,
        models=models,
        numbers=numbers,
        lead=lead(result),
        fronts=fronts(result),
        figure=pareto(models, numbers) if models else None,
        time=time,
    )


def lead(result: CostResult) -> str:
    """Say which model is best, and which ones as good cost least to use and to train."""
    if not result.models:
        return "No model could be trained."
    best = max(result.models, key=lambda one: one.auc.value or 0.0)
    near = [one for one in result.models if _auc(best) - _auc(one) < result.margin or one is best]
    quick = min(near, key=lambda one: one.inference.median)
    short = min(near, key=lambda one: one.training.median)
    words = f"The highest AUC is {best.title}’s, {decimal(best.auc.value)}."
    if len(near) == 1:
        return f"{words} No other comes within {decimal(result.margin, 2)} of it."
    return (
        f"{words} Of the {len(near)} models less than {decimal(result.margin, 2)} behind it or "
        f"level, {_than(quick, best, 'to use', 'ms a case')}, and "
        f"{_than(short, best, 'to train', 's')}."
    )


def _auc(one: ModelCost) -> float:
    return one.auc.value or 0.0


def _than(one: ModelCost, best: ModelCost, verb: str, unit: str) -> str:
    of_one, of_best = (
        (each.inference if verb == "to use" else each.training).median for each in (one, best)
    )
    own = f"{one.title} is the cheapest {verb} ({short_number(of_one)} {unit}"
    return f"{own})" if one is best else f"{own} instead of {short_number(of_best)})"


def fronts(result: CostResult) -> dict[str, str]:
    """Return each kind of cost → the models on its front, cheapest first."""
    value = [_auc(one) for one in result.models]
    found = {}
    for kind, cost in costs(result.models).items():
        front = pareto_front(cost, value)
        pairs = [
            (at, one.title)
            for one, at, on in zip(result.models, cost, front, strict=True)
            if on and at is not None
        ]
        found[AXES[kind]] = ", ".join(title for _, title in sorted(pairs))
    return found


def time(timing: Timing | None) -> str:
    """Return `1.2 (1.1–1.4)`: the median with the least and the greatest."""
    if timing is None:
        return "–"
    low, high = short_number(timing.low), short_number(timing.high)
    return f"{short_number(timing.median)} ({low}–{high})"


def short_number(value: float) -> str:
    """Return a number with about two digits that count."""
    if value >= 100:
        return count(round(value))
    return decimal(value, 1 if value >= 10 else 2 if value >= 1 else 3)
