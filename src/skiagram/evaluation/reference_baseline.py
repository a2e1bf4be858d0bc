"""Each arm's best model against simple rules, which an arm must beat to be worth anything."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from skiagram.evaluation.arm_selection import SelectedArm
from skiagram.evaluation.auc_difference import ComparedModel, compare_auc
from skiagram.evaluation.evaluation_record import BaselineComparison
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.results import ModelResult
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion
from skiagram.statistics.significance import LEVEL

PREVALENCE = "prevalence"
_ARMS = {
    "deep": "network",
    "encoder": "frozen encoder",
    "classical": "classical model",
    "combined": "combination",
}


def compare_with_baselines(
    arms: Mapping[str, SelectedArm], rules: Mapping[str, ComparedModel]
) -> tuple[BaselineComparison, ...]:
    """Compare what stands for each arm with the prevalence and with every reference baseline.

    The prevalence gives every case the same probability: its AUC is ½ on any cases. P values are
    not corrected yet.

    Args:
        arms: Arm → what stands for it.
        rules: Reference baseline of the run that was trained → what of it is compared.
    """
    comparisons = []
    for arm in (*_ARMS, "either"):
        if arm not in arms:
            continue
        choice, own = arms[arm].choice, arms[arm].compared
        above_chance = _minus_half(choice.auc)
        defined = above_chance.value is not None
        p = own.above_chance if defined else None
        against = [(PREVALENCE, above_chance, p)]
        for rule, compared in rules.items():
            difference = compare_auc(own, compared)
            against.append((rule, difference.estimate, difference.p))
        comparisons += [
            judge_beaten(
                BaselineComparison(choice.model, rule, estimate, beaten=False, p=p, arm=arm), p
            )
            for rule, estimate, p in against
        ]
    return tuple(comparisons)


def judge_beaten(comparison: BaselineComparison, p: float | None) -> BaselineComparison:
    """Return the comparison with a corrected p value, and whether the model beats the rule by it.

    Args:
        comparison: A model against a rule.
        p: The corrected p value; None where none can be computed and the interval decides.
    """
    value, low = comparison.difference.value, comparison.difference.low
    if p is None:
        beaten = low is not None and low > 0
    else:
        beaten = value is not None and value > 0 and p < LEVEL
    return replace(comparison, beaten=beaten, p_holm=p)


def estimate_majority_accuracy(development: LabelledCases, reported: LabelledCases) -> Estimate:
    """Estimate the accuracy of naming every case as most development cases are.

    Args:
        development: Cases whose labels were open to training.
        reported: The reported cases.
    """
    commonest = int(np.bincount(development.label, minlength=len(development.classes)).argmax())
    return proportion((reported.label == commonest).astype(np.float64), reported.patient)


def describe_baselines(
    comparisons: Sequence[BaselineComparison],
    best: Mapping[str, str],
    results: Mapping[str, ModelResult],
) -> dict[str, str]:
    """Say of each arm's best model whether it beats every rule.

    Args:
        comparisons: What `compare_with_baselines` returned.
        best: Arm → name of its best model.
        results: Model → its figures, for titles.

    Returns:
        Model → a sentence.
    """
    words = {}
    for arm, name in _ARMS.items():
        own = [comparison for comparison in comparisons if comparison.arm == arm]
        if not own:
            continue
        title = results[best[arm]].outcome.title
        lost = [_title(comparison.rule, results) for comparison in own if not comparison.beaten]
        beaten = [_title(comparison.rule, results) for comparison in own]
        verb = "is not shown to beat" if lost else "beats"
        words[best[arm]] = f"The best {name} ({title}) {verb} {_listed(lost or beaten)}."
    return words


def _minus_half(auc: Estimate) -> Estimate:
    if auc.value is None:
        return auc
    low, high = (None if bound is None else bound - 0.5 for bound in (auc.low, auc.high))
    return Estimate(auc.value - 0.5, low, high, auc.method)


def _title(rule: str, results: Mapping[str, ModelResult]) -> str:
    return "chance" if rule == PREVALENCE else results[rule].outcome.title


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
