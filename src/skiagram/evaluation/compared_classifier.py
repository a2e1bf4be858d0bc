"""A model of classes, compared: its AUC, resampled and as placements, and its decisions."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skiagram.evaluation.evaluation_set import EvaluationSet
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import (
    auc_of_repeats,
    auc_placements,
    binary_placements,
    estimate_auc,
    missing_pairs,
)
from skiagram.evaluation.scores import Scores, align_scores
from skiagram.records.predictions import Predictions
from skiagram.statistics.bootstrap import MeanOverRepeats, PatientDraws
from skiagram.statistics.distributions import mean_ranks
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.significance import McNemar, mcnemar
from skiagram.statistics.variation import Variation, over_folds, over_trainings, overlap_factor
from skiagram.tasks.outcome import OutcomePlot

Floats = NDArray[np.float64]
SAME_ORDER = "the two order all cases alike"
_REPLICATES = 400  # of a standard error out of fold, with more than two classes


@dataclass(frozen=True)
class ComparedClassifier:
    """One model on the reported cases; all of a run share the resamples, so pairs are paired."""

    scores: Scores
    cases: LabelledCases
    draws: PatientDraws
    primary: ClassVar[str] = "roc_auc"
    lower_is_better: ClassVar[bool] = False
    chance: ClassVar[float | None] = 0.5
    chance_rule: ClassVar[str] = ""

    @classmethod
    def on(cls, setting: EvaluationSet, model: Predictions) -> "ComparedClassifier":
        """Line the scores of a model up with the reported cases."""
        return cls(align_scores(model, setting.part, setting.cases), setting.cases, setting.draws)

    def out_of_fold(self, setting: EvaluationSet, model: Predictions) -> "ComparedClassifier":
        """Line the held-out scores of the same model up with the development cases."""
        known = setting.development
        scores = align_scores(model, "out_of_fold", known)
        return ComparedClassifier(scores, known, known.draws(_REPLICATES, setting.seed))

    def select(self, rows: NDArray[np.bool_], setting: EvaluationSet) -> "ComparedClassifier":
        """Return the same on some of the cases, with resamples of their own."""
        cases = self.cases.select(rows)
        draws = cases.draws(self.draws.replicates, setting.seed)
        return ComparedClassifier(self.scores.select(rows), cases, draws)

    def on_site(self, rows: NDArray[np.bool_]) -> Linearised | None:
        """Return the placements of cases that one fit of each repeat scored; None for none."""
        scores = replace(self.scores.select(rows), folds=0, fit=None)
        return auc_placements(scores, self.cases.select(rows))

    def ideal(self, setting: EvaluationSet) -> Linearised | None:
        """Return the placements of the ideal observer; None but on generated data."""
        return setting.ideal_observer()

    def estimate(self) -> Estimate:
        """Return the AUC with its interval, or why there is none."""
        return self._estimate

    @cached_property
    def _estimate(self) -> Estimate:
        return estimate_auc(self.scores, self.cases, self.draws)

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

    def orders_as(self, other: "ComparedClassifier") -> bool:
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

    def subtract(self, other: "ComparedClassifier") -> "AucDifference":
        """Estimate a difference by paired DeLong, or by bootstrap with more than two classes.

        The bootstrap gives the standard error alone: for differences of equal models the
        percentiles of the resamples exclude 0 too often.
        """
        cases = self.cases
        missing = missing_pairs(self.scores, cases) or missing_pairs(other.scores, cases)
        if missing:
            return AucDifference(Estimate(None, reason=missing), Variation(0.0))
        if self.orders_as(other):
            trainings = max(len(each.scores.probability) for each in (self, other))
            again = trainings > 1 or _folds(self, other) > 0
            variation = Variation(0.0, scope="procedure" if again else "fits", repeats=trainings)
            return AucDifference(Estimate(0.0, 0.0, 0.0, SAME_ORDER), variation)
        first, second = self.placements, other.placements
        if first is not None and second is not None:
            difference = first - second
            return AucDifference(difference.estimate(), difference.variation)
        value = self.auc - other.auc
        if 2 * np.isfinite(self.resampled_auc - other.resampled_auc).sum() < self.draws.replicates:
            method = "no interval: too few patients of a class to resample"
            return AucDifference(Estimate(value, method=method), Variation(0.0))
        variation = _bootstrapped_variation(self, other)
        low, high = max(-1.0, value - variation.half), min(1.0, value + variation.half)
        overlapping = ", widened for overlapping training sets" if _folds(self, other) else ""
        method = f"bootstrap standard error by patient{overlapping}{variation.words}"
        return AucDifference(Estimate(value, low, high, method), variation)

    def list_parts(self) -> dict[str, Linearised]:
        """Return nothing: classes exclude each other, so that their AUCs are no questions apart."""
        return {}

    def list_plots(self) -> tuple[OutcomePlot, ...]:
        """Return nothing: curves of classes are figures of the run."""
        return ()

    def compare_decisions(self, other: "ComparedClassifier") -> McNemar:
        """Return how often each alone names the right class, with McNemar's p."""
        folds = max(self.scores.folds, other.scores.folds)
        return mcnemar(self.correct, other.correct, self.cases.patient, folds)

    @property
    def _metric(self) -> MeanOverRepeats:
        return auc_of_repeats(self.scores, self.cases)


def require_classifier(compared: Any) -> ComparedClassifier:
    """Return a compared model that tells classes apart; another one is a fault of the program."""
    if not isinstance(compared, ComparedClassifier):
        raise TypeError("this is asked of classes alone")
    return compared


@dataclass(frozen=True)
class AucDifference:
    """AUC of one model minus that of another on the same cases."""

    value: Estimate
    variation: Variation

    def estimate(self) -> Estimate:
        """Return it with its interval, or why there is none."""
        return self.value

    def p(self) -> float | None:
        """Return the two-sided p value of no difference, or None where it cannot be told."""
        return None if self.value.value is None else self.variation.p(self.value.value)


def _bootstrapped_variation(
    model: ComparedClassifier, other: ComparedClassifier | None = None
) -> Variation:
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


def _folds(model: ComparedClassifier, other: ComparedClassifier | None) -> int:
    return max(model.scores.folds, other.scores.folds if other else 0)
