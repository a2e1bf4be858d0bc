"""The page of the study of learning curves."""

from skiagram.report.environment import render_template
from skiagram.report.figures.learning_curves import learning_curves
from skiagram.report.numbers import count, difference
from skiagram.studies.crossover.results import Crossing, CrossoverResult


def render(result: CrossoverResult) -> str:
    """Return the page; equal results give equal text."""
    sizes = sorted({cases for curve in result.curves for cases in curve.cases})
    return render_template(
        "study_crossover.html.j2",
        result=result,
        answers=[answer(one, result) for one in result.crossings],
        figure=learning_curves(result),
        sizes=sizes,
        rows=[
            (curve, dict(zip(curve.cases, curve.auc, strict=True)),
             dict(zip(curve.cases, curve.efficiency, strict=False)))
            for curve in result.curves
        ],
    )  # fmt: skip


def answer(crossing: Crossing, result: CrossoverResult) -> str:
    """Say by fixed rules from how many cases on a network is ahead.

    A number is named only where the fitted curve crosses within twice the most cases tried, and
    called open where fewer than 97.5 % of the resamples cross there too.
    """
    last = (
        f"With {count(result.most)} training cases the difference in AUC is "
        f"{difference(crossing.difference)}."
    )
    return f"{crossing.title} {_where(crossing, result)} {last}"


def _where(crossing: Crossing, result: CrossoverResult) -> str:
    some = f"{crossing.share:.0%} of the resamples do"
    if crossing.cases is None:
        return (
            f"does not overtake the best baseline within {count(result.reach)} training cases, "
            f"twice the most that were tried ({some})."
        )
    if crossing.cases <= result.least:
        sure = (
            "at the latest from more than was tried"
            if crossing.high is None
            else (f"at the latest from {_rounded(crossing.high)}")
        )
        return (
            "is ahead of the best baseline from the fewest training cases tried on, "
            f"{count(result.least)} ({sure})."
        )
    beyond = "" if crossing.cases <= result.most else ", beyond what was tried"
    number = f"at about {_rounded(crossing.cases)} training cases{beyond}"
    low = "beyond reach" if crossing.low is None else _rounded(crossing.low)
    if crossing.high is None:
        return (
            f"may overtake the best baseline {number}, but whether it does is open: the 95 % "
            f"interval goes from {low} to beyond {count(result.reach)} ({some})."
        )
    return (
        f"overtakes the best baseline {number} (95 % interval {low} to {_rounded(crossing.high)})."
    )


def _rounded(cases: float) -> str:
    """Return two digits: the third of a crossing means nothing."""
    return count(float(f"{cases:.2g}"))
