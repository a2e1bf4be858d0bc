"""What to know before any figure is used: leaks, failures, few patients, one seed, the design."""

from collections.abc import Iterator, Sequence

import numpy as np

from skiagram.evaluation.arm_selection import MeasuredRun
from skiagram.evaluation.criteria import (
    UNLIKE,
    are_told_apart,
    is_above_ideal,
    is_reversed,
)
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.results import LIMIT, ModelResult
from skiagram.evaluation.sentences import join, say
from skiagram.evaluation.verdict import describe_classifier
from skiagram.statistics.estimate import format_estimate, format_signed
from skiagram.statistics.variation import effective_patients, has_unequal_clusters

_NONE = FigureTable()
FEW_TO_CHOOSE_BY = 200  # patients


def state_warnings(
    results: Sequence[ModelResult],
    setting: EvaluationSet,
    figures: FigureTable = _NONE,
    *,
    is_external: bool = False,
    patients_known: bool = True,
) -> Iterator[str]:
    """Yield the warnings of the cases and the models.

    Args:
        figures: Of the run, in which may stand what tells the test set from the development set.
        is_external: Whether the test cases are another cohort, which a finished project scored.
        patients_known: Whether they are identified; else only copies are kept together.
    """
    if not patients_known:
        yield say("doubt.unknown_cohort" if is_external else "doubt.unknown_patients")
    cases, task, predicted = setting.cases, setting.task, setting.task.predicted
    for result in results:
        outcome = result.outcome
        if outcome.status == "failed":
            reason = outcome.reason.rstrip(".")
            yield say("doubt.failed", model=outcome.title, reason=reason)
        if is_above_ideal(result.figures):
            yield say(
                "doubt.leak",
                model=outcome.title,
                figure=predicted.figure_words,
                above=format_signed(result.find("above_ideal", LIMIT).value or 0.0),
                side="better than" if predicted.lower_is_better else "above",
            )
        if is_reversed(auc := result.find("roc_auc")):
            yield say("doubt.reversed", model=outcome.title, auc=format_estimate(auc))
    if are_told_apart(figures, above=UNLIKE):
        yield say("shift.doubt", classifier=describe_classifier(figures, is_external=is_external))
    if near_duplicates := int(setting.has_near_duplicate.sum()):
        counts = {"number": near_duplicates, "cases": len(setting.cases)}
        yield say(f"doubt.copies_{task.design}", **counts)
    if setting.label_conflicts:
        yield say("doubt.label_conflicts", number=setting.label_conflicts)
    yield from predicted.doubts(cases.value, cases.label, cases.patient)
    trainings = {len(result.by_repeat) for result in results}
    if 1 in trainings:
        yield say("doubt.one_seed")
    elif 2 in trainings and task.design == "holdout":
        yield say("doubt.two_seeds")
    if task.design == "cv":
        yield say("doubt.cross_validated", figure=predicted.figure_words)
    if not predicted.has_value:
        yield from warn_of_unequal_patients(cases)


def warn_of_training(run: MeasuredRun, inputs: EvaluationInputs) -> Iterator[str]:
    """Yield a warning of what the plan left out, of inputs that lack, of folds and of choices."""
    # Cases that could be learned from.
    if (subset := inputs.subset) is not None:
        learned, available = (f"{number:.0f}" for number in (subset.learned, subset.available))
        yield say("doubt.subset", learned=learned, available=available)
    yield from inputs.lacking
    # Two folds alone, as after `skiagram run --quick`; two sites are all that there are.
    two_folds = (
        each.compared is not None and each.compared.scored.folds == 2 for each in run.models
    )
    if run.setting.site is None and any(two_folds):
        yield say("doubt.two_folds")
    # Fits of few patients chose features for what is compared: below 200 patients all fits may
    # choose what chance made good in them (simulated).
    standing = {name for arm in run.pair for name in run.arms[arm].choice.chosen}
    choosing = [
        model.result.outcome.title
        for model in run.models
        if model.name in standing
        and len(selection := model.predictions.selection)
        and not selection["chosen"].all()
    ]
    patients = run.setting.cases.patients
    if run.task.design == "cv" and choosing and patients < FEW_TO_CHOOSE_BY:
        yield say("doubt.choosing_fits", models=join(choosing), patients=patients)


def warn_without_baselines(run: MeasuredRun) -> Iterator[str]:
    """Yield a warning where no simple baseline for the outcome was trained beside the models."""
    baselines = run.task.predicted.simple_baselines.values()
    if baselines and not run.simple_baselines:
        yield say("doubt.no_baseline", baselines=" or ".join(f"`{name}`" for name in baselines))


def warn_of_unequal_patients(cases: LabelledCases) -> Iterator[str]:
    """Yield a warning for each class in which a few patients have most of the cases.

    They count like fewer patients with equally many (`has_unequal_clusters`).
    """
    for k, name in enumerate(cases.classes):
        patient = cases.patient[cases.label == k]
        if has_unequal_clusters(patient):
            alike = max(1, round(effective_patients(patient)))
            yield say("doubt.unequal", name=name, patients=len(np.unique(patient)), alike=alike)
