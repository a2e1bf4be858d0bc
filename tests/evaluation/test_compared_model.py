"""Differences of AUC with their p values, of two classes and of more."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm, t

from tests.evaluation.scenario import reference, scored
from tests.statistics.paired import LABEL, OTHER_PROBABILITY, PROBABILITY, TABLE

CASES = reference(LABEL)


def binary(score, probability):
    stacked = np.stack([1 - probability, probability], axis=1)[None]
    return scored(CASES, stacked, TABLE[[score]].to_numpy(dtype=np.float64).T)


A, B = binary("score_a", PROBABILITY), binary("score_b", OTHER_PROBABILITY)


def test_p_value_equals_r_proc():
    errors = norm.isf(0.000567612968564 / 2)  # pROC's quantile is normal
    for found in (A.subtract(B), B.subtract(A)):
        assert found.p() == pytest.approx(2 * t.sf(errors, found.variation.degrees))


@pytest.mark.parametrize("last", [17.5, 41.0])  # nearly perfect, and perfect
def test_a_nearly_perfect_model_of_few_patients_beats_chance_as_by_mann_and_whitney(last):
    label = np.arange(20) % 2
    score = np.where(label == 1, 40.0, 0.0) + np.arange(20.0)
    score[1], score[18] = last, 18.5
    cases = reference(label)
    probability = np.stack([1 - score / 60, score / 60], axis=1)[None]
    model = scored(cases, probability, score[None])
    test = mannwhitneyu(
        score[label == 1], score[label == 0], method="asymptotic", use_continuity=False
    )
    errors = norm.isf(test.pvalue / 2)  # its quantile is normal
    p = model.predicted.test_chance(model.figure, model.scored)
    assert p == pytest.approx(2 * t.sf(errors, model.figure.variation.degrees))
    assert test.pvalue < 0.001


def drawn_repeats(spread, seed, folds=0):
    """Three classes, five trainings whose strength varies."""
    rng = np.random.default_rng(seed)
    label = np.arange(240) % 3
    cases = reference(label, classes=("a", "b", "c"))
    own = rng.normal(size=(240, 3))
    strengths = 1.0 + spread * np.linspace(-1, 1, 5)
    weight = np.exp(strengths[:, None, None] * np.eye(3)[label] + own)
    return scored(cases, weight / weight.sum(axis=2, keepdims=True), folds=folds)


def test_with_more_classes_trainings_and_folds_widen_the_difference_too():
    calm, other = drawn_repeats(0.0, 1), drawn_repeats(0.0, 2)
    restless = drawn_repeats(0.8, 1)
    narrow, wide = calm.subtract(other).variation, restless.subtract(other).variation
    assert (narrow.scope, narrow.repeats) == ("procedure", 5)
    assert wide.trainings == pytest.approx(restless.figure.values.var(ddof=1) / 5)
    assert wide.half_width > narrow.half_width
    folded = drawn_repeats(0.0, 1, folds=3).subtract(drawn_repeats(0.0, 2, folds=3)).variation
    assert folded.variance == pytest.approx(narrow.variance * (1 / 5 + 3 / 2))
    assert "overlapping" in drawn_repeats(0, 1, 3).subtract(other).estimate().method


def test_unequal_numbers_of_repeats_are_averaged_first():
    five = drawn_repeats(0.5, 1)
    cases = reference(five.scored.label, classes=("a", "b", "c"))
    three = scored(cases, five.scored.estimate[:3])
    found = five.subtract(three)
    assert found.variation.scope == "fits"
    assert found.estimate().value == pytest.approx(five.figure.value - three.figure.value)
