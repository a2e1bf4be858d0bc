"""One primary comparison, named before the seal is opened, and the secondary ones around it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from skiagram.evaluation.comparison.contenders import Contender, compared_auc
from skiagram.evaluation.comparison.holm import holm
from skiagram.evaluation.comparison.margin import relation
from skiagram.evaluation.comparison.mcnemar import mcnemar
from skiagram.evaluation.results import Comparison


def compare(
    model: str, other: str, contenders: Mapping[str, Contender], margin: float
) -> Comparison:
    """Compare two models by AUC and by decisions; p values are not corrected."""
    one, two = contenders[model], contenders[other]
    found = compared_auc(one, two)
    return Comparison(
        model,
        other,
        found.estimate,
        p=found.p,
        relation=relation(found.estimate, margin),
        mcnemar=mcnemar(one.right, two.right, one.cases.patient),
    )


def secondary(
    ordered: Sequence[str],
    primary: tuple[str, str] | None,
    contenders: Mapping[str, Contender],
    margin: float,
) -> tuple[Comparison, ...]:
    """Compare every other pair of models and correct the p values of AUC over all of them.

    Args:
        ordered: Models in the order in which they were ranked on out-of-fold scores.
        primary: The pair that is not among them.
        contenders: Model → what is compared.
        margin: Smallest AUC difference that counts.
    """
    pairs = [pair for pair in combinations(ordered, 2) if set(pair) != set(primary or ())]
    found = [compare(*pair, contenders, margin) for pair in pairs]
    tested = [k for k, one in enumerate(found) if one.p is not None]
    corrected = holm(np.array([found[k].p for k in tested], dtype=np.float64))
    for k, p in zip(tested, corrected.tolist(), strict=True):
        found[k] = replace(found[k], p_holm=p)
    return tuple(found)
