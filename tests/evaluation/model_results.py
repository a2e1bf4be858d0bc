"""Results of a model made by hand: figures by name become rows, as evaluation makes them."""

from dataclasses import replace

from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.results import (
    CLASSES,
    LIMIT,
    METRICS,
    SELECTION,
    STABILITY,
    ModelResult,
)


def make_result(outcome, metrics, selection_auc, stability=None, limits=None, **drawn):
    """Return a model with some figures, and what is drawn of it."""
    result = with_metrics(ModelResult(outcome, **drawn), metrics)
    result = result.with_figures(SELECTION, [("selection_auc", "", selection_auc)])
    for analysis, figures in ((STABILITY, stability or {}), (LIMIT, limits or {})):
        known = [(name, "", value) for name, value in figures.items() if value is not None]
        result = result.with_figures(analysis, known)
    return result


def with_metrics(result, metrics):
    rows = result.figures.select(analysis=METRICS).rows
    kept = {row.figure: row for row in rows}
    figures = [(name, "", value) for name, value in (kept | dict(metrics)).items()]
    return result.with_figures(METRICS, figures)


def with_class_auc(result, classes, areas):
    figures = [("roc_auc", name, area) for name, area in zip(classes, areas, strict=True)]
    return result.with_figures(CLASSES, figures)


def interval(estimate):
    """Return value and bounds of an estimate, or of a row of the table, for an exact comparison."""
    return estimate.value, estimate.low, estimate.high


def with_outcome(known, /, **changes):
    """Return a model, or what it predicted, with other facts of its training."""
    return replace(known, outcome=replace(known.outcome, **changes))


def with_models(found, change):
    """Return a record whose models are what a function makes of each."""
    return replace(found, models=tuple(map(change, found.models)))


def with_rows(found, *rows):
    """Return a record with more rows of figures."""
    return replace(found, figures=FigureTable((*found.figures.rows, *rows)))
