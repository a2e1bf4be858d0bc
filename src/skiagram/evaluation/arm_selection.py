"""What stands for each arm in the primary comparison, chosen without the reported labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from skiagram.evaluation.auc_difference import ComparedModel
from skiagram.evaluation.estimation import estimate_auc
from skiagram.evaluation.evaluation_record import ArmChoice, Contender
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.options import DeepArm
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.scores import ModelScores, align_scores
from skiagram.evaluation.stability import inner_auc_by_fold
from skiagram.records import Predictions

Fold = tuple[int, int]  # repeat, outer fold


@dataclass(frozen=True)
class SelectedArm:
    """An arm's choice and what of it is compared.

    Attributes:
        choice: Which models were chosen.
        compared: Their scores on the reported cases.
    """

    choice: ArmChoice
    compared: ComparedModel


def select_arms(
    models: Sequence[ModelScores],
    results: Mapping[str, ModelResult],
    compared: Mapping[str, ComparedModel],
    setting: EvaluationSet,
    baselines: Sequence[str],
) -> dict[str, SelectedArm]:
    """Choose what stands for each arm.

    Readers and reference baselines stand for none, as nobody chooses them by their figures, and
    neither does a model without scores to choose by.

    Args:
        models: All models, in the order of the report.
        results: Model → its figures.
        compared: Model that was trained → what of it is compared.
        setting: What the models are measured against.
        baselines: Names of reference baselines.
    """
    arms = _eligible(models, results, baselines)
    if setting.design == "cv":
        return {arm: _chosen_within_folds(own, compared, setting) for arm, own in arms.items()}
    best = {arm: _best_of(own, results) for arm, own in arms.items()}
    return {
        arm: SelectedArm(
            ArmChoice(name, {name: 1}, 1, results[name].metrics["roc_auc"]), compared[name]
        )
        for arm, name in best.items()
    }


def _eligible(
    models: Sequence[ModelScores], results: Mapping[str, ModelResult], baselines: Sequence[str]
) -> dict[str, list[ModelScores]]:
    """Return arm → the models that may stand for it."""
    arms: dict[str, list[ModelScores]] = {}
    for model in models:
        name, arm = model.outcome.model, model.outcome.arm
        known = results[name].selection_auc.value is not None
        if known and arm != "reader" and name not in baselines:
            arms.setdefault(arm, []).append(model)
    return arms


_DEEP: dict[DeepArm, tuple[Contender, ...]] = {
    "either": ("deep", "encoder"),
    "networks": ("deep",),
    "encoders": ("encoder",),
}


def select_contender(
    arms: Mapping[str, SelectedArm],
    models: Sequence[ModelScores],
    results: Mapping[str, ModelResult],
    compared: Mapping[str, ComparedModel],
    setting: EvaluationSet,
    baselines: Sequence[str],
    deep_arm: DeepArm,
) -> tuple[Contender, SelectedArm | None]:
    """Choose what is compared with the classical models: networks or frozen encoders.

    Where both may stand, one is chosen as models are chosen within an arm: under `holdout` by
    out-of-fold scores, under `cv` in each outer fold by its inner folds. The folds may then differ,
    and what is compared is the procedure `either`.

    Args:
        arms: Arm → what stands for it.
        models: All models, in the order of the report.
        results: Model → its figures.
        compared: Model that was trained → what of it is compared.
        setting: What the models are measured against.
        baselines: Names of reference baselines.
        deep_arm: Which of the two may stand.

    Returns:
        Its name and what stands for it; None where nothing does.
    """
    there = [arm for arm in _DEEP[deep_arm] if arm in arms]
    if not there:
        present = {model.outcome.arm for model in models}
        return next((arm for arm in _DEEP[deep_arm] if arm in present), _DEEP[deep_arm][0]), None
    if len(there) == 1:
        return there[0], arms[there[0]]
    if setting.design == "holdout":
        best = max(there, key=lambda arm: results[arms[arm].choice.model].selection_auc.value or 0)
        return best, arms[best]
    eligible = _eligible(models, results, baselines)
    either = _chosen_within_folds([*eligible["deep"], *eligible["encoder"]], compared, setting)
    for arm in there:
        own = {model.outcome.model for model in eligible[arm]}
        if set(either.choice.chosen) <= own:
            return arm, arms[arm]
    return "either", either


def _best_of(models: Sequence[ModelScores], results: Mapping[str, ModelResult]) -> str:
    """Return the name of the model with the highest out-of-fold AUC, the first of equal ones."""
    names = [model.outcome.model for model in models]
    return max(names, key=lambda name: results[name].selection_auc.value or 0.0)


def _chosen_within_folds(
    models: Sequence[ModelScores], compared: Mapping[str, ComparedModel], setting: EvaluationSet
) -> SelectedArm:
    chosen = choose_within_folds(models, setting.development)
    counts = Counter(chosen.values())
    order = [model.outcome.model for model in models]
    names = sorted(counts, key=lambda name: (-counts[name], order.index(name)))
    procedure = compared[names[0]]
    if len(names) > 1:
        joined = compose(models, chosen)
        scores = align_scores(joined, setting.part, setting.cases, pooled=True)
        procedure = ComparedModel(scores, setting.cases, setting.draws)
    choice = ArmChoice(
        names[0],
        {name: counts[name] for name in names},
        len(chosen),
        estimate_auc(procedure.scores, setting.cases, setting.draws),
    )
    return SelectedArm(choice, procedure)


def choose_within_folds(
    models: Sequence[ModelScores], development: LabelledCases
) -> dict[Fold, str]:
    """Return, for each outer fold, the model whose inner folds gave the highest AUC.

    The choice sees the training cases of the fold alone. Choosing once by the mean over all folds
    uses every case that is reported and favours the arm with more models. Of equal models the first
    is taken, also where the inner folds of an outer fold lack a class.

    Args:
        models: The models of one arm.
        development: The cases and their labels.
    """
    inner = {
        model.outcome.model: inner_auc_by_fold(model.predictions, development) for model in models
    }
    outer: set[Fold] = {fold for folds in inner.values() for fold in folds}

    def of_fold(name: str, fold: Fold) -> float:
        value = inner[name].get(fold, np.nan)
        return value if np.isfinite(value) else -1.0

    return {fold: max(inner, key=lambda name: of_fold(name, fold)) for fold in sorted(outer)}


def compose(models: Sequence[ModelScores], chosen: Mapping[Fold, str]) -> ModelScores:
    """Return the scores of the procedure: in each outer fold those of the model chosen there.

    Args:
        models: The models of one arm.
        chosen: (repeat, outer fold) → model.
    """
    parts = []
    for model in models:
        table = model.predictions.table
        own = [fold for fold, name in chosen.items() if name == model.outcome.model]
        folds = pd.MultiIndex.from_frame(table[["repeat", "fold"]])
        parts.append(table[folds.isin(own)])
    first = models[0].outcome
    outcome = replace(first, model=f"{first.arm} models chosen within folds")
    return ModelScores(outcome, Predictions(pd.concat(parts, ignore_index=True)))
