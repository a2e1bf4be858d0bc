"""Models to read say what they print, learn what they are taught, and are what a library fits."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skiagram.features.table import FeatureTable
from skiagram.studies.simplification.simple_models import (
    fit_few_features,
    fit_rule_tree,
    mix_targets,
)


def table(n: int = 300, columns: int = 12, seed: int = 0) -> FeatureTable:
    values = np.random.default_rng(seed).normal(size=(n, columns)) * 10 + 3
    names = tuple(f"first_order_{k}" for k in range(columns))
    return FeatureTable(np.array([f"c{k:03}" for k in range(n)]), names, values.astype(np.float32))


def labels(features: FeatureTable) -> np.ndarray:
    return np.asarray(features.values[:, 2] + features.values[:, 5] > 6, dtype=np.int64)


def one_hot(label: np.ndarray, classes: int = 2) -> np.ndarray:
    return np.asarray(np.eye(classes)[label])


def test_the_features_that_tell_the_classes_are_chosen_and_no_more_than_asked_for() -> None:
    features = table()
    model = fit_few_features(features, one_hot(labels(features)), 2)
    assert set(model.features) == {"first_order_2", "first_order_5"}
    assert model.n_parameters == 3
    assert len(fit_few_features(features, one_hot(labels(features)), 5).features) <= 5


def test_on_labels_the_logistic_model_is_that_of_scikit_learn() -> None:
    features = table()
    label = labels(features)
    model = fit_few_features(features, one_hot(label), 3)
    chosen = features.columns(model.features).values.astype(np.float64)
    standard = (chosen - chosen.mean(axis=0)) / chosen.std(axis=0)
    peer = LogisticRegression(max_iter=5000).fit(standard, label)
    assert np.exp(model.scores(features)) == pytest.approx(peer.predict_proba(standard), abs=1e-3)


def test_on_labels_the_tree_is_that_of_scikit_learn() -> None:
    features = table()
    label = labels(features)
    tree = fit_rule_tree(features, one_hot(label), depth=3, least_cases=10, seed=0)
    peer = DecisionTreeClassifier(max_depth=3, min_samples_leaf=10, random_state=0)
    peer.fit(features.values, label)
    order = np.argsort(tree.scores(features)[:, 1], kind="stable")
    assert np.all(np.diff(peer.predict_proba(features.values)[order, 1]) > -0.02)
    assert tree.n_parameters == peer.tree_.node_count


def test_every_printed_answer_holds_for_the_cases_that_follow_its_questions() -> None:
    features = table()
    label = labels(features)
    tree = fit_rule_tree(features, one_hot(label), depth=2, least_cases=10, seed=0)
    lines = list(tree.lines(1))
    assert (lines[0].depth, lines[0].question) == (0, "all")
    assert lines[0].cases == len(features)
    assert lines[0].probability == pytest.approx(label.mean())
    at_depth_1 = [line for line in lines if line.depth == 1]
    assert sum(line.cases for line in at_depth_1) == len(features)
    first = at_depth_1[0]
    column = features.columns([first.feature]).values[:, 0]
    below = column <= tree.content()["rules"][0]["threshold"]
    assert first.question.startswith("≤")
    assert below.sum() == first.cases
    assert label[below].mean() == pytest.approx(first.probability)


def test_a_taught_model_learns_probabilities_and_not_labels() -> None:
    features = table()
    truth = 1 / (1 + np.exp(-(features.values[:, 0] - 3) / 10))
    taught = np.stack([1 - truth, truth], axis=1)
    wrong = np.random.default_rng(1).integers(0, 2, 300)
    target = mix_targets(taught, wrong, 1.0)
    model = fit_few_features(features, target, 1)
    assert model.features == ("first_order_0",)
    assert np.exp(model.scores(features))[:, 1] == pytest.approx(truth, abs=0.03)
    assert mix_targets(taught, wrong, 0.0) == pytest.approx(one_hot(wrong))


def test_a_missing_value_counts_as_the_median() -> None:
    features = table()
    label = labels(features)
    few = fit_few_features(features, one_hot(label), 3)
    tree = fit_rule_tree(features, one_hot(label), 3, 10, 0)
    holed, middle = features.values[:1].copy(), np.median(features.values, axis=0)
    holed[:] = np.nan
    case = features.case_id[:1]
    for model in (few, tree):
        empty = model.scores(FeatureTable(case, features.names, holed))
        median = model.scores(FeatureTable(case, features.names, middle[None].astype(np.float32)))
        assert empty == pytest.approx(median)


def test_several_classes_have_a_coefficient_each_and_files_are_json() -> None:
    features = table()
    label = np.digitize(features.values[:, 4], [-2, 8])
    few = fit_few_features(features, one_hot(label, 3), 2)
    assert "first_order_4" in few.features
    assert few.scores(features).shape == (300, 3)
    assert (few.scores(features).argmax(axis=1) == label).mean() > 0.9
    assert json.loads(few.to_bytes())["features"] == list(few.features)
    tree = fit_rule_tree(features, one_hot(label, 3), 3, 10, 0)
    assert json.loads(tree.to_bytes())["rules"][0]["feature"] == "first_order_4"
