"""Training and cost: training curves of the networks, and what each model cost."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from skiagram.evaluation.criteria import RISE, find_learned_by_heart
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import ModelResult
from skiagram.report.drawing import ARM_COLOUR, Drawing, Line, Panel, draw_lines, style_of
from skiagram.report.formatting import ARM_TITLES, format_count
from skiagram.report.tables import Cells, Table, tabulate_models
from skiagram.statistics.estimate import format_decimal

_COLOURS = {"training": ARM_COLOUR["classical"], "validation": ARM_COLOUR["deep"]}
_DASHES = {"training": "-", "validation": "--"}


def draw_trainings(
    evaluation: Evaluation, curves: Mapping[str, pd.DataFrame]
) -> dict[str, Drawing]:
    """Draw the training curves of each network: title → figure."""
    drawn = {
        model.outcome.title: draw_training_curves(model.outcome.model, model.outcome.title, table)
        for model in evaluation.models
        if (table := curves.get(model.outcome.model)) is not None
    }
    return {title: figure for title, figure in drawn.items() if figure}


def draw_training_curves(model: str, title: str, table: pd.DataFrame) -> Drawing | None:
    """Draw one panel per measure, thin lines for fits on folds and a thick one for the final fit.

    Args:
        table: Columns `fit`, `epoch` and any `training_<measure>`, `validation_<measure>`.
    """
    # Measure → its columns, of training and validation.
    measures: dict[str, list[str]] = {}
    for heading in table.columns[table.notna().any()].astype(str):
        kind, _, measure = heading.partition("_")
        if kind in _COLOURS and measure:
            measures.setdefault(measure, []).append(heading)
    if not measures:
        return None
    # Thin lines are fits on folds; the final fit is thick. Both parts are named by the first fit.
    panels = []
    for measure, columns in measures.items():
        lines = []
        for number, (fit, rows) in enumerate(table.groupby("fit", sort=True)):
            weight = "final_fit" if str(fit).endswith("final") else "fold_fit"
            for heading in columns:
                kind = heading.partition("_")[0]
                style = style_of(weight, color=_COLOURS[kind], linestyle=_DASHES[kind])
                points = rows["epoch"].tolist(), rows[heading].tolist()
                lines.append(Line("" if number else kind, *points, style))
        panels.append(Panel(lines, ("epoch", ""), title=measure.replace("_", " ")))
    # Where each curve ends, for a reader who cannot see it.
    last = table.sort_values("epoch", kind="stable").groupby("fit").tail(1)
    ends = ", ".join(
        f"{column.replace('_', ' ')} {format_decimal(float(last[column].mean()))}"
        for columns in measures.values()
        for column in columns
    )
    words = (
        f"{title}: {', '.join(measure.replace('_', ' ') for measure in measures)} by epoch of "
        f"{table['fit'].nunique()} fits; mean at the last epoch: {ends}."
    )
    drawing = draw_lines(f"training_{model}", panels, words, across=2, is_shared=False)
    # Whether most fits went on learning their own cases alone.
    learned = find_learned_by_heart(table)
    if learned is None:
        return drawing
    note = (
        f" In {learned[0]} of {learned[1]} fits the validation loss rose by more than "
        f"{100 * RISE:g} % after its lowest epoch while the training loss fell: the network "
        "memorises its cases, and its weights of that epoch were kept. Fewer layers that learn, "
        "stronger views or more cases would help."
    )
    return replace(drawing, note=note)


def tabulate_cost(evaluation: Evaluation) -> Table:
    """Tabulate parameters, operations, images and fits; readers have no cost here."""

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
    table = tabulate_models(evaluation, columns, cells)
    # Readers cost nothing here.
    groups = [group for group in table.groups if group.title != ARM_TITLES["reader"]]
    return replace(table, groups=groups)
