"""Options reach the estimators: scores are those of plain scikit-learn, costs counted by hand."""

import numpy as np
import pytest
from hydra.utils import instantiate
from numpy.testing import assert_allclose
from sklearn.base import is_regressor

from skiagram.fitting.contract import FitContext
from tests.models.classical.families import cohort, has_option, model
from tests.yaml_rows import read_yaml

PEERS = read_yaml(__file__)


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_are_those_of_plain_scikit_learn(name, n_classes):
    cases, seed, options = cohort(n_classes), 5, PEERS[name].get("options", {})
    weights = {"class_weight": None} if has_option(name, "class_weight") else {}
    fitted = model(name, **options | weights).fit(cases, FitContext(seed))
    values = fitted.pipeline[:-1].transform(cases.inputs.values.astype(np.float64))
    reference = instantiate(PEERS[name]["theirs"])
    if "random_state" in reference.get_params():
        reference.set_params(random_state=seed)
    target = np.eye(n_classes)[cases.label] if is_regressor(reference) else cases.label
    reference.fit(values, target)
    telling = [PEERS[name].get("told_by", "decision_function"), "predict_proba", "predict"]
    expected = next(getattr(reference, one) for one in telling if hasattr(reference, one))(values)
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
