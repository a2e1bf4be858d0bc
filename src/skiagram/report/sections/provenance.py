"""Methods, versions and hashes: how each interval was computed and from what."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.metrics import METRIC
from skiagram.evaluation.results import Estimate, ModelResult
from skiagram.sealing.ledger import LEDGER, Opening


def describe_opening(opening: Opening | None) -> str:
    """Say which opening of the seal this is; empty where nothing is sealed."""
    if opening is None:
        return ""
    number = opening.number
    if number == 1:
        return (
            "The labels of the reported cases were opened for the first time, by the ledger of "
            f"openings ({LEDGER})."
        )
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0)
    return (
        f"The labels of the reported cases were opened for the {number}{ending or 'th'} time, each "
        "time for other models or options. Figures chosen after the first opening are no longer "
        f"untouched: expect them to be too good ({LEDGER} says what was compared)."
    )


def describe_methods(evaluation: Evaluation) -> dict[str, str]:
    """Return name of an estimate → how its interval was computed, each once, in order."""
    methods: dict[str, list[str]] = {}
    for name, estimate in _estimates(evaluation):
        seen = methods.setdefault(name, [])
        if estimate.method and estimate.method not in seen:
            seen.append(estimate.method)
    return {name: "; ".join(seen) for name, seen in methods.items() if seen}


def _estimates(evaluation: Evaluation) -> Iterator[tuple[str, Estimate]]:
    for model in evaluation.models:
        for name, estimate in model.metrics.items():
            yield METRIC[name].title, estimate
        for estimate in model.class_auc:
            yield METRIC["class_auc"].title, estimate
        yield from _stability(model)
        yield from _trust(model)
        yield from _limit(model)
    for comparison in evaluation.comparisons:
        yield "Difference between two models", comparison.difference
    if evaluation.utility:
        for benefit in evaluation.utility.net_benefit:
            yield METRIC["utility.net_benefit"].title, benefit.gain
        for estimate in evaluation.utility.differences.values():
            yield METRIC["utility.differences"].title, estimate
    single = {
        METRIC["detectable"].title: evaluation.detectable,
        METRIC["difference"].title: evaluation.difference,
        "AUC of the ideal observer": evaluation.ideal,
    }
    yield from ((name, estimate) for name, estimate in single.items() if estimate)


def _stability(model: ModelResult) -> Iterator[tuple[str, Estimate]]:
    if model.stability:
        yield "Out-of-fold AUC, mean of folds", model.stability.fold_mean
        yield "Training minus out-of-fold AUC", model.stability.training_gap
        if model.stability.flips:
            yield METRIC["stability.flips"].title, model.stability.flips
        if model.stability.selection:
            yield "Agreement of the selected features", model.stability.selection.agreement


def _limit(model: ModelResult) -> Iterator[tuple[str, Estimate]]:
    if model.efficiency:
        yield METRIC["efficiency"].title, model.efficiency
    if model.above_ideal:
        yield METRIC["above_ideal"].title, model.above_ideal


def _trust(model: ModelResult) -> Iterator[tuple[str, Estimate]]:
    for point in model.operating_points:
        for name, estimate in point.metrics.items():
            yield METRIC[name].title, estimate
    if model.calibration:
        yield METRIC["calibration.intercept"].title, model.calibration.intercept
        yield METRIC["calibration.slope"].title, model.calibration.slope
        yield (
            METRIC["calibration.expected_to_observed"].title,
            model.calibration.expected_to_observed,
        )
        if model.calibration.distance:
            yield METRIC["calibration.distance"].title, model.calibration.distance.ici
        for bin_ in model.calibration.reliability:
            yield "Reliability curve", bin_.observed
    if model.prediction_sets:
        yield METRIC["prediction_sets.coverage"].title, model.prediction_sets.coverage
    if model.risk_coverage:
        yield METRIC["risk_coverage.area"].title, model.risk_coverage.area


def flatten_options(params: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return dotted option name → value as JSON; strings stand bare.

    Args:
        params: Nested mappings of choices and values.
        prefix: Name of the enclosing option, with its dot.
    """
    lines: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, Mapping):
            lines |= flatten_options(value, f"{prefix}{name}.")
        else:
            bare = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            lines[f"{prefix}{name}"] = bare
    return lines
