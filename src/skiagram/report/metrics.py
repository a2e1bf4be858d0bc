"""The few figures that `dvc metrics show` and `diff` put side by side; the rest is in the record."""

from skiagram.evaluation.results import Estimate, Evaluation

_DIGITS = 4


def metrics(evaluation: Evaluation) -> dict[str, dict[str, dict[str, float]]]:
    """Return model → metric → `value`, `low`, `high`, rounded to four digits.

    The arms' comparison stands under `best network minus best baseline`. What could not be computed
    is left out here; the whole record says why.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for model in evaluation.models:
        estimates = {**model.metrics, "selection_auc": model.selection_auc}
        if model.efficiency is not None:
            estimates["efficiency"] = model.efficiency
        if model.stability is not None:
            estimates["training_gap"] = model.stability.training_gap
        known = {name: _figures(one) for name, one in sorted(estimates.items())}
        found[model.outcome.model] = {name: one for name, one in known.items() if one}
    if evaluation.difference is not None:
        difference = {"roc_auc": _figures(evaluation.difference)}
        found["best network minus best baseline"] = difference
    return found


def _figures(estimate: Estimate) -> dict[str, float]:
    bounds = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: round(value, _DIGITS) for name, value in bounds.items() if value is not None}
