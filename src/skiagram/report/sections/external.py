"""Another cohort: each model's figures there beside those at home, and what updating changes."""

from collections.abc import Iterator

from skiagram.evaluation.evaluation_record import EXTERNAL, Evaluation
from skiagram.evaluation.external import COHORT, HELD_OUT, NET_BENEFIT, OUT_OF_FOLD, UPDATED
from skiagram.report.formatting import best_models, metric_heading
from skiagram.report.tables import Cell, Group, Table, TableRow, fill_cell
from skiagram.statistics.estimate import MISSING, format_difference, format_estimate

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
        gains = [name for name in names if name.startswith(NET_BENEFIT)]
        rows = []
        ordered = [*(name for name in _FIGURES if name in names), *gains]
        for name in names if evaluation.task.predicted.has_value else ordered:
            if name in gains:
                risk = name.removeprefix(NET_BENEFIT)
                title = f"Net benefit per 1,000 cases, at a risk of {risk}"
            else:
                title = _FIGURES.get(name) or metric_heading(name, evaluation.task)
            # Updating changes no order of cases, so some figures have none there.
            digits = 0 if name in gains else 2
            cells = [fill_cell(each, digits + 1, digits) if each else _LEFT for each in names[name]]
            rows.append(TableRow(title, cells))
        groups.append(Group(model.outcome.title, rows))
    return Table([_SIDES[side] for side in sides], groups, first="Figure")


def describe_external(evaluation: Evaluation) -> Iterator[str]:
    """Yield the difference at home and here, and how the calibration of the best models holds."""
    # The difference of the arms, on each side.
    figures = evaluation.figures.select(analysis=EXTERNAL)
    paired = figures.select(versus="classical")
    for row in paired.rows:
        where = "On this cohort" if row.group == COHORT else "In the project"
        name, gap = evaluation.words_of(row.model), format_difference(row)
        better = f"; below 0 the {name} is better" if evaluation.lower_is_better else ""
        yield f"{where}, {name} minus classical in {evaluation.figure_words}: {gap}{better}."
    # The calibration as it comes, and after it was fitted anew.
    for model in best_models(evaluation):
        if evaluation.task.defines("calibration"):
            calibrations = []
            for side in (COHORT, UPDATED):
                side_figures = figures.select(model=model.outcome.model, versus="", group=side)
                intercept, slope = (
                    side_figures.find(figure=name) for name in ("intercept", "slope")
                )
                absent = (each.reason for each in (intercept, slope) if each.value is None)
                missing = next(absent, "")
                words = f"intercept {format_estimate(intercept)} and slope {format_estimate(slope)}"
                calibrations.append(
                    f"no calibration ({missing})" if missing else f"calibration {words}"
                )
            yield (
                f"{model.outcome.title}: {calibrations[0]} as it comes; "
                f"{calibrations[1]} after updating."
            )
