"""What to know before any figure is used: leaks, failures, few patients, one seed, the design."""

from collections.abc import Iterable, Iterator, Sequence

from skiagram.evaluation.arm_selection import MeasuredRun
from skiagram.evaluation.criteria import (
    UNLIKE,
    are_told_apart,
    find_unequal_classes,
    is_above_ideal,
)
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import LIMIT, ModelResult
from skiagram.evaluation.verdict import describe_classifier
from skiagram.statistics.estimate import format_signed

_NONE = FigureTable()


def state_warnings(
    results: Sequence[ModelResult],
    setting: EvaluationSet,
    figures: FigureTable = _NONE,
    *,
    is_external: bool = False,
) -> Iterator[str]:
    """Yield the warnings, those about single models first.

    Args:
        figures: Of the run, in which may stand what tells the test set from the development set.
        is_external: Whether the test cases are another cohort, which a finished project scored.
    """
    cases, task, predicted = setting.cases, setting.task, setting.task.predicted
    for result in results:
        if result.outcome.status == "failed":
            reason = result.outcome.reason.rstrip(".")
            yield f"{result.outcome.title} could not be trained and is not compared: {reason}."
        if is_above_ideal(result.figures):
            above = result.find("above_ideal", LIMIT).value or 0.0
            yield (
                f"{result.outcome.title} may have leaked: its {predicted.figure_words} is "
                f"{format_signed(above)} {'better than' if predicted.lower_is_better else 'above'} "
                "the ideal observer's, which happens to at most 1 honest model in 40."
            )
    if are_told_apart(figures, above=UNLIKE):
        yield (
            f"{describe_classifier(figures, is_external=is_external)}. Figures, thresholds and "
            "probabilities of one side may not hold on the other."
        )
    if setting.near_duplicates:
        yield (
            f"{setting.near_duplicates} of {len(setting.cases)} test cases have a near "
            "duplicate in the development set. A model may only remember them; the verdict "
            "follows the others."
        )
    if setting.label_conflicts:
        yield (
            f"Pairs of near duplicates with different labels: {setting.label_conflicts}. In each "
            "pair at least one label is doubtful."
        )
    yield from predicted.doubts(cases.value, cases.label, cases.patient)
    trainings = {len(result.by_repeat) for result in results}
    if 1 in trainings:
        yield (
            "Every model was trained with one seed, so it is not known how much another seed would "
            "change its figures. Set repeats to 5 for results."
        )
    elif 2 in trainings and task.design == "holdout":
        yield (
            "Every model was trained twice, which hardly tells how much seeds differ: equal "
            "procedures may be told apart in one test of nine. Set repeats to 5 for results."
        )
    if task.design == "cv":
        yield (
            "No test set was sealed. The folds share training cases, so the intervals of the "
            f"{predicted.figure_words} and of its differences are widened by a rule of thumb; they "
            "are approximate."
        )
    yield from warn_of_unequal_patients(find_unequal_classes(cases) if task.decides else ())


def warn_of_unknown_patients(*, known: bool, is_external: bool = False) -> Iterator[str]:
    """Yield a warning where no patient is identified, so that only copies are kept together.

    Args:
        known: Whether the patients are.
        is_external: See `state_warnings`.
    """
    if known:
        return
    if is_external:
        yield (
            "No patient of the cohort is identified: several cases of one person count as several "
            "people, so intervals may be too narrow."
        )
    else:
        yield (
            "No patient is identified: cases of one person may be in training and in test, which "
            "makes every figure too good. If a column tells patients apart, name it and run again."
        )


def warn_of_two_folds(run: MeasuredRun) -> Iterator[str]:
    """Yield a warning where two folds scored the cases, as after `skiagram run --quick`."""
    if any(model.compared is not None and model.compared.scored.folds == 2 for model in run.models):
        yield (
            "This is a first look: with two folds each model learnt from half of the cases, and "
            "more would have made it better. Set folds to 5 for results."
        )


def warn_without_rules(run: MeasuredRun) -> Iterator[str]:
    """Yield a warning where no simple baseline for the outcome was trained beside the models."""
    if run.task.rules and not run.rules:
        named = " or ".join(f"`{rule}`" for rule in run.task.rules)
        yield (
            "No simple baseline was trained beside the models, and one is often as good: add "
            f"{named} to `baselines`."
        )


def warn_of_unequal_patients(unequal: Iterable[tuple[str, int, float]]) -> Iterator[str]:
    """Yield a warning for each class in which a few patients have most of the cases.

    Args:
        unequal: What `find_unequal_classes` yields.
    """
    for name, patients, effective in unequal:
        yield (
            f"A few patients have most of the cases of class {name}: its {patients} patients "
            f"count like {max(1, round(effective))} with equally many. The intervals allow for "
            "that, and are long; results may hang on these few patients."
        )
