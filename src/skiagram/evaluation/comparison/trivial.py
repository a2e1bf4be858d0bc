"""Each arm's best model against trivial rules, which an arm must beat to be worth anything."""

from collections.abc import Mapping, Sequence

import numpy as np

from skiagram.evaluation.comparison.contenders import Contender, compared_auc
from skiagram.evaluation.proportions import proportion
from skiagram.evaluation.records.comparison import AgainstTrivial
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.results import Estimate, ModelResult

PREVALENCE = "prevalence"
_ARMS = {"deep": "network", "classical": "classical model", "combined": "combination"}


def against_trivial(
    best: Mapping[str, str],
    rules: Sequence[str],
    results: Mapping[str, ModelResult],
    contenders: Mapping[str, Contender],
) -> tuple[AgainstTrivial, ...]:
    """Compare the best model of each arm with the prevalence and with every trivial model.

    The prevalence gives every case the same probability: its AUC is ½ on any cases.

    Args:
        best: Arm → name of its best model.
        rules: Names of the trivial models of the run that were trained.
        results: Model → its figures.
        contenders: Model → what is compared.
    """
    found = []
    for arm in _ARMS:
        if arm not in best:
            continue
        model = best[arm]
        above_chance = _minus_half(results[model].metrics["roc_auc"])
        found.append(AgainstTrivial(model, PREVALENCE, above_chance, _surely(above_chance)))
        for rule in rules:
            difference = compared_auc(contenders[model], contenders[rule]).estimate
            found.append(AgainstTrivial(model, rule, difference, _surely(difference)))
    return tuple(found)


def majority_accuracy(development: Reference, reported: Reference) -> Estimate:
    """Estimate the accuracy of naming every case as most development cases are.

    Args:
        development: Cases whose labels were open to training.
        reported: The reported cases.
    """
    commonest = int(np.bincount(development.label, minlength=len(development.classes)).argmax())
    return proportion((reported.label == commonest).astype(np.float64), reported.patient)


def trivial_words(
    found: Sequence[AgainstTrivial], best: Mapping[str, str], results: Mapping[str, ModelResult]
) -> dict[str, str]:
    """Say of each arm's best model whether it beats every rule.

    Args:
        found: What `against_trivial` returned.
        best: Arm → name of its best model.
        results: Model → its figures, for titles.

    Returns:
        Model → a sentence.
    """
    words = {}
    for arm, name in _ARMS.items():
        own = [one for one in found if best.get(arm) == one.model]
        if not own:
            continue
        title = results[best[arm]].outcome.title
        lost = [_title(one.rule, results) for one in own if not one.beaten]
        beaten = [_title(one.rule, results) for one in own]
        verb = "is not shown to beat" if lost else "beats"
        words[best[arm]] = f"The best {name} ({title}) {verb} {_listed(lost or beaten)}."
    return words


def _minus_half(auc: Estimate) -> Estimate:
    if auc.value is None:
        return auc
    low, high = (None if bound is None else bound - 0.5 for bound in (auc.low, auc.high))
    return Estimate(auc.value - 0.5, low, high, auc.method)


def _surely(difference: Estimate) -> bool:
    return difference.low is not None and difference.low > 0


def _title(rule: str, results: Mapping[str, ModelResult]) -> str:
    return "the prevalence" if rule == PREVALENCE else results[rule].outcome.title


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
