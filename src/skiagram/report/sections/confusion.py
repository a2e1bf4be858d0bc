"""Confusion matrices: which errors the models make."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import ModelResult
from skiagram.report.formatting import finished_models, format_count, is_best
from skiagram.report.material import Material
from skiagram.report.section import NOT_TRAINED, Context, section
from skiagram.report.tables import Cell, Table, TableRow, list_rows


@section(
    "Confusion matrices",
    place=50,
    select=lambda evaluation, _: any(model.confusion for model in evaluation.models),
    otherwise=NOT_TRAINED,
    classes_only=True,
)
def confusion(evaluation: Evaluation, material: Material) -> Context:
    """Return (title, whether it is the best of its arm, matrix) of each trained model."""
    return {
        "matrices": [
            (model.outcome.title, is_best(evaluation, model), tabulate_confusion(evaluation, model))
            for model in finished_models(evaluation)
            if model.confusion
        ]
    }


def tabulate_confusion(evaluation: Evaluation, model: ModelResult) -> Table:
    """Return mean numbers of cases over repeats; the shade is the share of the true class."""
    classes = evaluation.task.classes
    rows = [
        TableRow(
            classes[true],
            [
                Cell(
                    format_count(round(cases, 1)),
                    tone="right" if true == predicted else "wrong",
                    share=cases / (sum(counts) or 1),
                )
                for predicted, cases in enumerate(counts)
            ],
        )
        for true, counts in enumerate(model.confusion)
    ]
    return Table(classes, list_rows(rows), first="true ↓ predicted →", kind="matrix")
