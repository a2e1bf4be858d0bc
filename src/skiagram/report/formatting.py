"""Numbers and words as the pages print them, and the order in which they show the models."""

import math
from collections.abc import Sequence

from skiagram.evaluation.criteria import is_nothing_of_use
from skiagram.evaluation.evaluation_record import ARM_WORDS, VERSUS_CHANCE, Evaluation
from skiagram.evaluation.figure_table import FigureRow
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.sentences import read_sentences, say
from skiagram.evaluation.verdict import count_choices
from skiagram.statistics.estimate import (
    MISSING,
    format_decimal,
    round_half_up,
)
from skiagram.tasks.task import Task

_SPACE = "\N{NO-BREAK SPACE}"

ARM_TITLES = {
    "classical": "Classical features",
    "encoder": "Frozen encoders",
    "deep": "Deep networks",
    "combined": "Combinations",
    "reader": "Readers and devices",
}


def format_count(value: float | None) -> str:
    """Format a count, for example `93,322`; a mean count keeps one decimal."""
    if value is None:
        return MISSING
    return format_decimal(value, 0 if float(value).is_integer() else 1)


def format_percent(value: float | None) -> str:
    """Format a share as whole per cent that no line breaks, `87 %`; `< 1 %` is not none."""
    if value is None or math.isnan(value):
        return MISSING
    whole = round_half_up(100 * value)
    if whole == 0 and value > 0:
        return f"<{_SPACE}1{_SPACE}%"
    return f">{_SPACE}99{_SPACE}%" if whole == 100 and value < 1 else f"{whole}{_SPACE}%"


def format_share(value: float | None) -> str:
    """Format a share in percent, with a decimal where it has one."""
    return MISSING if value is None else f"{format_decimal(100 * value, 1).removesuffix('.0')} %"


def group_by_arm(evaluation: Evaluation) -> list[tuple[str, list[ModelResult]]]:
    """List (arm, its models) for every arm that has models, in the order of `ARM_TITLES`."""
    groups: dict[str, list[ModelResult]] = {arm: [] for arm in ARM_TITLES}
    for model in evaluation.every:
        groups[model.outcome.arm].append(model)
    return [(arm, models) for arm, models in groups.items() if models]


def title_of_arm(evaluation: Evaluation, arm: str) -> str:
    """Return what an arm is called; a column of scores has its own name."""
    return arm if evaluation.compared else ARM_TITLES[arm]


def is_best(evaluation: Evaluation, model: ModelResult) -> bool:
    """Tell whether the model was chosen for its arm on out-of-fold scores."""
    return evaluation.best.get(model.outcome.arm) == model.outcome.model


def name_chance(evaluation: Evaluation) -> str:
    """Say what chance is called, and its value where it is fixed."""
    predicted = evaluation.task.predicted
    if predicted.chance is None:
        return evaluation.titles.get(predicted.chance_model, "Chance")
    return f"{predicted.chance_title} ({predicted.figure_words} {predicted.chance:g})"


def name_arms(evaluation: Evaluation, *, is_primary: bool) -> dict[str, str]:
    """Return arm → what stands for it in the primary comparison, or in others with its kind.

    Where folds chose different models, it is said which in how many.
    """
    names = {}
    for arm, choice in evaluation.arms.items():
        title, kind = evaluation.titles[choice.model], ARM_WORDS[arm]
        if arm == evaluation.contender and is_primary:
            kind = evaluation.contender_words
        elif arm == "deep":
            kind = "trained network"
        names[arm] = title if is_primary else f"{title}, {kind}"
        if len(choice.chosen) > 1:
            counted = count_choices(evaluation, choice.chosen)
            names[arm] = f"Best {kind} of each fold ({counted})"
    return names


def finished_models(evaluation: Evaluation) -> list[ModelResult]:
    """List the models that were trained, arm by arm, mixtures among them."""
    return [
        model
        for _, models in group_by_arm(evaluation)
        for model in models
        if model.outcome.status == "finished"
    ]


def best_models(evaluation: Evaluation) -> list[ModelResult]:
    """Return the trained models that were chosen for their arm, arm by arm."""
    return [model for model in finished_models(evaluation) if is_best(evaluation, model)]


def name_class(task: Task, label: int) -> str:
    """Return a class as sentences call it; a number such as 1 stands in quotes."""
    name = task.predicted.classes[label]
    return name if any(map(str.isalpha, name)) else f"“{name}”"


def list_simple_baselines(
    evaluation: Evaluation, differences: Sequence[FigureRow] | None = None
) -> list[ModelResult]:
    """List the simple baselines of the run, chance among them, that stand for no arm.

    Args:
        differences: From those that are listed; None for all.
    """
    rows = evaluation.simple_baselines if differences is None else differences
    chance = evaluation.task.predicted.chance_model
    names = {chance if row.versus == VERSUS_CHANCE else row.versus for row in rows}
    return [
        model
        for model in evaluation.models
        if model.outcome.model in names and not is_best(evaluation, model)
    ]


def design_words(evaluation: Evaluation) -> dict[str, str]:
    """Find the words for what an evaluation reports, by its design.

    Another cohort is no sealed test set: its words take the place of those of the design.
    """
    groups = [f"design_{evaluation.task.design}."]
    groups += ["design_external."] if evaluation.is_external else []
    return {
        key.removeprefix(group): words
        for group in groups
        for key, words in read_sentences().items()
        if key.startswith(group)
    }


def warn_at_chance(evaluation: Evaluation) -> str:
    """Return what stands above figures where no model is shown to beat chance; else nothing."""
    return say("answer.at_chance") if is_nothing_of_use(evaluation) else ""


def metric_heading(name: str, task: Task) -> str:
    """Return the title of a metric as a heading; it says where it is a mean over classes.

    Args:
        name: The figure, with the horizon or the like that it is of after a space.
    """
    figure, _, group = name.partition(" ")
    return task.predicted.head_figure(figure, group)
