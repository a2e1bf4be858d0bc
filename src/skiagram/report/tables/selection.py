"""Which features the models that choose some chose, and how often."""

from collections.abc import Sequence

from skiagram.evaluation.records.stability import FeatureSelection
from skiagram.evaluation.results import Evaluation
from skiagram.features.definition import Definition
from skiagram.report.definitions import definition_of
from skiagram.report.numbers import decimal, percent
from skiagram.report.tables.cells import Cell, Row, Table


def chosen_features(evaluation: Evaluation, known: Sequence[Definition]) -> Table | None:
    """Return the features that each choosing model's fits chose most; None where none chooses.

    Args:
        evaluation: What was found.
        known: What the features mean.
    """
    groups = tuple(
        (_heading(model.outcome.title, found), _rows(found, known))
        for model in evaluation.models
        if model.stability and (found := model.stability.selection)
    )
    if not groups:
        return None
    return Table(("Chosen in so many fits", "IBSI code", "What it measures"), groups, {}, "Feature")


def _heading(title: str, found: FeatureSelection) -> str:
    return (
        f"{title}: {decimal(found.kept, 1)} of {found.features} features a fit, {found.fits} fits"
    )


def _rows(found: FeatureSelection, known: Sequence[Definition]) -> tuple[Row, ...]:
    rows = []
    for chosen in found.most_chosen:
        meant = definition_of(chosen.feature, known)
        code, meaning = (meant.ibsi or "none", meant.meaning) if meant else ("none", "")
        rows.append(Row(chosen.feature, (Cell(percent(chosen.share)), Cell(code), Cell(meaning))))
    return tuple(rows)
