"""The best model of each arm against rules that need no image, or hardly any."""

from skiagram.evaluation.comparison.trivial import PREVALENCE
from skiagram.evaluation.results import Evaluation
from skiagram.report.numbers import signed
from skiagram.report.tables.cells import Cell, Notes, Row, Table


def trivial(evaluation: Evaluation) -> Table | None:
    """Return the differences in AUC, a group a model; None where nothing was compared."""
    if not evaluation.trivial:
        return None
    notes = Notes()
    titles = {one.outcome.model: one.outcome.title for one in evaluation.models}
    titles[PREVALENCE] = "The prevalence (an AUC of ½)"
    groups: dict[str, list[Row]] = {}
    for one in evaluation.trivial:
        gain = notes.cell(one.difference, signed, digits=3)
        row = Row(titles[one.rule], (gain, Cell("yes" if one.beaten else "not shown")))
        groups.setdefault(titles[one.model], []).append(row)
    columns = ("AUC of the model minus that of the rule", "Beaten")
    found = tuple((title, tuple(rows)) for title, rows in groups.items())
    return Table(columns, found, notes.by_mark(), first="Rule")
