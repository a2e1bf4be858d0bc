"""The answer in detail: all models at once, what the verdict rests on, what would change it."""

from collections.abc import Iterator

from skiagram.evaluation.criteria import (
    find_deciding_margins,
    find_decisive,
    is_nothing_of_use,
    is_precise_enough,
    is_settled,
)
from skiagram.evaluation.evaluation_record import PRIMARY, Evaluation
from skiagram.evaluation.sentences import say
from skiagram.evaluation.verdict import describe_baselines
from skiagram.report.drawing import Drawing
from skiagram.report.formatting import (
    group_by_arm,
)
from skiagram.report.sections.answer import draw_forest
from skiagram.statistics.estimate import Estimate, format_decimal


def draw_models(evaluation: Evaluation) -> Drawing:
    """Draw the forest of all models."""
    models = [model for _, group in group_by_arm(evaluation) for model in group]
    return draw_forest(evaluation, models, "auc")


def list_what_would_change(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the sentences: patients, margin, simple baselines; none where nothing is compared."""
    terms = tuple(_vary_terms(evaluation))
    return (*terms, *describe_baselines(evaluation, beaten=True)) if terms else ()


def _vary_terms(evaluation: Evaluation) -> Iterator[str]:
    """Tell what this many patients can show, and with which margins the answer would be another."""
    # What to do next says how many patients are needed.
    people = "patients" if evaluation.patients_known else "groups of near duplicates"
    primary = evaluation.figures.select(analysis=PRIMARY)
    detectable = primary.find(figure="detectable").value
    margin = format_decimal(evaluation.margin)
    if detectable is not None and not is_nothing_of_use(evaluation):
        power = say(
            "change.power",
            count=evaluation.patients["reported"],
            people=people,
            figure=evaluation.task.predicted.figure_words,
            detectable=format_decimal(detectable),
        )
        detect, kind = primary.find(figure="patients_to_detect"), "more"
        if is_precise_enough(evaluation):
            kind = "little"
        elif detect.value is None and detect.reason and not is_settled(evaluation):
            kind = "never"
        reason = detect.reason
        yield say(f"change.{kind}", people=people, power=power, margin=margin, reason=reason)
    # Other margins, on the cases that the answer follows.
    decisive = find_decisive(evaluation)
    estimate = decisive.gain if decisive else Estimate(None)
    low, high = format_decimal(estimate.low), format_decimal(estimate.high)
    margins = find_deciding_margins(estimate)
    if margins != "unknown":
        yield say(f"change.margin_{margins.replace(' ', '_')}", margin=margin, low=low, high=high)
