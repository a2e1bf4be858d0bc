"""Confusion matrices: which errors the models make."""

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.formatting import finished_models, format_count, is_best
from skiagram.report.tables import Cell, Table, TableRow, list_rows


def tabulate_decided(evaluation: Evaluation) -> list[tuple[str, bool, Table]]:
    """Return (title, whether it is the best of its arm, matrix) of each trained model.

    Cells are mean numbers of cases over repeats; the shade is the share of the true class.
    """
    classes, matrices = evaluation.task.predicted.classes, []
    for model in (each for each in finished_models(evaluation) if each.confusion):
        rows = []
        for true, counts in enumerate(model.confusion):
            cells = [
                Cell(
                    format_count(round(cases, 1)),
                    tone="right" if true == predicted else "wrong",
                    share=cases / (sum(counts) or 1),
                )
                for predicted, cases in enumerate(counts)
            ]
            rows.append(TableRow(classes[true], cells))
        table = Table(classes, list_rows(rows), first="true ↓ predicted →", kind="matrix")
        matrices.append((model.outcome.title, is_best(evaluation, model), table))
    return matrices
