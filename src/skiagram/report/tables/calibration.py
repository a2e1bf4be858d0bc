"""How far each model's probabilities mean what they say."""

from skiagram.evaluation.records.calibration import CalibrationResult
from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.numbers import decimal, signed
from skiagram.report.tables.cells import NOT_FOUND, Cell, Notes, Table, grouped


def calibration(evaluation: Evaluation) -> Table:
    """Return intercept, slope, expected to observed and the parts of the Brier score."""
    notes = Notes()
    binary = evaluation.task.positive is not None
    columns = ["Intercept (0)", "Slope (1)", "Expected : observed (1)", "Brier score"]
    columns += ["Reliability", "Resolution", "Uncertainty"] if binary else []

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        found = model.calibration
        if found is None:
            return (notes.cell(NOT_FOUND, decimal),) * len(columns)
        return (
            notes.cell(found.intercept, signed),
            notes.cell(found.slope, decimal),
            notes.cell(found.expected_to_observed, decimal),
            notes.cell(model.metrics.get("brier"), decimal, digits=3),
            *(_parts(found, notes) if binary else ()),
        )

    return Table(tuple(columns), grouped(evaluation, cells), notes.by_mark())


def _parts(found: CalibrationResult, notes: Notes) -> tuple[Cell, ...]:
    if found.brier is None:
        return (
            notes.cell(Estimate(None, reason="the Brier score has no parts here"), decimal),
        ) * 3
    parts = (found.brier.reliability, found.brier.resolution, found.brier.uncertainty)
    return tuple(Cell(decimal(part)) for part in parts)
