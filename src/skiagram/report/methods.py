"""How each figure was made, gathered from the estimates themselves."""

from collections.abc import Iterator

from skiagram.evaluation.results import Estimate, Evaluation

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
        if model.stability:
            yield "out-of-fold AUC, mean of folds", model.stability.fold_mean
            yield "training gap", model.stability.training_gap
        for estimate in model.class_auc:
            yield "AUC of one class against the rest", estimate
        if model.efficiency:
            yield "efficiency", model.efficiency
        if model.above_ideal:
            yield "AUC minus the ideal observer's", model.above_ideal
    if evaluation.difference:
        yield "best network minus best baseline", evaluation.difference
    for comparison in evaluation.comparisons:
        yield "difference of two models", comparison.difference
    if evaluation.ideal:
        yield "AUC of the ideal observer", evaluation.ideal
