"""Options reach the estimators: scores are those of plain scikit-learn, costs counted by hand."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skiagram.fitting.contract import FitContext
from tests.models.classical.families import cohort, has_option, model

FOREST = {"max_features": 0.5, "min_samples_leaf": 2}
BOOSTED = {"learning_rate": 0.2, "min_samples_leaf": 3, "max_features": 0.5}
LOGISTIC = {"max_iter": 9000, "tol": 1e-3}
PLAIN = [
    ("linear_regression", {}, LinearRegression()),
    ("ridge", {"alpha": 7.0}, Ridge(alpha=7.0)),
    (
        "logistic_regression",
        LOGISTIC | {"C": 0.5},
        LogisticRegression(C=0.5, max_iter=9000, tol=1e-3),
    ),
    (
        "elastic_net",
        LOGISTIC | {"C": 0.1, "l1_ratio": 0.3},
        LogisticRegression(C=0.1, l1_ratio=0.3, solver="saga", max_iter=9000, tol=1e-3),
    ),
    (
        "svm",
        {"kernel": "rbf", "gamma": 0.2, "C": 2.0},
        SVC(C=2.0, gamma=0.2),
    ),
    ("nearest_neighbours", {"n_neighbors": 3}, KNeighborsClassifier(3)),
    ("random_forest", FOREST | {"n_estimators": 7}, RandomForestClassifier(7, **FOREST)),
    ("extra_trees", FOREST | {"n_estimators": 7}, ExtraTreesClassifier(7, **FOREST)),
    (
        "bagging",
        {"base": "logistic_regression", "n_estimators": 6, "max_samples": 0.5},
        BaggingClassifier(LogisticRegression(max_iter=5000), 6, max_samples=0.5),
    ),
    (
        "histogram_boosting",
        BOOSTED | {"max_iter": 5, "max_leaf_nodes": 4, "l2_regularization": 0.1},
        HistGradientBoostingClassifier(
            **BOOSTED, max_iter=5, max_leaf_nodes=4, l2_regularization=0.1, early_stopping=False
        ),
    ),
]


@pytest.mark.parametrize(("name", "options", "plain"), PLAIN, ids=[name for name, *_ in PLAIN])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_are_those_of_plain_scikit_learn(name, options, plain, n_classes):
    cases, seed = cohort(n_classes), 5
    weights = {"class_weight": None} if has_option(name, "class_weight") else {}
    fitted = model(name, **options | weights).fit(cases, FitContext(seed))
    values = fitted.pipeline[:-1].transform(cases.inputs.values.astype(np.float64))
    reference = clone(plain)
    if "random_state" in reference.get_params():
        reference.set_params(random_state=seed)
    regression = isinstance(plain, LinearRegression | Ridge)
    reference.fit(values, np.eye(n_classes)[cases.label] if regression else cases.label)
    scoring = ("decision_function", "predict_proba", "predict")
    expected = next(getattr(reference, one) for one in scoring if hasattr(reference, one))(values)
    if name == "bagging":  # means of probabilities, not of distances
        expected = reference.predict_proba(values)
    if expected.ndim == 1:
        expected = np.stack([-expected, expected], axis=1)
    assert_allclose(fitted.scores(cases.inputs), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "n_classes", "parameters", "multiply_adds"),
    [
        ("linear_regression", 7, 7 * (6 + 1), 7 * 6),
        ("logistic_regression", 2, 6 + 1, 6),
        ("logistic_regression", 3, 3 * (6 + 1), 3 * 6),
    ],
)
def test_a_linear_model_learns_a_coefficient_a_feature_and_an_intercept_a_row(
    name, n_classes, parameters, multiply_adds
):
    summary = model(name).fit(cohort(n_classes), FitContext(0)).summary
    assert (summary.parameters, summary.multiply_adds) == (parameters, multiply_adds)
    assert summary.images_seen == 84


@pytest.mark.parametrize("n_classes", [2, 3])
def test_an_svm_learns_its_support_vectors_their_weights_and_the_intercepts(n_classes):
    fitted = model("svm").fit(cohort(n_classes), FitContext(0))
    vectors = len(fitted.pipeline[-1].support_vectors_)
    weights, pairs = vectors * (n_classes - 1), n_classes * (n_classes - 1) // 2
    assert fitted.summary.parameters == vectors * 6 + weights + pairs
    assert fitted.summary.multiply_adds == vectors * 6 + weights


def test_trees_learn_their_nodes_as_depth_allows():
    summary = model("decision_tree", max_depth=1).fit(cohort(2), FitContext(0)).summary
    assert (summary.parameters, summary.multiply_adds) == (3, None)
    forest = model("random_forest").fit(cohort(3), FitContext(0))
    nodes = [tree.tree_.node_count for tree in forest.pipeline[-1].estimators_]
    assert forest.summary.parameters == sum(nodes)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_of_a_tree_follow_from_the_cases_counted_in_each_leaf(n_classes):
    cases = cohort(n_classes)
    fitted = model("decision_tree").fit(cases, FitContext(0))
    leaf = fitted.pipeline[-1].apply(cases.inputs.values.astype(np.float64))
    for one in np.unique(leaf):
        counts = np.bincount(cases.label[leaf == one], minlength=n_classes)
        expected = np.log((counts + 1) / (counts.sum() + n_classes))
        rows = fitted.scores(cases.inputs)[leaf == one]
        assert_allclose(rows, np.tile(expected, (len(rows), 1)))
