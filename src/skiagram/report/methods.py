"""How each figure was made, gathered from the estimates themselves."""

from collections.abc import Iterator

from skiagram.evaluation.results import Estimate, Evaluation, ModelResult

_NAMES = {
    "roc_auc": "AUC",
    "roc_auc_off_twins": "AUC off twins",
    "average_precision": "average precision",
    "brier": "Brier score",
}


def methods(evaluation: Evaluation) -> dict[str, str]:
    """Return figure → how its interval was made, each once and in the order met."""
    found: dict[str, list[str]] = {}
    for name, estimate in _estimates(evaluation):
        known = found.setdefault(name, [])
        if estimate.method and estimate.method not in known:
            known.append(estimate.method)
    return {name: "; ".join(known) for name, known in found.items() if known}


def _estimates(evaluation: Evaluation) -> Iterator[tuple[str, Estimate]]:
    for model in evaluation.models:
        for name, estimate in model.metrics.items():
            yield _NAMES.get(name, name.replace("_", " ")), estimate
        for estimate in model.class_auc:
            yield "AUC of one class against the rest", estimate
        yield from _stability(model)
        yield from _trust(model)
        yield from _limit(model)
    for comparison in evaluation.comparisons:
        yield "difference of two models", comparison.difference
    single = {
        "smallest difference found": evaluation.detectable,
        "best network minus best baseline": evaluation.difference,
        "AUC of the ideal observer": evaluation.ideal,
    }
    yield from ((name, one) for name, one in single.items() if one)


def _stability(model: ModelResult) -> Iterator[tuple[str, Estimate]]:
    if model.stability:
        yield "out-of-fold AUC, mean of folds", model.stability.fold_mean
        yield "training gap", model.stability.training_gap
        if model.stability.flips:
            yield "cases that another seed names differently", model.stability.flips
        if model.stability.selection:
            yield "agreement of the chosen features", model.stability.selection.agreement


def _limit(model: ModelResult) -> Iterator[tuple[str, Estimate]]:
    if model.efficiency:
        yield "efficiency", model.efficiency
    if model.above_ideal:
        yield "AUC minus the ideal observer's", model.above_ideal


def _trust(model: ModelResult) -> Iterator[tuple[str, Estimate]]:
    for point in model.operating_points:
        for name, estimate in point.metrics.items():
            yield name.replace("_", " "), estimate
    if model.calibration:
        yield "calibration intercept", model.calibration.intercept
        yield "calibration slope", model.calibration.slope
        yield "expected to observed", model.calibration.expected_to_observed
        for one in model.calibration.reliability:
            yield "reliability curve", one.observed
    if model.prediction_sets:
        yield "coverage of conformal sets", model.prediction_sets.coverage
    if model.risk_coverage:
        yield "area under the risk–coverage curve", model.risk_coverage.area
