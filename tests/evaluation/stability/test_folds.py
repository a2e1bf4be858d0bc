"""Fold and seed spread against hand calculation and scikit-learn."""

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import scores_on
from skiagram.evaluation.stability.folds import corrected_mean, fold_auc, inner_auc, stability
from tests.evaluation.scenario import Scenario, finished, reference, scenario


def of_development(known: Scenario) -> Reference:
    return reference(known.label[known.cases.split != "test"])


def test_corrected_interval_by_hand() -> None:
    # J = 5, n₂/n₁ = 1/4, s² = .001: half-width t₄ √((.2 + .25) · .001)
    values = np.array([0.80, 0.82, 0.84, 0.86, 0.88])
    found = corrected_mean(values, 0.25, 0.0, 1.0)
    half = t.ppf(0.975, 4) * np.sqrt(0.45 * 0.001)
    assert found.value == pytest.approx(0.84)
    assert (found.low, found.high) == pytest.approx((0.84 - half, 0.84 + half))
    assert half == pytest.approx(0.0589, abs=1e-4)


def test_interval_stays_within_what_an_area_can_be() -> None:
    found = corrected_mean(np.array([0.5, 1.0]), 0.5, 0.0, 1.0)
    assert (found.low, found.high) == (0.0, 1.0)


def test_one_fold_or_none_gives_no_interval() -> None:
    one = corrected_mean(np.array([0.7]), 0.5, 0.0, 1.0)
    assert (one.value, one.low, one.high) == (0.7, None, None)
    none = corrected_mean(np.empty(0), 0.5, 0.0, 1.0)
    assert none.value is None
    assert none.reason


def test_fold_areas_equal_sklearn_repeat_after_repeat() -> None:
    known = scenario()
    model = finished(known, "forest", repeats=2)
    folds = fold_auc(model.predictions, of_development(known))
    label = dict(zip(known.cases.case_id.tolist(), known.label.tolist(), strict=True))
    held_out = model.predictions.part("out_of_fold").table
    expected = [
        roc_auc_score([label[case] for case in rows["case_id"]], rows["score_1"] - rows["score_0"])
        for _, rows in held_out.groupby(["repeat", "fold"])
    ]
    np.testing.assert_allclose(folds.held_out, expected)
    assert folds.ratio == pytest.approx(0.5)


def test_a_model_that_memorises_shows_a_gap() -> None:
    known = scenario()
    model = finished(known, "tree", strength=0.5)
    table = model.predictions.table
    label = dict(zip(known.cases.case_id.tolist(), known.label.tolist(), strict=True))
    seen = (table["part"] == "training").to_numpy()
    table.loc[seen, "score_1"] = table.loc[seen, "case_id"].map(label).astype(float) * 9
    table.loc[seen, "score_0"] = 0.0
    cases = of_development(known)
    scores = scores_on(model, "out_of_fold", cases, pooled=True)
    found = stability(fold_auc(model.predictions, cases), scores, cases)
    assert found.training_gap.value == pytest.approx(1 - np.mean(found.fold_auc))
    assert (found.training_gap.value or 0) > 0.2


def test_seeds_are_spread_apart_from_folds() -> None:
    known = scenario()
    cases = of_development(known)
    for repeats in (1, 4):
        model = finished(known, "net", repeats=repeats)
        scores = scores_on(model, "out_of_fold", cases, pooled=True)
        found = stability(fold_auc(model.predictions, cases), scores, cases)
        assert len(found.seed_auc) == repeats
        assert len(found.fold_auc) == 3 * repeats
        expected = None if repeats == 1 else np.std(found.seed_auc, ddof=1)
        assert found.seed_sd == (None if expected is None else pytest.approx(expected))


def test_inner_selection_ranks_by_probability() -> None:
    known = scenario()
    model = finished(known, "net")
    model.predictions.table["score_1"] = 0.0  # inner scores of several fits share no scale
    found = inner_auc(model.predictions, of_development(known))
    assert found.value is not None
    assert found.value > 0.8
    assert found.low is None


def test_inner_scores_of_one_class_give_a_reason() -> None:
    known = scenario()
    model = finished(known, "net")
    alone = reference(np.zeros(120, dtype=np.int64))
    assert inner_auc(model.predictions, alone).reason == "no inner scores of every class"
