"""What of a model is compared: its AUC, resampled and as placements, and its decisions."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import auc_of_repeats, binary_placements, missing_pairs
from skiagram.evaluation.scores import Scores, align_scores
from skiagram.records.predictions import Predictions
from skiagram.statistics.bootstrap import MeanOverRepeats, PatientDraws
from skiagram.statistics.distributions import mean_ranks
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.variation import Variation, over_folds, over_trainings, overlap_factor

Floats = NDArray[np.float64]
SAME_ORDER = "the two order all cases alike"


@dataclass(frozen=True)
class ComparedModel:
    """One model on the reported cases; all of a run share the resamples, so pairs are paired."""

    scores: Scores
    cases: LabelledCases
    draws: PatientDraws

    @classmethod
    def on(cls, setting: EvaluationSet, model: Predictions) -> "ComparedModel":
        """Line the scores of a model up with the reported cases."""
        return cls(align_scores(model, setting.part, setting.cases), setting.cases, setting.draws)

    @cached_property
    def placements(self) -> Linearised | None:
        """Return the placements of a binary task, or None where an AUC has none."""
        return binary_placements(self.scores, self.cases)

    @cached_property
    def auc(self) -> float:
        """Return the AUC, one-vs-rest with more than two classes; NaN where a class is absent."""
        return float(self.repeated_auc.mean())

    @cached_property
    def repeated_auc(self) -> Floats:
        """Return (repeats,) the AUC of each training; NaN where a class is absent."""
        areas: Floats = self._metric.of_each(np.ones((1, len(self.cases))))[:, 0]
        return areas

    @cached_property
    def resampled_auc(self) -> Floats:
        """Return (replicates,) the AUC on each resample of patients; NaN where a class lacks."""
        averaged: Floats = self.resampled_auc_of_each.mean(axis=0)
        return averaged

    @cached_property
    def resampled_auc_of_each(self) -> Floats:
        """Return (repeats, replicates) the AUC of each training on each resample of patients."""
        return np.concatenate([self._metric.of_each(rows) for rows in self.draws.weights()], axis=1)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Return (repeats, n) whether the most probable class is the true one."""
        return np.asarray(self.scores.probability.argmax(axis=2) == self.cases.label)

    def orders_as(self, other: "ComparedModel") -> bool:
        """Return whether both order all cases alike in every repeat: the AUCs never differ."""
        scores, other_scores = self.scores, other.scores
        if scores.ranking is None or other_scores.ranking is None:
            return np.array_equal(scores.probability, other_scores.probability)
        if scores.ranking.shape != other_scores.ranking.shape:
            return False
        return all(
            np.array_equal(mean_ranks(first[rows]), mean_ranks(second[rows]))
            for first, second, fit in zip(
                scores.ranking, other_scores.ranking, scores.fits, strict=True
            )
            for rows in ([slice(None)] if fit is None else [fit == k for k in np.unique(fit)])
        )

    @cached_property
    def variation(self) -> Variation:
        """Return the variation of the AUC; by resamples where it has no placements."""
        return self.placements.variation if self.placements else _bootstrapped_variation(self)

    @property
    def above_chance(self) -> float | None:
        """Return the two-sided p value of an AUC of ½, or None where not defined.

        The variance is at least that of scores without use, (m + n + 1) / 12mn for m and n cases
        of the classes (Mann & Whitney 1947). On the logit the test would lose its power where a
        model is nearly perfect (Hauck & Donner 1977).
        """
        if not 0 < self.auc < 1:
            return None
        variation = self.variation
        if self.placements is not None:
            m, n = np.bincount(self.cases.label)
            useless = (m + n + 1) / (12 * m * n)
            if folds := self.scores.folds:
                useless *= overlap_factor(folds, variation.repeats)
            variation = replace(variation, variance=max(variation.variance, useless))
        return variation.p(self.auc - 0.5)

    @property
    def _metric(self) -> MeanOverRepeats:
        return auc_of_repeats(self.scores, self.cases)


@dataclass(frozen=True)
class AucDifference:
    """AUC of one model minus that of another on the same cases."""

    estimate: Estimate
    variation: Variation

    @property
    def p(self) -> float | None:
        """Return the two-sided p value of no difference, or None where it cannot be told."""
        return None if self.estimate.value is None else self.variation.p(self.estimate.value)


def compare_auc(model: ComparedModel, other: ComparedModel) -> AucDifference:
    """Estimate a difference by paired DeLong, or by bootstrap with more than two classes.

    The bootstrap gives the standard error alone: for differences of equal models the percentiles of
    the resamples exclude 0 too often.
    """
    cases = model.cases
    missing = missing_pairs(model.scores, cases) or missing_pairs(other.scores, cases)
    if missing:
        return AucDifference(Estimate(None, reason=missing), Variation(0.0))
    if model.orders_as(other):
        trainings = max(len(each.scores.probability) for each in (model, other))
        again = trainings > 1 or _folds(model, other) > 0
        variation = Variation(0.0, scope="procedure" if again else "fits", repeats=trainings)
        return AucDifference(Estimate(0.0, 0.0, 0.0, SAME_ORDER), variation)
    first, second = model.placements, other.placements
    if first is not None and second is not None:
        difference = first - second
        return AucDifference(difference.estimate(), difference.variation)
    value = model.auc - other.auc
    if 2 * np.isfinite(model.resampled_auc - other.resampled_auc).sum() < model.draws.replicates:
        method = "no interval: too few patients of a class to resample"
        return AucDifference(Estimate(value, method=method), Variation(0.0))
    variation = _bootstrapped_variation(model, other)
    low, high = max(-1.0, value - variation.half), min(1.0, value + variation.half)
    overlapping = ", widened for overlapping training sets" if _folds(model, other) else ""
    method = f"bootstrap standard error by patient{overlapping}{variation.words}"
    return AucDifference(Estimate(value, low, high, method), variation)


def _bootstrapped_variation(model: ComparedModel, other: ComparedModel | None = None) -> Variation:
    """Return the variation, from resamples, of an AUC or of a difference of two.

    Unequal numbers of repeats are averaged first.
    """
    figures, resampled = model.repeated_auc, model.resampled_auc_of_each
    if other is not None:
        repeats = {len(figures), len(other.repeated_auc)}
        if len(repeats - {1}) > 1:
            figures = (figures.mean() - other.repeated_auc.mean()).reshape(1)
            resampled = (model.resampled_auc - other.resampled_auc)[None]
        else:
            figures = figures - other.repeated_auc
            resampled = resampled - other.resampled_auc_of_each
    resampled = resampled[:, np.isfinite(resampled).all(axis=0)]
    degrees, folds = model.draws.degrees, _folds(model, other)
    if folds:
        of_one = float(resampled.var(axis=1, ddof=1).mean())
        return over_folds(of_one, degrees, folds, len(resampled))
    return over_trainings(float(resampled.mean(axis=0).var(ddof=1)), degrees, figures)


def _folds(model: ComparedModel, other: ComparedModel | None) -> int:
    return max(model.scores.folds, other.scores.folds if other else 0)
