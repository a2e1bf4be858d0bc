"""What stands for each arm in the primary comparison, chosen without the test labels."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.evaluation_record import ARM_WORDS, ARMS, ArmChoice
from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.options import DeepArm, EvaluationOptions
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.scores import stack_scores
from skiagram.evaluation.stability import fold_auc, inner_auc_by_fold
from skiagram.records.predictions import FINAL, Outcome, Predictions
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import corrected_mean
from skiagram.tasks.task import Task

Fold = tuple[int, int]  # repeat, outer fold
ONCE: Fold = (0, FINAL)  # the one choice under `holdout`
# What a model is chosen by, higher is better, from labels of the development set alone: under `cv`
# of the training cases of each outer fold, NaN where there is none, else once. Empty for a model
# that cannot be chosen.
SelectionFigures = Mapping[Fold, float]
_LEAD = 0.05  # of selection AUC over a preferred model of an arm that is not compared
_DEEP: dict[DeepArm, tuple[str, ...]] = {
    "either": ("deep", "encoder"),
    "networks": ("deep",),
    "encoders": ("encoder",),
}


def mean_of_finite(values: Iterable[float]) -> float | None:
    """Compute the mean of those values that are finite; None without any.

    A fold that lacks a class has no figure; the others say what there is to say.
    """
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else None


@dataclass
class MeasuredModel:
    """A model with its figures, and what of it is compared; None where it was not trained.

    Attributes:
        chosen_by: What it may be chosen by.
        name: As its config has it.
        arm: Which it belongs to.
        worth: Mean of what it is chosen by; −∞ where there is none.
    """

    predictions: Predictions
    result: ModelResult
    compared: ComparedModel | None
    chosen_by: SelectionFigures

    def __post_init__(self) -> None:
        """Name it, and put one number on what it may be chosen by."""
        self.name, self.arm = self.result.outcome.model, self.result.outcome.arm
        value = mean_of_finite(self.chosen_by.values())
        self.worth = -np.inf if value is None else value


@dataclass(frozen=True)
class SelectedArm:
    """Which models were chosen for an arm, and their scores on the test cases.

    Attributes:
        selection: Figure by which they were chosen, higher is better; None where nobody chose.
        mixture: Predictions of the models of the folds, where folds chose different ones.
        of_folds: Outer fold → model chosen there.
    """

    choice: ArmChoice
    compared: ComparedModel
    selection: float | None = None
    mixture: Predictions | None = None
    of_folds: Mapping[Fold, str] = field(default_factory=dict)

    def called(self, further: str) -> "SelectedArm":
        """Return what stands for the arm; a mixture has these further words in its name."""
        if self.mixture is None:
            return self
        outcome = self.mixture.outcome
        name, title = f"{outcome.model}_{further.replace(' ', '_')}", f"{outcome.title} {further}"
        mixture = replace(self.mixture, outcome=replace(outcome, model=name, title=title))
        return replace(self, choice=replace(self.choice, model=name), mixture=mixture)


@dataclass
class MeasuredRun:
    """The measured models and what stands for each arm: all that an analysis of a run starts from.

    Attributes:
        setting: The cases.
        models: In the order of params.yaml.
        mixtures: What stands for an arm whose folds chose different models, measured as a model is.
        contender: What is held against the classical models, a key of `arms` where it could be
            scored.
        task: What is predicted.
        margin: Smallest difference in the primary figure that counts as worthwhile, in its unit.
        standing: Arm → what stands for it.
        pair: The same of the contender and the classical arm; empty where one of them is missing.
        compared: Model → what of it is compared, of those that were trained.
        simple_baselines: The same of these.
    """

    setting: EvaluationSet
    models: tuple[MeasuredModel, ...]
    arms: Mapping[str, SelectedArm]
    contender: str
    options: EvaluationOptions
    mixtures: tuple[MeasuredModel, ...] = ()

    def __post_init__(self) -> None:
        """Pick out what analyses ask for by name."""
        self.task = self.setting.task
        self.margin = self.options.margin * self.task.predicted.margin_unit
        # What stands for arms; two of them are the primary comparison.
        standing = {arm: selected.compared for arm, selected in self.arms.items()}
        named = (self.contender, "classical")
        self.standing = standing
        self.pair = {arm: standing[arm] for arm in named} if standing.keys() >= {*named} else {}
        # Single models; a simple baseline that was not trained is held against nothing.
        compared = {model.name: model.compared for model in self.models if model.compared}
        baselines = name_simple_baselines(self.options, self.task)
        self.compared = compared
        self.simple_baselines = {name: compared[name] for name in baselines if name in compared}

    @cached_property
    def baselines_and_chance(self) -> dict[str, ComparedModel]:
        """The simple baselines, and chance where no figure of it is known and none was trained.

        An outcome such as a number has no figure of chance by itself: a model that says the same of
        all cases stands for it.
        """
        baselines, chance_model = self.simple_baselines, self.task.predicted.chance_model
        first = next(iter(self.compared.values()), None)
        if not chance_model or chance_model in baselines or first is None:
            return baselines
        return baselines | {chance_model: first.without_features(self.setting)}


def name_simple_baselines(options: EvaluationOptions, task: Task) -> tuple[str, ...]:
    """List the models that stand for simple baselines, in the run or not: those asked for first."""
    usual = task.predicted.simple_baselines
    return tuple(dict.fromkeys((*options.analyses.simple_rules, *usual.values())))


def list_arms(arms: Mapping[str, SelectedArm], task: Task) -> Iterator[FigureRow]:
    """Yield the primary figure of what stands for each arm, and that by which it was chosen.

    The latter is of the development set alone; as it was kept higher for better, an error gets its
    sign back.
    """
    for arm, selected in arms.items():
        yield make_row(selected.compared.estimate(), ARMS, task.predicted.primary, model=arm)
        value = selected.selection
        natural = None if value is None else task.predicted.direct(value)
        yield make_row(Estimate(natural), ARMS, task.predicted.selection, model=arm)


def list_choices(
    model: Predictions, setting: EvaluationSet
) -> Iterator[tuple[Fold, LabelledCases, ComparedModel]]:
    """Yield each choice that a model takes part in: its cases, and the model on them.

    Under `cv` the cases of a choice are the training cases of an outer fold, as its inner folds
    scored them; else they are all of the development set, by out-of-fold scores.
    """
    if setting.task.design == "holdout":
        yield ONCE, setting.development, ComparedModel.out_of_fold(setting, model)
        return
    predicted = setting.task.predicted
    for fold, rows in model.by_fold("inner"):
        where = f"inner scores of {model.outcome.model}, repeat and fold {fold}"
        cases = setting.development.of(rows["case_id"].tolist(), where)
        patient = np.unique(cases.patient, return_inverse=True)[1].astype(np.int64)
        numbered = replace(cases, patient=patient)
        scored = stack_scores([rows], numbered, predicted, "inner_fold")
        yield fold, numbered, ComparedModel(predicted, scored)


def find_selection_figures(
    model: Predictions, setting: EvaluationSet
) -> tuple[SelectionFigures, Estimate]:
    """Find the primary figures of the development set that choose a model, and what is shown.

    Of classes it is the mean over folds of the AUC of the cases that a fold held out, of other
    outcomes the figure of all held-out scores; under `cv` both are the mean over outer folds of
    those of their inner folds.
    """
    predicted, development = setting.task.predicted, setting.development
    method, reason = "", "no held-out scores define it"
    if not predicted.averages_folds:
        # A measured outcome's figure of each choice, such that more is better.
        figures: SelectionFigures = {
            fold: predicted.direct(compared.figure.value)
            for fold, _, compared in list_choices(model, setting)
        }
    elif setting.task.design == "cv":
        figures = inner_auc_by_fold(model, development)
        # A mean over classes: the AUC of each inner fold.
        method = "mean over the inner folds of each outer fold"
        reason = "no inner fold has scores of every class"
    else:
        folds = fold_auc(model, development)
        shown = corrected_mean(folds.held_out, folds.ratio, 0.0)
        return {} if shown.value is None else {ONCE: shown.value}, shown
    # A model without a defined figure cannot be chosen.
    mean = mean_of_finite(figures.values())
    if mean is None:
        return figures, Estimate(None, reason=reason)
    return figures, Estimate(predicted.direct(mean), method=method)


def select_arms(
    models: Sequence[MeasuredModel],
    figures: Mapping[str, SelectionFigures],
    setting: EvaluationSet,
    options: EvaluationOptions,
) -> tuple[dict[str, SelectedArm], str]:
    """Choose what stands for each arm, and what is compared with the classical models.

    Readers and simple baselines stand for none, as nobody chooses them by their figures, and
    neither does a model without a figure to choose by. Where networks and frozen encoders may both
    be the contender, one is chosen as models are chosen within an arm: under `holdout` by
    out-of-fold scores, under `cv` in each outer fold by its inner folds. The folds may then differ,
    and what is compared is the procedure `either`.

    Args:
        figures: Model → what it is chosen by.
        options: Whose `deep_arm` and `preferred` count.
    """
    deep_arms = _DEEP[options.deep_arm]
    # Readers and simple baselines never stand for an arm.
    baselines = name_simple_baselines(options, setting.task)
    eligible: dict[str, list[MeasuredModel]] = {}
    for model in models:
        is_chosen = model.arm != "reader" and model.name not in baselines
        if is_chosen and mean_of_finite(figures[model.name].values()) is not None:
            eligible.setdefault(model.arm, []).append(model)
    # An arm is compared where both it and the classical arm have an eligible model.
    contenders = [arm for arm in deep_arms if arm in eligible]
    compared = {*contenders, "classical"} if contenders and "classical" in eligible else set()
    arms = {}
    for arm, members in eligible.items():
        # What is preferred has a lead over the others of its arm, where no arm is held against it:
        # the lead may be larger than the margin.
        preferred = {model.name for model in members} & {*options.preferred}
        may_lead = not setting.task.predicted.has_value and arm not in compared
        arms[arm] = _choose(members, figures, setting, arm, preferred if may_lead else set())
    # No deep arm can be compared: one that was tried is named all the same.
    if not contenders:
        trained = [arm for arm in deep_arms if any(model.arm == arm for model in models)]
        return arms, (*trained, *deep_arms)[0]
    # Where both deep arms stand, the better by development figures is compared.
    if len(contenders) > 1:
        either = _choose([*eligible["deep"], *eligible["encoder"]], figures, setting, "either")
        # If every fold chose models of one arm, that arm itself is what is compared.
        chosen_arms = {model.arm for model in models if model.name in either.choice.chosen}
        if len(chosen_arms) > 1:
            return {**arms, "either": either}, "either"
        return arms, chosen_arms.pop()
    return arms, contenders[0]


def _choose(
    models: Sequence[MeasuredModel],
    figures: Mapping[str, SelectionFigures],
    setting: EvaluationSet,
    arm: str,
    preferred: Collection[str] = (),
) -> SelectedArm:
    """Choose among models, under `cv` in each outer fold; those preferred have a lead."""
    order = [model.name for model in models]
    chosen = choose_within_folds({name: figures[name] for name in order}, preferred)
    counts = Counter(chosen.values())
    names = sorted(counts, key=lambda name: (-counts[name], order.index(name)))
    compared, mixture = models[order.index(names[0])].compared, None
    if compared is None:
        raise ValueError(f"{names[0]} has no scores")
    if len(names) > 1:
        mixture = compose([model.predictions for model in models], chosen, arm)
        compared = compared.on(setting, mixture)
    name = mixture.outcome.model if mixture else names[0]
    choice = ArmChoice(name, {name: counts[name] for name in names}, len(chosen))
    return SelectedArm(choice, compared, mean_of_chosen(figures, chosen), mixture, chosen)


def choose_within_folds(
    figures: Mapping[str, SelectionFigures], preferred: Collection[str] = ()
) -> dict[Fold, str]:
    """Return, for each outer fold, the model whose inner folds gave the highest figure.

    The choice sees the training cases of the fold alone. Choosing once by the mean over all folds
    uses every case that is reported and favours the arm with more models. Of equal models the first
    is taken, also where the inner folds of an outer fold lack a class.

    Args:
        preferred: Models of which others must be ahead by more than a lead.
    """

    def worth(name: str, fold: Fold) -> float:
        value = figures[name].get(fold, np.nan)
        lead = _LEAD if preferred and name not in preferred else 0.0
        return value - lead if np.isfinite(value) else -np.inf

    outer: set[Fold] = {fold for each in figures.values() for fold in each}
    return {fold: max(figures, key=lambda name: worth(name, fold)) for fold in sorted(outer)}


def mean_of_chosen(
    figures: Mapping[str, SelectionFigures], chosen: Mapping[Fold, str]
) -> float | None:
    """Compute the mean over outer folds of the figure of the model chosen there.

    Args:
        figures: Model → fold → figure, higher is better.
        chosen: Outer fold → model.
    """
    return mean_of_finite(figures[name].get(fold, np.nan) for fold, name in chosen.items())


def compose(models: Sequence[Predictions], chosen: Mapping[Fold, str], arm: str) -> Predictions:
    """Put together the procedure's predictions: in each outer fold those of the model chosen there.

    Args:
        models: Among which was chosen.
        chosen: Outer fold → model.
        arm: Whose procedure it is, a key of `ARM_WORDS`.
    """
    parts = []
    for model in models:
        table = model.table
        folds_of_model = [fold for fold, name in chosen.items() if name == model.outcome.model]
        folds = pd.MultiIndex.from_frame(table[["repeat", "fold"]])
        parts.append(table[folds.isin(folds_of_model)])
    title = f"Best {ARM_WORDS[arm]} of each fold"
    name = title.lower().replace(" ", "_")
    outcome = Outcome(name, models[0].outcome.arm, title, "finished")
    return Predictions(outcome, pd.concat(parts, ignore_index=True))
