"""Differences of AUC with their p values, by closed form and by bootstrap."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.comparison.contenders import Contender, compared_auc
from skiagram.evaluation.reported import Scores
from tests.evaluation.paired import LABEL, OTHER_PROBABILITY, PROBABILITY, TABLE
from tests.evaluation.scenario import reference

Floats = NDArray[np.float64]
CASES = reference(LABEL)
DRAWS = draw_patients(CASES.patient, 32, 4000, seed=0)


def binary(score: str, probability: Floats) -> Contender:
    stacked = np.stack([1 - probability, probability], axis=1)[None]
    ranking = TABLE[[score]].to_numpy(dtype=np.float64).T
    return Contender(Scores(ranking, stacked, np.full((1, 80), 0.5)), CASES, DRAWS)


A, B = binary("score_a", PROBABILITY), binary("score_b", OTHER_PROBABILITY)


def test_p_value_equals_r_proc() -> None:
    assert compared_auc(A, B).p == pytest.approx(0.000567612968564)
    assert compared_auc(B, A).p == pytest.approx(0.000567612968564)


def test_a_model_against_itself_differs_by_nothing() -> None:
    assert compared_auc(A, A).p == 1


def test_resampled_areas_scatter_as_delong_says() -> None:
    assert A.auc == pytest.approx(roc_auc_score(LABEL, TABLE["score_a"]))
    assert A.placements is not None
    assert A.resampled_auc.var() == pytest.approx(A.placements.variance(), rel=0.1)


def test_with_more_classes_the_resamples_give_the_p_value() -> None:
    rng = np.random.default_rng(0)
    label = np.arange(240) % 3
    cases = reference(label, classes=("a", "b", "c"))
    draws = draw_patients(cases.patient, 80, 1000, seed=0)

    def drawn(strength: float) -> Contender:
        weight = np.exp(strength * np.eye(3)[label] + rng.normal(size=(240, 3)))
        probability = (weight / weight.sum(axis=1, keepdims=True))[None]
        return Contender(Scores(None, probability, np.full((1, 240), np.nan)), cases, draws)

    weak, strong, equal = drawn(0.3), drawn(2.0), drawn(0.3)
    assert (compared_auc(strong, weak).p or 1) < 1e-6
    assert (compared_auc(weak, equal).p or 0) > 0.05
    one = compared_auc(strong, weak).estimate
    assert one.method == "bootstrap standard error by patient"
    assert 0 < (one.low or 0) < (one.value or 0) < (one.high or 0)
