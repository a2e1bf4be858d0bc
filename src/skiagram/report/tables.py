"""The tables of models, as cells of text with notes; the template only lays them out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.arms import TITLES, by_arm, is_best
from skiagram.report.numbers import MISSING, count, decimal, interval, signed

_METRICS = {
    "roc_auc": "AUC",
    "hand_till_auc": "Hand–Till AUC",
    "roc_auc_off_twins": "AUC off twins",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "balanced_accuracy": "Balanced accuracy",
    "brier": "Brier score",
    "efficiency": "Efficiency",
}
_NOT_FOUND = Estimate(None, reason="not computed for this task")


@dataclass(frozen=True)
class Cell:
    """A figure of a model.

    Attributes:
        value: The number as text.
        interval: Its interval as text, or empty.
        note: Mark of the note that says why there is no value, or empty.
    """

    value: str
    interval: str = ""
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One model, or the ideal observer.

    Attributes:
        title: Name for people.
        cells: One a column; empty for a failed model.
        best: Whether it was chosen for its arm.
        leaked: Whether it lies above the ideal observer.
        failure: Why it failed, or empty.
    """

    title: str
    cells: tuple[Cell, ...]
    best: bool = False
    leaked: bool = False
    failure: str = ""


@dataclass(frozen=True)
class Table:
    """A table of models.

    Attributes:
        columns: Headings after the first one.
        groups: (title of the arm, rows), in order; the ideal observer is a group of its own.
        notes: Mark → why a figure is missing.
    """

    columns: tuple[str, ...]
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    notes: Mapping[str, str] = field(default_factory=dict)


class _Notes:
    """Gives each reason one mark, in the order met."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}

    def cell(self, estimate: Estimate, number: Callable[[float | None], str]) -> Cell:
        if estimate.value is None:
            reason = estimate.reason or _NOT_FOUND.reason
            return Cell(MISSING, note=self.marks.setdefault(reason, str(len(self.marks) + 1)))
        return Cell(number(estimate.value), interval(estimate))

    def by_mark(self) -> dict[str, str]:
        return {mark: reason for reason, mark in self.marks.items()}


def performance(evaluation: Evaluation) -> Table:
    """Return the main table; a column stands where any model has a figure or a reason for it."""
    metrics = _metrics_shown(evaluation)
    notes = _Notes()
    columns = tuple(_heading(metric, evaluation) for metric in metrics)

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        return tuple(notes.cell(_estimate(model, metric), decimal) for metric in metrics)

    groups = list(_groups(evaluation, cells))
    if evaluation.ideal:
        first = notes.cell(evaluation.ideal, decimal)
        last = {"efficiency": Cell(decimal(1.0))}
        row = (first, *(last.get(metric, Cell("")) for metric in metrics[1:]))
        groups.append(("The limit of this task", (Row("Ideal observer", row),)))
    return Table(columns, tuple(groups), notes.by_mark())


def class_auc(evaluation: Evaluation) -> Table | None:
    """Return the AUC of each class against the rest; None for a task of two classes."""
    if evaluation.task.positive is not None:
        return None
    notes = _Notes()

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        return tuple(notes.cell(estimate, decimal) for estimate in model.class_auc)

    return Table(evaluation.task.classes, _groups(evaluation, cells), notes.by_mark())


def stability(evaluation: Evaluation) -> Table:
    """Return spread over folds and seeds, and the training gap, of every model."""
    notes = _Notes()
    nested = evaluation.task.design == "cv"
    columns = (
        *(("Inner AUC (chose the best)",) if nested else ()),
        "Out-of-fold AUC, mean of folds" + ("" if nested else " (chose the best)"),
        "SD over folds",
        "SD over seeds",
        "Training minus out-of-fold AUC",
    )
    single = Estimate(None, reason="one repeat only: the spread over seeds needs repeats ≥ 2")
    unknown = Estimate(None, reason="too few folds")

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        found = model.stability
        if found is None:
            return (notes.cell(_NOT_FOUND, decimal),) * len(columns)
        folds = unknown if found.fold_sd is None else Estimate(found.fold_sd)
        seeds = single if found.seed_sd is None else Estimate(found.seed_sd)
        chosen_by = (notes.cell(model.selection_auc, decimal),) if nested else ()
        return (
            *chosen_by,
            notes.cell(found.fold_mean, decimal),
            notes.cell(folds, decimal),
            notes.cell(seeds, decimal),
            notes.cell(found.training_gap, signed),
        )

    return Table(columns, _groups(evaluation, cells), notes.by_mark())


def cost(evaluation: Evaluation) -> Table:
    """Return what each trained model cost, in units that no machine changes."""

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        outcome = model.outcome
        numbers = (outcome.parameters, outcome.multiply_adds, outcome.images_seen, outcome.fits)
        return tuple(Cell(count(number)) for number in numbers)

    columns = ("Learned numbers", "Multiply–adds a case", "Training images shown", "Fits")
    groups = _groups(evaluation, cells)
    return Table(columns, tuple(one for one in groups if one[0] != TITLES["reader"]))


def _groups(
    evaluation: Evaluation, cells: Callable[[ModelResult], tuple[Cell, ...]]
) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    return tuple(
        (TITLES[arm], tuple(_row(evaluation, model, cells) for model in models))
        for arm, models in by_arm(evaluation)
    )


def _row(
    evaluation: Evaluation, model: ModelResult, cells: Callable[[ModelResult], tuple[Cell, ...]]
) -> Row:
    outcome = model.outcome
    if outcome.status == "failed":
        return Row(outcome.title, (), failure=outcome.reason or "no reason was recorded")
    return Row(outcome.title, cells(model), is_best(evaluation, model), model.leaked)


def _estimate(model: ModelResult, metric: str) -> Estimate:
    if metric == "efficiency":
        return model.efficiency or _NOT_FOUND
    return model.metrics.get(metric, _NOT_FOUND)


def _metrics_shown(evaluation: Evaluation) -> tuple[str, ...]:
    shown = ["roc_auc"]
    shown += [
        metric
        for metric in tuple(_METRICS)[1:]
        if any(_estimate(model, metric) is not _NOT_FOUND for model in evaluation.models)
        and (metric != "roc_auc_off_twins" or evaluation.twins)
    ]
    return tuple(shown)


def _heading(metric: str, evaluation: Evaluation) -> str:
    heading = _METRICS[metric]
    averaged = metric.startswith("roc_auc") and evaluation.task.positive is None
    return f"{heading}, mean over classes" if averaged else heading
