"""What a reader must know before believing a figure, a sentence each."""

from collections.abc import Iterator, Sequence

from skiagram.evaluation.reference import Reference
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.verdict import signed
from skiagram.records import Design

FEW_PATIENTS = 40


def cautions(
    results: Sequence[ModelResult],
    cases: Reference,
    design: Design,
    twins: int,
    label_conflicts: int,
) -> Iterator[str]:
    """Yield the warnings: leaks, failures, twins, few patients, a single seed, the design's limits.

    Args:
        results: What was found of each model.
        cases: The reported cases.
        design: The design of evaluation.
        twins: Reported cases with a near duplicate or shifted copy among development cases.
        label_conflicts: Pairs of near duplicates or shifted copies whose labels differ.
    """
    yield from _about_models(results)
    if twins:
        yield (
            f"Copies or near copies (twins) stand among the development cases for {twins} of "
            f"{len(cases)} reported cases; the AUC off twins leaves them out and is fairer."
        )
    if label_conflicts:
        yield (
            f"Pairs of copies or near copies with different labels: {label_conflicts}; in each at "
            "least one label is doubtful."
        )
    for name, patients in zip(cases.classes, cases.patients_by_class(), strict=True):
        if patients < FEW_PATIENTS:
            yield (
                f"Few reported patients of class {name}: {patients}; below {FEW_PATIENTS} the "
                "95 % intervals may be too narrow."
            )
    if any(len(one.stability.seed_auc) == 1 for one in results if one.stability):
        yield (
            "Every model was trained from one seed; how much another would move its figures is "
            "not known. Set repeats to 5 for results."
        )
    if design == "cv":
        yield (
            "Nothing was sealed: the best model of each arm was chosen with labels of the cases "
            "it is reported on, which flatters it slightly, and the folds share training cases, "
            "so the intervals are approximate."
        )


def _about_models(results: Sequence[ModelResult]) -> Iterator[str]:
    for one in results:
        if one.outcome.status == "failed":
            reason = one.outcome.reason.rstrip(".")
            yield f"{one.outcome.title} could not be trained and is not compared: {reason}."
        if one.leaked and one.above_ideal is not None and one.above_ideal.value is not None:
            yield (
                f"{one.outcome.title} has leaked: its AUC is {signed(one.above_ideal.value)} above "
                "the ideal observer's, more than chance explains."
            )
