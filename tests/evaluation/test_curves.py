"""Curves to draw enclose the areas that are reported."""

import numpy as np
import pytest
from sklearn.metrics import auc, roc_auc_score

from skiagram.evaluation.curves import precision_recall, roc

POSITIVE = np.arange(90) < 40


def test_area_under_the_curve_is_the_reported_one() -> None:
    score = np.round(np.random.default_rng(0).normal(size=90) + POSITIVE, 1)
    curve = roc(score[None], POSITIVE)
    assert auc(curve.x, curve.y) == pytest.approx(roc_auc_score(POSITIVE, score))


def test_mean_curve_encloses_about_the_mean_area() -> None:
    scores = np.random.default_rng(0).normal(size=(5, 90)) + POSITIVE
    curve = roc(scores, POSITIVE)
    mean = np.mean([roc_auc_score(POSITIVE, one) for one in scores])
    assert auc(curve.x, curve.y) == pytest.approx(mean, abs=0.02)
    assert np.diff(curve.y).min() >= 0


@pytest.mark.parametrize("repeats", [1, 3])
def test_precision_at_full_recall_is_the_share_of_positives(repeats: int) -> None:
    scores = np.random.default_rng(0).normal(size=(repeats, 90)) + POSITIVE
    curve = precision_recall(scores, POSITIVE)
    assert (curve.x[0], curve.x[-1]) == (0, 1)
    assert 40 / 90 <= curve.y[-1] < 1
