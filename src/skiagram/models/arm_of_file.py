"""Which arm the config of a model belongs to: whether params.yaml names it as baseline or network.

Stages and the checks before a run ask here; no model is imported.
"""

from collections.abc import Mapping
from typing import Any

from skiagram.errors import refusal

CLASSES = {  # choice → where the classes of its models stand; models of users stand elsewhere
    "baselines": ("skiagram.models.classical.", "skiagram.models.reader."),
    "networks": ("skiagram.models.deep.",),
}
OTHER_ARM = {"baselines": "networks", "networks": "baselines"}
_KINDS = {"baselines": "a classical model", "networks": "a network"}
_STAGES = {"baselines": "train_baseline", "networks": "train_network"}


def fitted_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find the options of the model that is fitted: of a tuned one those that are searched."""
    fitted = options.get("model")
    return fitted if isinstance(fitted, Mapping) else options


def encoding_of(values: Mapping[str, Any]) -> str | None:
    """Find the encoder whose numbers a model reads; None where it reads none."""
    return fitted_options(values).get("encoding")


def target_of(values: Mapping[str, Any]) -> str:
    """Find the class of a model, with its module; of a tuned one that of the model that is tuned.

    Empty where the config names none.
    """
    return str(fitted_options(values).get("_target_", ""))


def require_arm(name: str, values: Mapping[str, Any], arm: str, *, stage: bool = False) -> None:
    """Refuse a network among the classical models, or the other way round.

    Args:
        name: The model's config.
        values: What it holds.
        arm: The choice that names it, `baselines` or `networks`.
        stage: Whether a stage was told to train it, so that another stage is what is meant.

    Raises:
        OptionError: It belongs to the other arm.
    """
    other = OTHER_ARM[arm]
    # The class tells which of both stages trains the model.
    if target_of(values).startswith(CLASSES[other]):
        of_choice = f"name it among `{other}` (`--{other} {name}`)"
        of_stage = f"run `python pipeline/{_STAGES[other]}.py model={name}`"
        raise refusal(
            "models.model_of_other_arm",
            f"{_STAGES[arm]}.model" if stage else arm,
            name=name,
            kind_here=_KINDS[other],
            kind_wanted=_KINDS[arm],
            remedy=of_stage if stage else of_choice,
        )
