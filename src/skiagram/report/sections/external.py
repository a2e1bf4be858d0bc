"""Another cohort: each model's figures there beside those at home, and what updating changes."""

from skiagram.evaluation.evaluation_record import EXTERNAL, Evaluation
from skiagram.evaluation.external import COHORT, HELD_OUT, NET_BENEFIT_AT, OUT_OF_FOLD, UPDATED
from skiagram.report.formatting import best_models, metric_heading
from skiagram.report.tables import Cell, Group, Table, TableRow, fill_cell
from skiagram.statistics.estimate import MISSING

_SIDES = {
    OUT_OF_FOLD: "At home, out of fold",
    HELD_OUT: "At home, sealed test",
    COHORT: "Cohort, as it comes",
    UPDATED: "Cohort, calibration updated",
}
_FIGURES = {
    "roc_auc": "",
    "brier": "",
    "sensitivity": "",
    "specificity": "",
    "intercept": "Calibration intercept (ideal 0)",
    "slope": "Calibration slope (ideal 1)",
    "expected_to_observed": "Expected / observed (ideal 1)",
}

_LEFT = Cell(MISSING, reason="updating the calibration leaves it as it is")


def tabulate_external(evaluation: Evaluation) -> Table:
    """Tabulate the figures of the best of each arm: a row a figure, a column a side."""
    # The sides that have figures, and a group for each model.
    figures = evaluation.figures.select(analysis=EXTERNAL, versus="")
    sides = [side for side in _SIDES if figures.select(group=side)]
    groups = []
    for model in best_models(evaluation):
        of_model = figures.select(model=model.outcome.model)
        names = of_model.pivot("figure", [{"group": side} for side in sides])
        gains = [name for name in names if name.startswith(NET_BENEFIT_AT)]
        rows = []
        ordered = [*(name for name in _FIGURES if name in names), *gains]
        for name in names if evaluation.task.predicted.has_value else ordered:
            if name in gains:
                risk = name.removeprefix(NET_BENEFIT_AT)
                title = f"Net benefit per 1,000 cases, at a risk of {risk}"
            else:
                title = _FIGURES.get(name) or metric_heading(name, evaluation.task)
            # Updating changes no order of cases, so some figures have none there.
            digits = 0 if name in gains else 2
            cells = [fill_cell(each, digits + 1, digits) if each else _LEFT for each in names[name]]
            rows.append(TableRow(title, cells))
        groups.append(Group(model.outcome.title, rows))
    return Table([_SIDES[side] for side in sides], groups, first="Figure")
