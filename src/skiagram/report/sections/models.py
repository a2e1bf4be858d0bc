"""All models: the main table, what they cost, the options, and the table as plain text."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.figure_table import FigureRow
from skiagram.evaluation.results import LIMIT, METRICS, SELECTION, ModelResult
from skiagram.evaluation.verdict import tell_cut_training
from skiagram.report.formatting import ARM_TITLES, format_count, metric_heading
from skiagram.report.tables import (
    Cells,
    Column,
    Group,
    Table,
    TableRow,
    fill_cell,
    tabulate_figures,
    tabulate_models,
)
from skiagram.statistics.estimate import (
    Estimate,
    format_decimal,
    format_estimate,
)
from skiagram.tasks.classes import CLASS_FIGURE
from skiagram.tasks.figure import Figure


def list_columns(evaluation: Evaluation) -> list[Figure]:
    """List the primary figure and every other for which any model has a value or a reason."""
    first, *others = evaluation.task.predicted.all_figures
    table_metrics = [
        metric
        for metric in others
        if metric.table_column
        and any(_get(model, metric.name) for model in evaluation.models)
        and (metric.name != evaluation.off_copies or evaluation.near_duplicates)
    ]
    return [first, *table_metrics]


def tabulate_performance(evaluation: Evaluation) -> list[Table]:
    """Tabulate the main table, a column a metric of `list_columns`, or one for each horizon of it.

    Of a time there are so many that each table holds a few, and those of a figure together.
    """
    task, figures = evaluation.task, list_columns(evaluation)
    # Every figure, and one column for each horizon that it has.
    metrics = [metric.name for metric in figures]
    differences = {metric.name for metric in figures if metric.is_difference}
    rows = [
        row for model in evaluation.models for row in model.figures.select(analysis=METRICS).rows
    ]
    groups = {
        name: list(dict.fromkeys(row.group for row in rows if row.figure == name))
        for name in metrics
    }
    # A table of too many columns is cut into several.
    widest = task.predicted.table_figures
    tables: list[list[tuple[str, str]]] = [[]]
    for name in metrics:
        metric_columns = [(name, group) for group in groups[name] or [""]]
        if widest and tables[-1] and len(tables[-1] + metric_columns) > widest:
            tables.append([])
        tables[-1] += metric_columns

    made = []
    for columns in tables:
        limit = []
        if evaluation.ideal and columns[0][0] == evaluation.primary:
            cells = [format_decimal(1.0) if name == "efficiency" else "" for name, _ in columns[1:]]
            row = TableRow("Ideal observer", [fill_cell(evaluation.ideal), *cells])
            limit = [Group("The limit of this task", [row])]
        made.append(
            tabulate_figures(
                evaluation,
                METRICS,
                [
                    Column(
                        metric_heading(f"{name} {group}".strip(), task),
                        name,
                        group,
                        "difference" if name in differences else "",
                        analysis=LIMIT if name == "efficiency" else METRICS,
                    )
                    for name, group in columns
                ],
                *limit,
            )
        )
    return made


def tabulate_cost(evaluation: Evaluation) -> Table:
    """Tabulate parameters, operations, images and fits of models that were trained."""

    def cells(model: ModelResult) -> Cells:
        outcome = model.outcome
        numbers = (outcome.parameters, outcome.multiply_adds, outcome.images_seen, outcome.fits)
        return [format_count(number) for number in numbers]

    columns = (
        "Parameters",
        "Multiply–add operations per case",
        "Training images processed",
        "Fits",
    )
    # Readers cost nothing here, and models that folds chose have rows of their own.
    table = tabulate_models(replace(evaluation, mixtures=()), columns, cells)
    groups = [group for group in table.groups if group.title != ARM_TITLES["reader"]]
    return replace(table, groups=groups)


def describe_frozen(models: Sequence[ModelResult]) -> tuple[str, ...]:
    """Return, of each frozen network that models read, what it saw and whose its weights are."""
    weight_readers: dict[str, list[str]] = {}
    for outcome in (model.outcome for model in models):
        encoder = outcome.options.get("encoder", {}).get("encoder")
        if encoder:
            weights = (
                f"{encoder['title']}. Licence of its weights: {encoder['licence']}. "
                f"{encoder['citation']}."
            )
            weight_readers.setdefault(weights, []).append(outcome.title)
    return tuple(
        f"{weights} Read by: {', '.join(titles)}." for weights, titles in weight_readers.items()
    )


def _get(model: ModelResult, metric: str) -> FigureRow | None:
    return model.figures.get(analysis=LIMIT if metric == "efficiency" else METRICS, figure=metric)


def list_as_text(evaluation: Evaluation, seconds: Mapping[str, float]) -> list[list[str]]:
    """List the head and a row for each model; `*` marks the best of an arm (out-of-fold).

    Args:
        seconds: Model → how long it took to train, where that is known.
    """
    # The columns of the terminal: fewer than those of the page.
    shown = [*evaluation.task.predicted.terminal_figures]
    if evaluation.ideal is not None and evaluation.task.defines("efficiency"):
        shown.append("efficiency")
    primary = f"{evaluation.task.predicted.title_figure(evaluation.primary)} (95 %)"
    chosen_by = "Inner folds" if evaluation.task.design == "cv" else "Out-of-fold"
    rows = [["Model", "Arm", primary, chosen_by, *(CLASS_FIGURE[name].title for name in shown)]]
    rows[0] += ["Seconds"] if seconds else []
    # A row for each model; of one that failed, that it did.
    for result in evaluation.models:
        outcome = result.outcome
        if outcome.status == "failed":
            absent = [""] * (len(rows[0]) - 3)
            rows.append([outcome.title, outcome.arm, "failed", *absent])
            continue
        selection = result.find(evaluation.task.predicted.selection, SELECTION)
        figures = [selection, *(_get(result, name) or Estimate(None) for name in shown)]
        rows.append(
            [
                outcome.title + (" *" if evaluation.best.get(outcome.arm) == outcome.model else ""),
                outcome.arm,
                format_estimate(result.find(evaluation.primary)),
                *(format_decimal(figure.value) for figure in figures),
                *([format_decimal(seconds.get(outcome.model), 1)] if seconds else []),
            ]
        )
    if evaluation.ideal is not None:
        absent = [""] * (len(rows[0]) - 3)
        rows.append(["Ideal observer", "", format_estimate(evaluation.ideal), *absent])
    return rows


def list_below_table(evaluation: Evaluation) -> list[str]:
    """List what failed or was cut short, and counts."""
    lines = [
        f"{model.outcome.title} failed: {model.outcome.reason}"
        for model in evaluation.models
        if model.outcome.status == "failed"
    ]
    lines += tell_cut_training(evaluation)
    if evaluation.facts:
        counted = ", ".join(f"{number} {name}" for name, number in evaluation.facts[:2])
        lines.append(f"Of {counted}.")
    return lines
