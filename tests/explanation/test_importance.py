"""Importance against scikit-learn's and shap's own values, and models whose weights are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression as Logistic

from skiagram.errors import DataError
from skiagram.explanation.clusters import MOST_FEATURES, cluster_features
from skiagram.explanation.importance import (
    accumulate_local_effects,
    auc_loss,
    compare_rankings,
    estimate_loss,
    group_by_family,
    has_shapley_values,
    linear_effects,
    permuted_rankings,
    rank_features,
    shapley_values,
)
from skiagram.explanation.reliance import measure_reliance
from skiagram.fitting.contract import FitContext, Labelled
from skiagram.models.classical.linear_models import LinearRegression, LogisticRegression
from skiagram.records.feature_table import FeatureTable
from skiagram.tasks.classes import Classes
from tests.models.classical.families import model

N = 120
NAMES = ("glcm_contrast", "glcm_energy", "lbp_0", "lbp_1", "first_order_mean")


def features(seed=0, n=N):
    generator = np.random.default_rng(seed)
    values = generator.normal(3.0, 2.0, (n, len(NAMES)))
    values[:, 1] = 10 * values[:, 0] + generator.normal(0, 0.5, n)
    return FeatureTable(np.array([f"c{k}" for k in range(n)]), NAMES, values.astype(np.float32))


def labels(table):
    noise = np.random.default_rng(9).normal(0, 1, len(table))
    return (table.values[:, 0] - table.values[:, 2] + noise > 0).astype(np.int64)


def fit(untrained, table, columns=NAMES):
    """Fit a model to the labels of a table, which may see some of its columns alone."""
    ids, seen = table.case_id, table.columns(columns)
    known = Labelled(seen, ids, labels(table), ids, Classes(("0", "1")))
    return untrained.fit(known, FitContext(0))


def ranking(fitted):
    def rank(table):
        scores = fitted.scores(table)
        return scores[:, 1] - scores[:, 0]

    return rank


def test_a_group_of_one_feature_loses_what_scikit_learn_says():
    table = features()
    values, label = table.values.astype(np.float64), labels(table)
    logistic = Logistic().fit(values, label)
    theirs = permutation_importance(
        logistic, values, label, scoring="roc_auc", n_repeats=4, random_state=7
    )
    seed = np.random.RandomState(7).randint(np.iinfo(np.int32).max + 1)
    shuffles, order, orders = np.random.RandomState(seed), np.arange(N), []
    place = np.arange(N)
    for _ in range(4):  # scikit-learn shuffles columns that are shuffled already
        shuffles.shuffle(order)
        place = place[order]
        orders.append(place)

    def rank(table):
        return logistic.decision_function(table.values.astype(np.float64))

    changed = permuted_rankings(rank, table, {n: (n,) for n in NAMES}, np.array(orders))
    ours = [auc_loss(rank(table), one, label == 1, table.case_id).value for one in changed]
    assert_allclose(ours, theirs.importances_mean, atol=1e-12)


def test_features_that_go_together_are_permuted_together():
    table = features()
    clusters = cluster_features(table, 0.8)
    assert clusters["glcm_contrast"] == ("glcm_contrast", "glcm_energy")
    assert len(clusters) == 4
    fitted, positive = fit(model("logistic_regression"), table), labels(table) == 1
    orders = np.stack([np.random.default_rng(k).permutation(N) for k in range(5)])
    alone = {"contrast": ("glcm_contrast",), "both": clusters["glcm_contrast"]}
    base = ranking(fitted)(table)
    one, both = (
        auc_loss(base, changed, positive, table.case_id).value
        for changed in permuted_rankings(ranking(fitted), table, alone, orders)
    )
    assert both > one + 0.05


def test_more_features_than_memory_holds_pairs_of_are_refused():
    names = tuple(map(str, range(MOST_FEATURES + 1)))
    wide = FeatureTable(np.array(["a", "b"]), names, np.zeros((2, len(names)), np.float32))
    with pytest.raises(DataError, match=r"5001 features.*5000, or fewer.*`explained`"):
        cluster_features(wide, 0.8)


def test_families_hold_filtered_images_and_modalities():
    names = ("glcm_contrast", "PET.glcm_energy", "log_3mm.glcm_contrast", "age")
    groups = group_by_family(names, ("glcm", "log_3mm", "lbp"))
    assert groups == {
        "glcm": ("glcm_contrast", "PET.glcm_energy"),
        "log_3mm": ("log_3mm.glcm_contrast",),
        "other": ("age",),
    }


TWO = {"method": "auc", "keep": 2}


@pytest.mark.parametrize("changed", [{}, {"components": 3}, {"selection": TWO}])
def test_the_weights_of_a_linear_model_are_found_through_its_steps(changed):
    table = features()
    fitted = fit(model("logistic_regression", **changed), table)
    rank = ranking(fitted)
    effects = linear_effects(rank, table)
    if not changed:  # features have a standard deviation of 1 here: the coefficients themselves
        assert_allclose(effects, 2 * fitted.pipeline[-1].coef_[0], rtol=1e-4)
    values = table.values.astype(np.float64)
    raised = (values + values.std(axis=0)).astype(np.float32)
    up = FeatureTable(table.case_id, NAMES, raised)  # each feature one deviation
    assert_allclose(rank(up) - rank(table), effects.sum(), rtol=1e-3)
    table.values[:, 4] = 1e6 + 0.0625 * (np.arange(N) == 0)  # it varies by less than float32 holds
    assert linear_effects(rank, table)[4] == 0


def test_local_effects_of_a_known_function_are_its_own():
    table = features(n=400)

    def rank(table):
        first, other = table.values[:, 0].astype(np.float64), table.values[:, 2]
        return first**2 + 3 * other  # nothing of the feature that goes with the first

    effect = accumulate_local_effects(rank, table, "glcm_contrast", 20)
    edge, found = np.array(effect.edge), np.array(effect.effect)
    assert_allclose(found - found[0], edge**2 - edge[0] ** 2, atol=1e-3)
    beside = accumulate_local_effects(rank, table, "glcm_energy", 20)
    assert np.abs(beside.effect).max() == 0
    assert accumulate_local_effects(rank, features(n=1), "glcm_energy", 20) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "untrained",
    [
        model("logistic_regression"),
        model("logistic_regression", components=3),
        model("logistic_regression", selection=TWO),
        model("linear_regression"),
        model("decision_tree", max_depth=4),
        model("random_forest"),
    ],
)
def test_shapley_values_add_up_to_the_score(untrained):
    table = features()
    fitted = fit(untrained, table)
    assert has_shapley_values(fitted)
    found = shapley_values(fitted, table.select(np.arange(30)), table, 1)
    assert found.values.shape == (N, len(NAMES))
    assert_allclose(found.values.sum(axis=1) + found.base, found.score, atol=1e-6)
    if isinstance(untrained, LogisticRegression | LinearRegression):
        assert_allclose(found.score, ranking(fitted)(table), rtol=1e-4, atol=1e-5)


def test_shapley_values_of_a_linear_model_are_weight_times_deviation():
    table = features()
    fitted = fit(model("logistic_regression"), table)
    found = shapley_values(fitted, table, table, 1)
    effects = linear_effects(ranking(fitted), table)
    values = table.values.astype(np.float64)
    expected = effects * (values - values.mean(axis=0)) / values.std(axis=0)
    assert_allclose(found.values, expected, rtol=1e-3, atol=1e-4)


def test_shapley_values_of_a_stump_are_those_of_its_two_leaves():
    table = features()
    fitted = fit(model("decision_tree", max_depth=1), table)
    tree = fitted.pipeline[-1].tree_
    leaf = fitted.pipeline[-1].predict_proba(table.values.astype(np.float64))[:, 1]
    found = shapley_values(fitted, table, table, 1)
    used = int(tree.feature[0])
    assert_allclose(found.values[:, used], leaf - leaf.mean(), atol=1e-6)
    assert np.abs(np.delete(found.values, used, axis=1)).max() == 0


def test_boosting_is_explained_in_log_odds():
    table = features()
    fitted = fit(model("histogram_boosting", max_iter=10, l2_regularization=0.0), table)
    found = shapley_values(fitted, table.select(np.arange(40)), table, 1)
    assert_allclose(found.values.sum(axis=1) + found.base, found.score, atol=1e-4)
    assert_allclose(found.score, ranking(fitted)(table) / 2, atol=1e-6)


def test_equal_rankings_agree_fully_and_random_ones_do_not():
    generator = np.random.default_rng(0)
    same = compare_rankings(np.tile(np.arange(40.0), (3, 1)), 5)
    other = compare_rankings(generator.normal(size=(6, 40)), 5)
    assert (same.spearman, same.kendall, same.jaccard) == pytest.approx((1, 1, 1))
    assert abs(other.spearman) < 0.15
    assert other.jaccard < 0.3
    assert compare_rankings(np.ones((1, 4)), 2) is None


@pytest.mark.slow
def test_the_interval_over_patients_is_the_bootstraps():
    generator = np.random.default_rng(1)
    n = 300
    positive, patient = np.arange(n) % 2 == 0, np.arange(n) // 4
    base = positive * 1.2 + generator.normal(size=n)
    changed = positive * 0.6 + generator.normal(size=(3, n))
    loss = auc_loss(base, changed, positive, patient)
    judged = estimate_loss([loss], 1, 0.5).over_patients
    found = []
    for _ in range(400):
        drawn = generator.integers(patient.max() + 1, size=patient.max() + 1)
        rows = np.concatenate([np.flatnonzero(patient == one) for one in drawn])
        found.append(auc_loss(base[rows], changed[:, rows], positive[rows], patient[rows]).value)
    assert (judged.high - judged.low) / (4 * np.std(found)) == pytest.approx(0.98, abs=0.12)


def test_relatives_of_a_feature_are_left_out_of_the_first_few():
    clusters = [{"a": ("a", "b"), "c": ("c",)}] * 2 + [{"a": ("a",), "b": ("b", "c")}]
    assert rank_features({"a": 0.3, "b": 0.29, "c": 0.1}, clusters) == ["a", "c"]


def test_a_model_rests_on_the_features_of_its_labels_and_those_that_go_with_them():
    table = features()
    fitted = fit(model("logistic_regression"), table)
    found = measure_reliance("Logistic regression", fitted, table, True, 0)
    assert (found.cases, found.unseen, found.clusters) == (80, True, 4)
    first = {each.feature: each.relatives for each in found.features[:2]}
    assert first == {"glcm_contrast": ("glcm_energy",), "lbp_0": ()}
    shares = [each.reordered for each in found.features]
    assert 0.5 > shares[0] >= shares[1] > 2 * shares[2]
    assert found == measure_reliance("Logistic regression", fitted, table, True, 0)


def test_a_model_that_rests_on_one_feature_orders_pairs_by_chance_without_it():
    table = features()
    fitted = fit(model("logistic_regression"), table, NAMES[2:3])
    (only,) = measure_reliance("Logistic regression", fitted, table, True, 0).features
    assert only.feature == "lbp_0"
    assert only.reordered == pytest.approx(0.5, abs=0.05)
