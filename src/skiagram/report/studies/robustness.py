"""The page of the study of robustness."""

from skiagram.report.environment import render_template
from skiagram.report.figures.severity_curves import severity_curves
from skiagram.report.numbers import interval, signed
from skiagram.report.studies.robustness_words import endurance, ranked, shifted, threshold
from skiagram.studies.robustness.results import RobustnessResult


def render(result: RobustnessResult) -> str:
    """Return the page; equal results give equal text."""
    kinds = result.corruptions
    return render_template(
        "study_robustness.html.j2",
        result=result,
        signed=signed,
        interval=interval,
        answers={
            one.dataset: (
                ranked(one),
                [(model.title, endurance(model, result)) for model in one.models],
                [(model.title, threshold(model, result)) for model in one.models],
            )
            for one in result.datasets
        },
        figures={one.dataset: severity_curves(one, kinds) for one in result.datasets},
        shifts=[
            (one, [(each, shifted(each.models, result.margin)) for each in one.sources])
            for one in result.shifts
        ],
    )
