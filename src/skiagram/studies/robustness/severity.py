"""How each model's AUC falls as images get worse, and which model loses least.

All changes are paired by patient.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from skiagram.evaluation.calibration_assessment import expected_to_observed
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import binary_placements, estimate_operating_point
from skiagram.evaluation.scores import Scores
from skiagram.statistics.delong import Placements, auc_estimate, combination
from skiagram.statistics.estimate import Estimate
from skiagram.studies.candidates import StudiedModel
from skiagram.studies.robustness.fits import TestedModel

Terms = list[tuple[float, Placements]]  # of a weighted sum of AUCs


@dataclass(frozen=True)
class Figures:
    """One model on the reported cases under one condition.

    Attributes:
        expected_to_observed: Expected over observed number of positives; 1 is perfect.
    """

    auc: Estimate
    change: Estimate
    sensitivity: Estimate
    specificity: Estimate
    expected_to_observed: Estimate


@dataclass(frozen=True)
class SeverityCurve:
    """One model under one corruption.

    Attributes:
        mean_change: Mean change in AUC over all amounts, paired by patient.
        holds_to: Greatest amount up to which each loss is surely below the margin; None where
            the first already is not.
        breaks_at: Least amount whose loss surely exceeds the margin; None where none does.
    """

    figures: tuple[Figures, ...]
    mean_change: Estimate
    holds_to: float | None
    breaks_at: float | None


@dataclass(frozen=True)
class CorruptionKind:
    """One corruption that was tried: its name among the options, and what its amounts count."""

    name: str
    title: str
    unit: str
    amounts: tuple[float, ...]


@dataclass(frozen=True)
class CorruptedModel(StudiedModel):
    """One model under all corruptions of one data set.

    Attributes:
        reason: Why it has no figures; empty when it has.
        behind: Mean change minus that of the model that loses least; None for that one.
    """

    reason: str
    clean: Figures | None
    mean_change: Estimate
    behind: Estimate | None
    curves: tuple[SeverityCurve, ...]


def model_results(
    models: Sequence[TestedModel],
    kinds: Sequence[CorruptionKind],
    cases: LabelledCases,
    margin: float,
) -> tuple[CorruptedModel, ...]:
    """Return the result of each model.

    Args:
        models: Scores clean, then under every amount of every corruption in turn.
    """
    ranked = [place_conditions(scores, cases) for _, scores in models]
    terms = [_mean_change(placed) if placed else None for placed in ranked]
    changes = [
        Estimate(None, reason=outcome.reason) if term is None else weighted_auc(term)
        for (outcome, _), term in zip(models, terms, strict=True)
    ]
    known = [index for index, change in enumerate(changes) if change.value is not None]
    first = max(known, key=lambda index: changes[index].value or 0.0, default=None)
    least = None if first is None else terms[first]
    results = []
    for index, ((outcome, scores), placed) in enumerate(zip(models, ranked, strict=True)):
        behind, own = None, terms[index]
        if own is not None and least is not None and index != first:
            behind = weighted_auc([*own, *((-factor, each) for factor, each in least)])
        clean, curves = None, []
        if placed:
            unchanged, *placements = placed
            clean, *worse = (
                compute_figures(*condition, unchanged, cases)
                for condition in zip(scores, placed, strict=True)
            )
            steps = iter(zip(worse, placements, strict=True))
            for kind in kinds:
                figures, of_kind = zip(*islice(steps, len(kind.amounts)), strict=True)
                curves.append(severity_curve(kind.amounts, figures, (unchanged, *of_kind), margin))
        head = (outcome.model, outcome.title, outcome.arm, outcome.reason)
        results.append(CorruptedModel(*head, clean, changes[index], behind, tuple(curves)))
    return tuple(results)


def place_conditions(scores: Sequence[Scores], cases: LabelledCases) -> list[Placements]:
    """Return what the AUCs of one model are means of, a condition each; empty without an AUC."""
    placed = [binary_placements(condition, cases) for condition in scores]
    return [placements for placements in placed if placements is not None]


def severity_curve(
    amounts: Sequence[float],
    figures_by_amount: Sequence[Figures],
    placements: Sequence[Placements],
    margin: float,
) -> SeverityCurve:
    """Return one model under one corruption, and where it breaks.

    Args:
        placements: On the images as they are, then at each amount.
    """
    holds_to, breaks_at, holding = None, None, True
    for amount, figures in zip(amounts, figures_by_amount, strict=True):
        low, high = figures.change.low or 0.0, figures.change.high or 0.0
        holding = holding and low > -margin
        if holding:
            holds_to = amount
        if breaks_at is None and high < -margin:
            breaks_at = amount
    change = weighted_auc(_mean_change(placements))
    return SeverityCurve(tuple(figures_by_amount), change, holds_to, breaks_at)


def compute_figures(
    scores: Scores, placements: Placements, reference: Placements, cases: LabelledCases
) -> Figures:
    """Return the figures of one model under one condition; changes are against the reference."""
    positive = cases.positive or 0
    at_threshold = estimate_operating_point(scores, cases)
    return Figures(
        auc=auc_estimate(placements),
        change=weighted_auc([(1.0, placements), (-1.0, reference)]),
        sensitivity=at_threshold["sensitivity"],
        specificity=at_threshold["specificity"],
        expected_to_observed=expected_to_observed(
            scores.probability[:, :, positive], cases.label == positive, cases.patient
        ),
    )


def weighted_auc(terms: Sequence[tuple[float, Placements]]) -> Estimate:
    """Estimate a weighed sum of AUCs on the same cases, with its paired interval by patient."""
    joined = combination(terms)
    value, half = joined.mean, joined.variation.half
    method = "paired DeLong" + (", clustered by patient" if joined.clustered else "")
    return Estimate(value, value - half, value + half, method)


def _mean_change(placements: Sequence[Placements]) -> Terms:
    """Return the terms of the mean change from the first placements, of clean images."""
    clean, *worse = placements
    return [*((1 / len(worse), each) for each in worse), (-1.0, clean)]
