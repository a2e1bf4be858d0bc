"""The few figures that `dvc metrics` and `dvc exp show` put side by side, a column each."""

from skiagram.evaluation.results import Estimate, Evaluation

_DIGITS = 4
_SHOWN = ("roc_auc", "balanced_accuracy")


def metrics(evaluation: Evaluation) -> dict[str, dict[str, float]]:
    """Return model → figure, rounded to four digits.

    The comparison of the arms, with its interval, stands under `best_network_minus_baseline`. What
    could not be computed is left out; the whole record says why.
    """
    found: dict[str, dict[str, float]] = {}
    for model in evaluation.models:
        chosen = {name: model.metrics.get(name) for name in _SHOWN}
        chosen["selection_auc"] = model.selection_auc
        found[model.outcome.model] = _known({name: _value(one) for name, one in chosen.items()})
    if evaluation.difference is not None:
        one = evaluation.difference
        bounds = {"roc_auc": one.value, "low": one.low, "high": one.high}
        found["best_network_minus_baseline"] = _known(bounds)
    return found


def _value(estimate: Estimate | None) -> float | None:
    return None if estimate is None else estimate.value


def _known(figures: dict[str, float | None]) -> dict[str, float]:
    return {name: round(value, _DIGITS) for name, value in figures.items() if value is not None}
