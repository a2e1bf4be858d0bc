"""Results of a model made by hand: figures by name become rows, as evaluation makes them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from skiagram.evaluation.calibration_assessment import CalibrationResult
from skiagram.evaluation.decisions import OperatingPoint
from skiagram.evaluation.results import (
    CALIBRATION,
    CLASSES,
    LIMIT,
    METRICS,
    OPERATING_POINTS,
    REFERRAL,
    SELECTION,
    SETS,
    STABILITY,
    SUBGROUPS,
    ModelResult,
)
from skiagram.evaluation.stability import Stability
from skiagram.evaluation.subgroups import Subgroup
from skiagram.evaluation.uncertainty import PredictionSets, RiskCoverage
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate

CLASS_NAMES = ("normal", "abnormal")


def make_result(
    outcome: Outcome,
    metrics: Mapping[str, Estimate],
    selection_auc: Estimate,
    stability: Stability | None = None,
    limits: Mapping[str, Estimate | None] | None = None,
    **drawn: Any,
) -> ModelResult:
    """Return a model with some figures, and what is drawn of it."""
    result = with_metrics(ModelResult(outcome, **drawn), metrics)
    result = result.with_figures(SELECTION, [("selection_auc", "", selection_auc)])
    known = [(name, "", value) for name, value in (limits or {}).items() if value is not None]
    result = result.with_figures(LIMIT, known)
    return result if stability is None else with_stability(result, stability)


def with_metrics(result: ModelResult, metrics: Mapping[str, Estimate]) -> ModelResult:
    """Return the model with some metrics in the place of those of the same names."""
    rows = result.figures.select(analysis=METRICS).rows
    kept: dict[str, Estimate] = {row.figure: row for row in rows}
    figures = [(name, "", value) for name, value in (kept | dict(metrics)).items()]
    return result.with_figures(METRICS, figures)


def with_stability(result: ModelResult, stability: Stability) -> ModelResult:
    """Return the model with how much its AUC moves."""
    moved = replace(result, fold_auc=stability.fold_auc, seed_auc=stability.seed_auc)
    return moved.with_figures(STABILITY, stability.list_figures())


def with_assessments(
    result: ModelResult,
    *,
    points: Iterable[OperatingPoint],
    calibration: CalibrationResult,
    sets: PredictionSets,
    referral: RiskCoverage,
    subgroups: Sequence[Subgroup],
) -> ModelResult:
    """Return the model with everything that is asked of probabilities."""
    name = result.outcome.model
    drawn = replace(
        result,
        reliability=calibration.reliability,
        risk_coverage=referral.curve,
        parts=tuple(subgroup.part for subgroup in subgroups),
    )
    decided = [figure for point in points for figure in point.list_figures()]
    rows = [row for subgroup in subgroups for row in subgroup.list_rows(name)]
    return (
        drawn.with_figures(OPERATING_POINTS, decided)
        .with_figures(CALIBRATION, calibration.list_figures())
        .with_figures(SETS, sets.list_figures(CLASS_NAMES))
        .with_figures(REFERRAL, [("area", "", referral.area)])
        .with_rows(SUBGROUPS, rows)
    )


def with_class_auc(
    result: ModelResult, classes: Sequence[str], areas: Sequence[Estimate]
) -> ModelResult:
    """Return the model with the AUC of each class against the rest."""
    figures = [("roc_auc", name, area) for name, area in zip(classes, areas, strict=True)]
    return result.with_figures(CLASSES, figures)


def interval(estimate: Estimate | None) -> tuple[float | None, ...]:
    """Return value and bounds of an estimate, or of a row of the table, for an exact comparison."""
    assert estimate is not None
    return estimate.value, estimate.low, estimate.high
