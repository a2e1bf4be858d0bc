"""The order in which tables and figures show the models: arm by arm, as in params.yaml."""

from skiagram.evaluation.results import Evaluation, ModelResult

TITLES = {
    "classical": "Classical features",
    "deep": "Deep networks",
    "combined": "Combinations",
    "reader": "Readers and devices",
}


def by_arm(evaluation: Evaluation) -> list[tuple[str, list[ModelResult]]]:
    """Return (arm, its models) for every arm that has models."""
    groups = [
        (arm, [model for model in evaluation.models if model.outcome.arm == arm]) for arm in TITLES
    ]
    return [(arm, models) for arm, models in groups if models]


def is_best(evaluation: Evaluation, model: ModelResult) -> bool:
    """Return whether the model was chosen for its arm on out-of-fold scores."""
    return evaluation.best.get(model.outcome.arm) == model.outcome.model


def finished(evaluation: Evaluation) -> list[ModelResult]:
    """Return the models that were trained, arm by arm."""
    return [
        model
        for _, models in by_arm(evaluation)
        for model in models
        if model.outcome.status == "finished"
    ]
