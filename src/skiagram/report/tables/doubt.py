"""How sure each model is of single cases, and whether that can be trusted."""

from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.report.numbers import decimal, percent
from skiagram.report.tables.cells import NOT_FOUND, Cell, Notes, Table, grouped


def prediction_sets(evaluation: Evaluation) -> Table:
    """Return coverage and size of the conformal sets of every model."""
    notes = Notes()
    classes = evaluation.task.classes
    columns = (
        "Sets that hold the true class",
        *(f"… of {name} cases" for name in classes),
        "Classes in a set, mean",
        "One class named",
        "Several left open",
        "Unlike every class",
    )

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        found = model.prediction_sets
        if found is None:
            return (notes.cell(NOT_FOUND, decimal),) * len(columns)
        return (
            notes.cell(found.coverage, decimal),
            *(notes.cell(one, decimal) for one in found.class_coverage),
            Cell(decimal(found.mean_size, 2)),
            *(notes.cell(one, decimal) for one in (found.single, found.several, found.empty)),
        )

    return Table(columns, grouped(evaluation, cells), notes.by_mark())


def promised(evaluation: Evaluation) -> str:
    """Return the coverage that the sets were made for, for example `90 %`; empty without sets."""
    levels = [one.prediction_sets.level for one in evaluation.models if one.prediction_sets]
    return percent(levels[0]) if levels else ""


def referral(evaluation: Evaluation) -> Table:
    """Return the share of wrong answers left when the least sure cases are referred."""
    notes = Notes()
    kept = (1.0, 0.9, 0.8, 0.5)

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        found = model.risk_coverage
        if found is None:
            return (notes.cell(NOT_FOUND, decimal),) * (1 + len(kept))
        curve = found.curve
        nearest = [min(range(len(curve.x)), key=lambda at: abs(curve.x[at] - one)) for one in kept]
        return (
            *(Cell(decimal(curve.y[at])) for at in nearest),
            notes.cell(found.area, decimal, digits=3),
        )

    referred = (f"{percent(1 - one)} referred" for one in kept[1:])
    columns = ("Nobody referred", *referred, "Area under the curve")
    return Table(columns, grouped(evaluation, cells), notes.by_mark())
