"""How each model's AUC falls as images get worse, and which model loses least."""

from collections.abc import Sequence
from itertools import pairwise

from skiagram.evaluation.delong import Placements
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.results import Estimate
from skiagram.studies.robustness.measures import Judged, figures, mean_change, weighed
from skiagram.studies.robustness.results import (
    CorruptionKind,
    Figures,
    ModelResult,
    SeverityCurve,
)


def model_results(
    models: Sequence[Judged], kinds: Sequence[CorruptionKind], cases: Reference, margin: float
) -> tuple[ModelResult, ...]:
    """Return the result of each model.

    Args:
        models: Scores clean, then under every amount of every corruption in turn.
        kinds: The corruptions.
        cases: The reported cases.
        margin: Smallest loss of AUC that counts.
    """
    terms = [
        mean_change(one.placements[1:], one.placements[0]) if one.placements else None
        for one in models
    ]
    changes = [
        Estimate(None, reason=one.outcome.reason) if term is None else weighed(term)
        for one, term in zip(models, terms, strict=True)
    ]
    known = [at for at, one in enumerate(changes) if one.value is not None]
    first = max(known, key=lambda at: changes[at].value or 0.0, default=None)
    results = []
    for at, one in enumerate(models):
        behind, own, least = None, terms[at], None if first is None else terms[first]
        if own is not None and least is not None and at != first:
            behind = weighed([*own, *((-factor, each) for factor, each in least)])
        results.append(_model(one, kinds, cases, margin, changes[at], behind))
    return tuple(results)


def _model(
    one: Judged,
    kinds: Sequence[CorruptionKind],
    cases: Reference,
    margin: float,
    change: Estimate,
    behind: Estimate | None,
) -> ModelResult:
    outcome = one.outcome
    found = [
        figures(scores, placements, one.placements[0], cases)
        for scores, placements in zip(one.scores, one.placements, strict=True)
    ]
    ends = [1]
    for kind in kinds:
        ends.append(ends[-1] + len(kind.amounts))
    curves = [
        severity_curve(kind.amounts, found[start:end], one.placements[start:end],
                       one.placements[0], margin)
        for kind, (start, end) in zip(kinds, pairwise(ends), strict=True)
        if found
    ]  # fmt: skip
    return ModelResult(
        model=outcome.model,
        title=outcome.title,
        arm=outcome.arm,
        reason=outcome.reason,
        clean=found[0] if found else None,
        mean_change=change,
        behind=behind,
        curves=tuple(curves),
    )


def severity_curve(
    amounts: Sequence[float],
    found: Sequence[Figures],
    worse: Sequence[Placements],
    clean: Placements,
    margin: float,
) -> SeverityCurve:
    """Return one model under one corruption, and where it breaks.

    Args:
        amounts: Amounts, ascending.
        found: Figures at each.
        worse: Placements at each.
        clean: Placements on the images as they are.
        margin: Smallest loss of AUC that counts.
    """
    holds_to, breaks_at, holding = None, None, True
    for amount, one in zip(amounts, found, strict=True):
        low, high = one.change.low or 0.0, one.change.high or 0.0
        holding = holding and low > -margin
        if holding:
            holds_to = amount
        if breaks_at is None and high < -margin:
            breaks_at = amount
    change = weighed(mean_change(worse, clean))
    return SeverityCurve(tuple(found), change, holds_to, breaks_at)
