"""Stability: spread over folds and seeds, the order of the models, and the features chosen."""

from collections.abc import Sequence

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import STABILITY
from skiagram.features.feature import Definition, find_definition
from skiagram.report.drawing import Drawing, IntervalRow, draw_rows, wrap_title
from skiagram.report.formatting import finished_models, format_percent, is_best
from skiagram.report.tables import (
    Group,
    Table,
    TableRow,
)
from skiagram.statistics.estimate import format_decimal, format_estimate


def tabulate_chosen_features(
    evaluation: Evaluation, definitions: Sequence[Definition]
) -> Table | None:
    """Tabulate the features that each choosing model's fits chose most; None where none chooses."""
    groups = []
    # A group for each model that chooses features.
    for model in evaluation.models:
        selection = model.figures.select(analysis=STABILITY)
        features_per_fit, features, fits = (
            selection.find(figure=name).value
            for name in ("features_kept", "features_to_choose_from", "choosing_fits")
        )
        if features_per_fit is not None:
            title = (
                f"{model.outcome.title}: {format_decimal(features_per_fit, 1)} of "
                f"{features:.0f} features per fit, {fits:.0f} fits"
            )
            rows = []
            for chosen in selection.select(figure="chosen_by").rows:
                meant = find_definition(chosen.group, definitions)
                code, meaning = (meant.ibsi or "none", meant.meaning) if meant else ("none", "")
                rows.append(TableRow(chosen.group, [format_percent(chosen.value), code, meaning]))
            groups.append(Group(title, rows))
    columns = ("Selected, share of fits", "IBSI code", "What it measures")
    return Table(columns, groups, first="Feature") if groups else None


def draw_stability(evaluation: Evaluation) -> Drawing | None:
    """Draw the AUC of each fold and their mean, a row a model; None where none was trained."""
    rows = [
        IntervalRow(
            "",
            wrap_title(model.outcome.title),
            model.outcome.arm,
            model.find("fold_auc_mean", STABILITY),
            not is_best(evaluation, model),
            tuple(model.fold_auc),
        )
        for model in finished_models(evaluation)
        if model.figures.select(analysis=STABILITY)
    ]
    return draw_rows("stability", rows, "out-of-fold AUC", format_estimate) if rows else None
