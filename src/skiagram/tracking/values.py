"""Records become what a tracker takes: options as flat text, figures as named numbers."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from skiagram.evaluation.results import Estimate, ModelResult, Stability
from skiagram.tracking.contract import Point


def flatten(options: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested options as `group.option` → text; lists are joined by commas."""
    flat: dict[str, str] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            flat[f"{prefix}{name}"] = ", ".join(map(str, value))
        else:
            flat[f"{prefix}{name}"] = str(value)
    return flat


def estimate_points(name: str, estimate: Estimate | None) -> list[Point]:
    """Return a figure and its bounds; nothing where it could not be computed."""
    if estimate is None:
        return []
    values = {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return _points(values)


def result_points(result: ModelResult) -> list[Point]:
    """Return all figures of one model; folds and repeats are steps."""
    points: list[Point] = []
    for name, estimate in result.metrics.items():
        points += estimate_points(name, estimate)
    points += estimate_points("selection_auc", result.selection_auc)
    points += estimate_points("efficiency", result.efficiency)
    points += estimate_points("above_ideal", result.above_ideal)
    if result.stability is not None:
        points += _stability_points(result.stability)
    outcome = result.outcome
    costs = {
        "parameters": outcome.parameters,
        "multiply_adds": outcome.multiply_adds,
        "images_seen": outcome.images_seen,
        "fits": outcome.fits,
    }
    return points + _points(costs)


def curve_points(curves: pd.DataFrame) -> list[Point]:
    """Return epoch curves: `<quantity>/<fit>` with the epoch as step.

    Args:
        curves: Columns `fit`, `epoch` and one a quantity; may be empty.
    """
    return [
        Point(f"{quantity}/{fit}", float(value), int(epoch))
        for quantity in curves.columns.drop(["fit", "epoch"])
        for fit, epoch, value in zip(curves["fit"], curves["epoch"], curves[quantity], strict=True)
        if math.isfinite(value)
    ]


def _stability_points(stability: Stability) -> list[Point]:
    points = estimate_points("fold_auc_mean", stability.fold_mean)
    points += estimate_points("training_gap", stability.training_gap)
    points += _points({"fold_auc_sd": stability.fold_sd, "seed_auc_sd": stability.seed_sd})
    points += _steps("fold_auc", stability.fold_auc)
    return points + _steps("seed_auc", stability.seed_auc)


def _steps(name: str, values: Iterable[float]) -> list[Point]:
    return [Point(name, value, step) for step, value in enumerate(values) if math.isfinite(value)]


def _points(values: Mapping[str, float | None]) -> list[Point]:
    return [
        Point(name, float(value))
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    ]
