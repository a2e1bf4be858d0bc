"""What stands for each arm in the primary comparison, chosen without the test labels."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from skiagram.arrays import Texts
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.evaluation_record import ARM_WORDS, ARMS, ArmChoice
from skiagram.evaluation.evaluation_set import CaseTraits, EvaluationSet
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.evaluation.options import DeepArm, EvaluationOptions
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.scores import stack_scores
from skiagram.evaluation.stability import fold_auc, inner_auc_by_fold
from skiagram.records.predictions import Outcome, Predictions
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import corrected_mean
from skiagram.tasks.task import Task

Fold = tuple[int, int]  # repeat, outer fold
_LEAD = 0.05  # of selection AUC over a preferred model of an arm that is not compared
_DEEP: dict[DeepArm, tuple[str, ...]] = {
    "either": ("deep", "encoder"),
    "networks": ("deep",),
    "encoders": ("encoder",),
}


@dataclass(frozen=True)
class SelectionFigure:
    """What a model is chosen by, higher is better, from labels of the development set alone.

    Attributes:
        value: Of all of them; None for a model that cannot be chosen.
        of_folds: Under `cv`, of the training cases of each outer fold; NaN where there is none.
    """

    value: float | None
    of_folds: Mapping[Fold, float] = field(default_factory=dict)

    @classmethod
    def over_folds(cls, fold_figures: Mapping[Fold, float]) -> "SelectionFigure":
        """Return the figures of outer folds, and their mean over those that have one."""
        return cls(mean_of_finite(fold_figures.values()), fold_figures)

    def less(self, lead: float) -> "SelectionFigure":
        """Return the same figures, each lower by a lead that another model has."""
        fold_figures = {fold: value - lead for fold, value in self.of_folds.items()}
        return SelectionFigure(None if self.value is None else self.value - lead, fold_figures)

    @property
    def worth(self) -> float:
        """The figure of all; −∞ where there is none."""
        return -np.inf if self.value is None or not np.isfinite(self.value) else self.value

    def in_fold(self, fold: Fold) -> float:
        """Return the figure of an outer fold; −∞ where there is none."""
        value = self.of_folds.get(fold, -np.inf)
        return value if np.isfinite(value) else -np.inf


def mean_of_finite(values: Iterable[float]) -> float | None:
    """Return the mean of those values that are finite; None without any."""
    finite = [value for value in values if np.isfinite(value)]
    return float(np.mean(finite)) if finite else None


@dataclass(frozen=True)
class MeasuredModel:
    """A model with its figures, and what of it is compared; None where it was not trained.

    Attributes:
        chosen_by: What it may be chosen by.
    """

    predictions: Predictions
    result: ModelResult
    compared: ComparedModel | None
    chosen_by: SelectionFigure

    @property
    def name(self) -> str:
        """Its name, as its config has it."""
        return self.result.outcome.model

    @property
    def arm(self) -> str:
        """Which arm it belongs to."""
        return self.result.outcome.arm


@dataclass(frozen=True)
class SelectedArm:
    """Which models were chosen for an arm, and their scores on the test cases.

    Attributes:
        selection: Figure by which they were chosen, higher is better; None where nobody chose.
        mixture: Predictions of the models of the folds, where folds chose different ones.
        of_folds: Outer fold → model chosen there; empty under `holdout`.
    """

    choice: ArmChoice
    compared: ComparedModel
    selection: float | None = None
    mixture: Predictions | None = None
    of_folds: Mapping[Fold, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MeasuredRun:
    """The measured models and what stands for each arm: all that an analysis of a run starts from.

    Attributes:
        setting: The cases.
        models: In the order of params.yaml.
        mixtures: What stands for an arm whose folds chose different models, measured as a model is.
        contender: What is held against the classical models, a key of `arms` where it could be
            scored.
        site_column: Column of the sites that models had not seen; empty where there is none.
        site: (n,) site of each test case; empty likewise.
        traits: What may tell the test set from the development set; None does not ask.
    """

    setting: EvaluationSet
    models: tuple[MeasuredModel, ...]
    arms: Mapping[str, SelectedArm]
    contender: str
    options: EvaluationOptions
    mixtures: tuple[MeasuredModel, ...] = ()
    site_column: str = ""
    site: Texts = field(default_factory=lambda: np.empty(0, dtype=np.str_))
    traits: CaseTraits | None = None

    @property
    def task(self) -> Task:
        """What is predicted."""
        return self.setting.task

    @property
    def margin(self) -> float:
        """The smallest difference in the primary figure that counts as worthwhile."""
        return self.options.margin * self.task.predicted.margin_unit

    @property
    def pair(self) -> dict[str, SelectedArm]:
        """The contender and the classical arm; empty where one is missing."""
        both = {arm: self.arms[arm] for arm in (self.contender, "classical") if arm in self.arms}
        return both if len(both) == 2 else {}

    @property
    def compared(self) -> dict[str, ComparedModel]:
        """Model → what of it is compared, of those that were trained."""
        return {model.name: model.compared for model in self.models if model.compared}

    @property
    def rules(self) -> dict[str, ComparedModel]:
        """The same of the simple baselines."""
        compared = self.compared
        named = name_rules(self.options, self.task)
        return {name: compared[name] for name in named if name in compared}

    @cached_property
    def rivals(self) -> dict[str, ComparedModel]:
        """The simple baselines, and chance where no figure of it is known and none was trained."""
        rules, chance_rule = self.rules, self.task.predicted.chance_rule
        first = next(iter(self.compared.values()), None)
        if not chance_rule or chance_rule in rules or first is None:
            return rules
        return rules | {chance_rule: first.without_features(self.setting)}


def name_rules(options: EvaluationOptions, task: Task) -> tuple[str, ...]:
    """Return the models that stand for simple baselines, in the run or not."""
    return tuple(dict.fromkeys((*options.analyses.simple_rules, *task.rules)))


def list_arms(arms: Mapping[str, SelectedArm], task: Task) -> Iterator[FigureRow]:
    """Yield the primary figure of what stands for each arm, and that by which it was chosen."""
    for arm, selected in arms.items():
        yield make_row(selected.compared.estimate(), ARMS, task.predicted.primary, model=arm)
        value = selected.selection
        natural = None if value is None else task.predicted.direct(value)
        yield make_row(Estimate(natural), ARMS, task.predicted.selection, model=arm)


def find_selection_figure(
    model: Predictions, compared: ComparedModel, setting: EvaluationSet
) -> tuple[SelectionFigure, Estimate]:
    """Find the primary figure of the development set that chooses a model, and as it is shown.

    Of classes it is the mean over folds of the AUC of the cases that a fold held out, of other
    outcomes the figure of all held-out scores; under `cv` both are the mean over outer folds of
    those of their inner folds.
    """
    task, development = setting.task, setting.development
    if task.design == "cv":
        if task.predicted.averages_folds:
            figure = SelectionFigure.over_folds(inner_auc_by_fold(model, development))
            # A mean over classes or findings: the AUC of each inner fold.
            method = "mean over the inner folds of each outer fold"
            reason = "no inner fold has scores of every class"
        else:
            # Of each outer fold, a measured outcome's figure within it, such that more is better.
            fold_figures: dict[Fold, float] = {}
            for fold, rows in model.by_fold("inner"):
                where = f"inner scores of {model.outcome.model}, repeat and fold {fold}"
                cases = development.of(rows["case_id"].tolist(), where)
                patient = np.unique(cases.patient, return_inverse=True)[1].astype(np.int64)
                numbered = replace(cases, patient=patient)
                scored = stack_scores([rows], numbered, task.predicted, "inner_fold")
                measured = task.predicted.measure_primary(scored).value
                fold_figures[fold] = task.predicted.direct(measured)
            figure = SelectionFigure.over_folds(fold_figures)
            method, reason = "", "no inner fold defines it"
        # A model without a defined figure cannot be chosen.
        if figure.value is None:
            return figure, Estimate(None, reason=reason)
        return figure, Estimate(task.predicted.direct(figure.value), method=method)
    # Under `holdout`: the folds of the development set.
    if task.predicted.averages_folds:
        folds = fold_auc(model, development)
        shown = corrected_mean(folds.held_out, folds.ratio, 0.0, 1.0)
        return SelectionFigure(shown.value), shown
    value = compared.out_of_fold(setting, model).figure.value
    return SelectionFigure(task.predicted.direct(value)), Estimate(value)


def select_arms(
    models: Sequence[MeasuredModel],
    figures: Mapping[str, SelectionFigure],
    setting: EvaluationSet,
    rules: Sequence[str],
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
    deep_arm = options.deep_arm
    # Readers and simple rules never stand for an arm.
    eligible: dict[str, list[MeasuredModel]] = {}
    for model in models:
        is_chosen = model.arm != "reader" and model.name not in rules
        if is_chosen and figures[model.name].value is not None:
            eligible.setdefault(model.arm, []).append(model)
    # An arm is compared where both it and the classical arm have an eligible model.
    contenders = [arm for arm in _DEEP[deep_arm] if arm in eligible]
    compared = {*contenders, "classical"} if contenders and "classical" in eligible else set()
    arms = {}
    for arm, members in eligible.items():
        # What is preferred has a lead over the others of its arm, where no arm is held against it:
        # the lead may be larger than the margin.
        preferred = [model.name for model in members if model.name in options.preferred]
        ranked = dict(figures)
        if preferred and not setting.task.predicted.has_value and arm not in compared:
            ranked |= {
                model.name: figures[model.name].less(_LEAD)
                for model in members
                if model.name not in preferred
            }
        if setting.task.design == "cv":
            arms[arm] = _chosen_within_folds(members, figures, setting, arm, ranked)
            continue
        # The best of all folds, of equal ones the first.
        best = max(members, key=lambda model: ranked[model.name].worth)
        choice = ArmChoice(best.name, {best.name: 1}, 1)
        arms[arm] = SelectedArm(choice, _require_scores(best), figures[best.name].value)
    # No deep arm can be compared: one that was tried is named all the same.
    if not contenders:
        trained = [arm for arm in _DEEP[deep_arm] if any(model.arm == arm for model in models)]
        return arms, (*trained, *_DEEP[deep_arm])[0]
    if len(contenders) == 1:
        return arms, contenders[0]
    # Where both deep arms stand, the better by development figures is compared.
    if setting.task.design == "holdout":
        return arms, max(contenders, key=lambda arm: figures[arms[arm].choice.model].worth)
    either = _chosen_within_folds(
        [*eligible["deep"], *eligible["encoder"]], figures, setting, "either"
    )
    # If every fold chose models of one arm, that arm itself is what is compared.
    for arm in contenders:
        if set(either.choice.chosen) <= {model.name for model in eligible[arm]}:
            return arms, arm
    return {**arms, "either": either}, "either"


def _chosen_within_folds(
    models: Sequence[MeasuredModel],
    figures: Mapping[str, SelectionFigure],
    setting: EvaluationSet,
    arm: str,
    ranked: Mapping[str, SelectionFigure] | None = None,
) -> SelectedArm:
    """Choose in each outer fold by `ranked`, or where it is None by the figures themselves."""
    ranked = ranked or figures
    chosen = choose_within_folds({model.name: ranked[model.name] for model in models})
    counts = Counter(chosen.values())
    order = [model.name for model in models]
    names = sorted(counts, key=lambda name: (-counts[name], order.index(name)))
    compared, mixture = _require_scores(models[order.index(names[0])]), None
    if len(names) > 1:
        mixture = compose([model.predictions for model in models], chosen, arm)
        compared = compared.on(setting, mixture)
    name = mixture.outcome.model if mixture else names[0]
    choice = ArmChoice(name, {name: counts[name] for name in names}, len(chosen))
    return SelectedArm(choice, compared, mean_of_chosen(figures, chosen), mixture, chosen)


def _require_scores(model: MeasuredModel) -> ComparedModel:
    if model.compared is None:
        raise ValueError(f"{model.name} has no scores")
    return model.compared


def choose_within_folds(figures: Mapping[str, SelectionFigure]) -> dict[Fold, str]:
    """Return, for each outer fold, the model whose inner folds gave the highest figure.

    The choice sees the training cases of the fold alone. Choosing once by the mean over all folds
    uses every case that is reported and favours the arm with more models. Of equal models the first
    is taken, also where the inner folds of an outer fold lack a class.
    """
    outer: set[Fold] = {fold for figure in figures.values() for fold in figure.of_folds}
    return {
        fold: max(figures, key=lambda name: figures[name].in_fold(fold)) for fold in sorted(outer)
    }


def mean_of_chosen(
    figures: Mapping[str, SelectionFigure], chosen: Mapping[Fold, str]
) -> float | None:
    """Return the mean over outer folds of the figure of the model chosen there."""
    return mean_of_finite(figures[name].in_fold(fold) for fold, name in chosen.items())


def compose(models: Sequence[Predictions], chosen: Mapping[Fold, str], arm: str) -> Predictions:
    """Return the procedure's predictions: in each outer fold those of the model chosen there."""
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
