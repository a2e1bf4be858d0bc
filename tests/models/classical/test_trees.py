"""A forest's scores are the mean of its trees' class frequencies, fixed by the seed."""

import numpy as np
import pytest

from skiagram.models.contract import FitContext
from tests.models.classical.families import cohort, model


def test_scores_are_the_mean_over_trees() -> None:
    cases = cohort(3)
    fitted = model("random_forest").fit(cases, FitContext(0))
    values = cases.inputs.values.astype(np.float64)
    trees = [tree.predict_proba(values) for tree in fitted.pipeline[-1].estimators_]
    np.testing.assert_allclose(fitted.scores(cases.inputs), np.mean(trees, axis=0))
    assert fitted.summary.multiply_adds is None
    nodes = [tree.tree_.node_count for tree in fitted.pipeline[-1].estimators_]
    assert fitted.summary.parameters == sum(nodes)


def test_the_seed_alone_decides_the_forest() -> None:
    cases = cohort(2)
    first, again, other = (
        model("random_forest").fit(cases, FitContext(seed)).scores(cases.inputs)
        for seed in (0, 0, 1)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_follow_from_the_cases_counted_in_each_leaf(n_classes: int) -> None:
    cases = cohort(n_classes)
    fitted = model("decision_tree").fit(cases, FitContext(0))
    values = cases.inputs.values.astype(np.float64)
    leaf = fitted.pipeline[-1].apply(values)
    for one in np.unique(leaf):
        counts = np.bincount(cases.label[leaf == one], minlength=n_classes)
        expected = np.log((counts + 1) / (counts.sum() + n_classes))
        rows = fitted.scores(cases.inputs)[leaf == one]
        np.testing.assert_allclose(rows, np.tile(expected, (len(rows), 1)))


def test_depth_bounds_the_nodes_it_learns() -> None:
    summary = model("decision_tree", max_depth=1).fit(cohort(2), FitContext(0)).summary
    assert (summary.parameters, summary.multiply_adds) == (3, None)


@pytest.mark.parametrize("base", ["decision_tree", "logistic_regression"])
def test_scores_are_the_mean_of_the_models_on_their_samples(base: str) -> None:
    cases = cohort(3)
    fitted = model("bagging", base=base, count=6).fit(cases, FitContext(3))
    steps, bagged = fitted.pipeline[:-1], fitted.pipeline[-1]
    values = steps.transform(cases.inputs.values.astype(np.float64))
    expected = np.mean([one.predict_proba(values) for one in bagged.estimators_], axis=0)
    np.testing.assert_allclose(fitted.scores(cases.inputs), expected, atol=1e-12)
    assert len({len(np.unique(rows)) for rows in bagged.estimators_samples_}) > 1
    assert all(len(rows) == len(cases) for rows in bagged.estimators_samples_)
