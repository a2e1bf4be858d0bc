"""Pairs of models that the options name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from skiagram.errors import OptionError
from skiagram.evaluation.comparison.contenders import Contender
from skiagram.evaluation.comparison.family import compare
from skiagram.evaluation.results import Comparison, Estimate


def asked(
    pairs: Sequence[tuple[str, str]],
    models: Sequence[str],
    contenders: Mapping[str, Contender],
    secondary: Sequence[Comparison],
    margin: float,
) -> tuple[Comparison, ...]:
    """Compare the first with the second model of each pair.

    Args:
        pairs: Names of models.
        models: All models of the run.
        contenders: Those that were trained → what is compared.
        secondary: The secondary comparisons, whose corrected p values are taken over.
        margin: Smallest AUC difference that counts.

    Raises:
        OptionError: A pair names a model that is not in the run, or one model twice.
    """
    corrected = {frozenset((one.model, one.other)): one.p_holm for one in secondary}
    found = []
    for model, other in pairs:
        _check(model, other, models)
        untrained = [name for name in (model, other) if name not in contenders]
        if untrained:
            missing = Estimate(None, reason=f"{untrained[0]} could not be trained")
            found.append(Comparison(model, other, missing))
        else:
            one = compare(model, other, contenders, margin)
            found.append(replace(one, p_holm=corrected.get(frozenset((model, other)))))
    return tuple(found)


def _check(model: str, other: str, models: Sequence[str]) -> None:
    for name in (model, other):
        if name not in models or model == other:
            raise OptionError(
                f"`{name}` is compared with itself" if name in models else f"no model `{name}`",
                where="evaluate.compare",
                allowed=f"two of {', '.join(models)}",
                remedy="add the model to `baselines` or `networks`, or change the pair",
            )
