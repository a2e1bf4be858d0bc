"""What each trained model cost, in units that no machine changes."""

from skiagram.evaluation.results import Evaluation, ModelResult
from skiagram.report.arms import TITLES
from skiagram.report.numbers import count
from skiagram.report.tables.cells import Cell, Table, grouped


def cost(evaluation: Evaluation) -> Table:
    """Return learned numbers, operations, images and fits; readers cost nothing here."""

    def cells(model: ModelResult) -> tuple[Cell, ...]:
        outcome = model.outcome
        numbers = (outcome.parameters, outcome.multiply_adds, outcome.images_seen, outcome.fits)
        return tuple(Cell(count(number)) for number in numbers)

    columns = ("Learned numbers", "Multiply–adds a case", "Training images shown", "Fits")
    groups = grouped(evaluation, cells)
    return Table(columns, tuple(one for one in groups if one[0] != TITLES["reader"]))
