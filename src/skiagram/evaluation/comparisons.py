"""Differences between pairs of models that the options name."""

from collections.abc import Mapping, Sequence

from skiagram.errors import OptionError
from skiagram.evaluation.metrics import auc_difference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Comparison, Estimate
from skiagram.evaluation.setting import Setting


def comparisons(
    pairs: Sequence[tuple[str, str]], scored: Mapping[str, Scores | None], setting: Setting
) -> tuple[Comparison, ...]:
    """Estimate AUC of the first minus that of the second model of each pair.

    Args:
        pairs: Names of models.
        scored: Every model's scores on the reported cases; None for a failed model.
        setting: What the models are measured against.

    Raises:
        OptionError: A pair names a model that is not in the run, or one model twice.
    """
    return tuple(_comparison(model, other, scored, setting) for model, other in pairs)


def _comparison(
    model: str, other: str, scored: Mapping[str, Scores | None], setting: Setting
) -> Comparison:
    for name in (model, other):
        if name not in scored or model == other:
            raise OptionError(
                f"`{name}` is compared with itself" if name in scored else f"no model `{name}`",
                where="evaluate.compare",
                allowed=f"two of {', '.join(scored)}",
                remedy="add the model to `baselines` or `networks`, or change the pair",
            )
    one, two = scored[model], scored[other]
    if one is None or two is None:
        failed = model if one is None else other
        return Comparison(model, other, Estimate(None, reason=f"{failed} could not be trained"))
    return Comparison(model, other, auc_difference(one, two, setting.cases, setting.draws))
