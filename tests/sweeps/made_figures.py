"""Figures of a row as a sweep would find them, made by hand."""

from skiagram.evaluation.figure_table import make_row
from skiagram.evaluation.results import METRICS
from skiagram.evaluation.results import SELECTION as OF_SELECTION
from skiagram.sweeps.figures import REFERENCE, NamedModel, RowFigures
from skiagram.sweeps.rows import COSTS, OF_COSTS, SELECTIONS


def make_figures(models, cases=40, patients=30, **values):
    """Return figures of a row: (name, title, arm) of each model → figure → estimate."""
    rows = []
    for (name, _, _), figures in models.items():
        for figure, estimate in figures.items():
            analysis = OF_COSTS if figure in COSTS else METRICS
            analysis = OF_SELECTION if figure.startswith(SELECTIONS) else analysis
            versus = REFERENCE if figure.endswith("difference") else ""
            rows.append(make_row(estimate, analysis, figure, model=name, versus=versus))
    named = tuple(NamedModel(*model) for model in models)
    return RowFigures(tuple(rows), named, cases, patients, **values)
