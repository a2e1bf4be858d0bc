"""What stands for each arm in the primary comparison, chosen without the reported labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from skiagram.evaluation.auc_difference import ComparedModel
from skiagram.evaluation.evaluation_record import ArmChoice, Contender
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import estimate_auc
from skiagram.evaluation.options import DeepArm
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.scores import ModelScores, align_scores
from skiagram.evaluation.stability import inner_auc, inner_auc_by_fold
from skiagram.records import Outcome, Predictions

Fold = tuple[int, int]  # repeat, outer fold
_KINDS = {
    "classical": "classical model",
    "deep": "network",
    "encoder": "frozen encoder",
    "combined": "combination",
    "either": "deep model",
}
_DEEP: dict[DeepArm, tuple[Contender, ...]] = {
    "either": ("deep", "encoder"),
    "networks": ("deep",),
    "encoders": ("encoder",),
}


@dataclass(frozen=True)
class MeasuredModel:
    """A model with its figures, and what of it is compared; None where it was not trained."""

    scores: ModelScores
    result: ModelResult
    compared: ComparedModel | None

    @property
    def name(self) -> str:
        """Its name, as its option file has it."""
        return self.result.outcome.model

    @property
    def selection_auc(self) -> float:
        """The AUC that chooses models; −1 where there is none."""
        value = self.result.selection_auc.value
        return -1.0 if value is None else value


@dataclass(frozen=True)
class SelectedArm:
    """Which models were chosen for an arm, and their scores on the reported cases.

    Attributes:
        mixture: Scores of the models of the folds, where folds chose different ones.
    """

    choice: ArmChoice
    compared: ComparedModel
    mixture: ModelScores | None = None


def select_arms(
    models: Sequence[MeasuredModel],
    setting: EvaluationSet,
    rules: Sequence[str],
    deep_arm: DeepArm,
) -> tuple[dict[str, SelectedArm], Contender]:
    """Choose what stands for each arm, and what is compared with the classical models.

    Readers and simple rules stand for none, as nobody chooses them by their figures, and
    neither does a model without scores to choose by. Where networks and frozen encoders may both
    be the contender, one is chosen as models are chosen within an arm: under `holdout` by
    out-of-fold scores, under `cv` in each outer fold by its inner folds. The folds may then differ,
    and what is compared is the procedure `either`.
    """
    eligible: dict[str, list[MeasuredModel]] = {}
    for model in models:
        arm, known = model.result.outcome.arm, model.result.selection_auc.value is not None
        if known and arm != "reader" and model.name not in rules:
            eligible.setdefault(arm, []).append(model)
    nested = setting.design == "cv"
    choose = _chosen_within_folds if nested else _chosen_once
    arms = {arm: choose(own, setting, arm) for arm, own in eligible.items()}
    there = [arm for arm in _DEEP[deep_arm] if arm in arms]
    if not there:
        present = {model.result.outcome.arm for model in models}
        return arms, next((arm for arm in _DEEP[deep_arm] if arm in present), _DEEP[deep_arm][0])
    if len(there) == 1:
        return arms, there[0]
    by_name = {model.name: model.selection_auc for model in models}
    if not nested:
        return arms, max(there, key=lambda arm: by_name[arms[arm].choice.model])
    either = _chosen_within_folds([*eligible["deep"], *eligible["encoder"]], setting, "either")
    for deep in there:
        if set(either.choice.chosen) <= {model.name for model in eligible[deep]}:
            return arms, deep
    return {**arms, "either": either}, "either"


def _chosen_once(models: Sequence[MeasuredModel], _: EvaluationSet, __: str) -> SelectedArm:
    best = max(models, key=lambda model: model.selection_auc)  # the first of equal ones
    if best.compared is None:
        raise ValueError(f"{best.name} has no scores")
    auc, selection = best.result.metrics["roc_auc"], best.result.selection_auc.value
    choice = ArmChoice(best.name, {best.name: 1}, 1, auc, selection)
    return SelectedArm(choice, best.compared)


def _chosen_within_folds(
    models: Sequence[MeasuredModel], setting: EvaluationSet, arm: str
) -> SelectedArm:
    own = [model.scores for model in models]
    chosen = choose_within_folds(own, setting.development)
    counts = Counter(chosen.values())
    order = [model.name for model in models]
    names = sorted(counts, key=lambda name: (-counts[name], order.index(name)))
    procedure, mixture = models[order.index(names[0])].compared, None
    if len(names) > 1 or procedure is None:
        mixture = compose(own, chosen, arm)
        scores = align_scores(mixture, setting.part, setting.cases)
        procedure = ComparedModel(scores, setting.cases, setting.draws)
    auc = estimate_auc(procedure.scores, setting.cases, setting.draws)
    name = mixture.outcome.model if mixture else names[0]
    predictions = (mixture or own[order.index(name)]).predictions
    selection = inner_auc(predictions, setting.development).value
    choice = ArmChoice(name, {name: counts[name] for name in names}, len(chosen), auc, selection)
    return SelectedArm(choice, procedure, mixture)


def choose_within_folds(
    models: Sequence[ModelScores], development: LabelledCases
) -> dict[Fold, str]:
    """Return, for each outer fold, the model whose inner folds gave the highest AUC.

    The choice sees the training cases of the fold alone. Choosing once by the mean over all folds
    uses every case that is reported and favours the arm with more models. Of equal models the first
    is taken, also where the inner folds of an outer fold lack a class.
    """
    inner = {
        model.outcome.model: inner_auc_by_fold(model.predictions, development) for model in models
    }
    outer: set[Fold] = {fold for folds in inner.values() for fold in folds}

    def of_fold(name: str, fold: Fold) -> float:
        value = inner[name].get(fold, np.nan)
        return value if np.isfinite(value) else -1.0

    return {fold: max(inner, key=lambda name: of_fold(name, fold)) for fold in sorted(outer)}


def compose(models: Sequence[ModelScores], chosen: Mapping[Fold, str], arm: str) -> ModelScores:
    """Return the scores of the procedure: in each outer fold those of the model chosen there."""
    parts = []
    for model in models:
        table = model.predictions.table
        own = [fold for fold, name in chosen.items() if name == model.outcome.model]
        folds = pd.MultiIndex.from_frame(table[["repeat", "fold"]])
        parts.append(table[folds.isin(own)])
    title = f"Best {_KINDS[arm]} of each fold"
    name = title.lower().replace(" ", "_")
    outcome = Outcome(name, models[0].outcome.arm, title, "finished")
    return ModelScores(outcome, Predictions(pd.concat(parts, ignore_index=True)))
