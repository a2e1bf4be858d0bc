"""The answer in detail: all models at once, what the verdict rests on, what would change it."""

from collections.abc import Iterator

from skiagram.evaluation.criteria import (
    find_deciding_margins,
    find_decisive,
    find_gap_to_ideal,
    find_leader,
    is_nothing_of_use,
    is_precise_enough,
    is_settled,
)
from skiagram.evaluation.evaluation_record import PRIMARY, Evaluation
from skiagram.evaluation.results import STABILITY
from skiagram.evaluation.stability import SOURCES
from skiagram.evaluation.verdict import describe_rules
from skiagram.report.formatting import (
    DESIGN_WORDS,
    format_count,
    format_percent,
    group_by_arm,
)
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.report.sections.answer import draw_forest
from skiagram.statistics.estimate import Estimate, format_decimal

HEADINGS = {  # anchors besides those of sections
    "sensitivity_of_verdict": "What would change the answer",
    "reading": "How to read this",
}


@section("The answer in detail", place=5)
def verdict(evaluation: Evaluation, material: Material) -> Context:
    """Return the forest of all models, and what would change the verdict."""
    models = [model for _, group in group_by_arm(evaluation) for model in group]
    return {
        "headings": HEADINGS,
        "forest": draw_forest(evaluation, models, "auc"),
        "sensitivity": sensitivity_of_verdict(evaluation, material.card.patients_known),
        "off_near_duplicates": evaluation.task.predicted.title_figure(evaluation.off_copies),
    }


def sensitivity_of_verdict(evaluation: Evaluation, patients_known: bool) -> tuple[str, ...]:
    """Return the sentences: patients, margin, simple baselines, seed, order, limit.

    Args:
        patients_known: False where groups of near duplicates stand in for patients.
    """
    return (
        *_vary_terms(evaluation, "patients" if patients_known else "groups of near duplicates"),
        *describe_rules(evaluation, beaten=True),
        *_describe_models(evaluation),
    )


def _vary_terms(evaluation: Evaluation, people: str) -> Iterator[str]:
    """Tell what this many patients can show, and with which margins the answer would be another."""
    # What to do next says how many patients are needed.
    primary = evaluation.figures.select(analysis=PRIMARY)
    detectable = primary.find(figure="detectable").value
    margin = format_decimal(evaluation.margin)
    if detectable is not None and not is_nothing_of_use(evaluation):
        power = (
            f"with these {format_count(evaluation.patients['reported'])} {people}, a true "
            f"difference in {evaluation.figure_words} of {format_decimal(detectable)} is found "
            "with a probability of 80 %"
        )
        detect = primary.find(figure="patients_to_detect")
        if is_precise_enough(evaluation):
            yield f"More {people} would change little: {power}; the margin is {margin}."
        elif detect.value is None and detect.reason and not is_settled(evaluation):
            yield (
                f"More {people}: {power}; most smaller differences are missed. No number of "
                f"{people} is enough: {detect.reason}."
            )
        else:
            yield f"More {people}: {power}; most smaller differences are missed."
    # Other margins, on the cases that the answer follows.
    decisive = find_decisive(evaluation)
    estimate = decisive.gain if decisive else Estimate(None)
    low, high = format_decimal(estimate.low), format_decimal(estimate.high)
    choice = f"The margin of {margin} is a choice"
    margins = find_deciding_margins(estimate)
    if margins == "none":
        yield f"{choice}; whatever it is, the answer is not “yes”."
    elif margins == "no":
        yield (
            f"{choice}: with a margin above {high} the difference alone would say “no”, with a "
            "smaller one it is inconclusive."
        )
    elif margins == "yes and no":
        yield (
            f"{choice}: with a margin below {low} the difference alone would say “yes”, with one "
            f"above {high} “no”; in between it is inconclusive."
        )


def _describe_models(evaluation: Evaluation) -> Iterator[str]:
    """Tell what another seed, another draw of patients or a perfect model would make of models."""
    # How much of the variance of the contender is that of the seed.
    choice = evaluation.arms.get(evaluation.contender)
    best = choice.model if choice else ""
    for model in evaluation.every:
        parts = [model.find(f"variance_{part}", STABILITY).value or 0.0 for part in SOURCES]
        whole = sum(parts)
        if model.outcome.model == best and whole > 0:
            patients, seed, both = (format_percent(part / whole) for part in parts)
            yield (
                f"Of the variance of a single training of {model.outcome.title}, {patients} comes "
                f"from the patients, {seed} from the seed and {both} from their interaction."
            )
    # Where another draw of patients would put another model first.
    leader, share, standing = find_leader(evaluation)
    words = (
        f"Among all models, {evaluation.titles.get(leader, leader)} has the highest AUC in "
        f"{format_percent(share)} of the resamples of test patients"
    )
    if standing == "other":
        sealed = (
            " No sealed label influenced that choice." if evaluation.task.part == "test" else ""
        )
        yield (
            f"{words}, but it was not {DESIGN_WORDS[evaluation.task.design].chosen}. The "
            f"comparison above is between the models that were.{sealed}"
        )
    elif standing == "open":
        yield f"{words}: it is not settled which model is best."
    # What is left up to the ideal observer.
    if (gap := find_gap_to_ideal(evaluation)) is not None:
        side = "below" if evaluation.lower_is_better else "above"
        yield (
            f"The {evaluation.figure_words} of the ideal observer is {format_decimal(gap.value)} "
            f"{side} that of the better of the two. Other features, other networks or more "
            f"training cases can gain about that much, and at most {format_decimal(gap.high)} "
            "(upper bound of its 95 % interval)."
        )
