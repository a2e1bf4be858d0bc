"""A tree's scores are log frequencies of its leaves after the Laplace correction."""

import numpy as np
import pytest

from skiagram.models.contract import FitContext
from tests.models.classical.families import cohort, model


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_follow_from_the_cases_counted_in_each_leaf(n_classes: int) -> None:
    cases = cohort(n_classes)
    fitted = model("decision_tree").fit(cases, None, FitContext(0))
    values = cases.inputs.values.astype(np.float64)
    leaf = fitted.pipeline[-1].apply(values)
    for one in np.unique(leaf):
        counts = np.bincount(cases.label[leaf == one], minlength=n_classes)
        expected = np.log((counts + 1) / (counts.sum() + n_classes))
        rows = fitted.scores(cases.inputs)[leaf == one]
        np.testing.assert_allclose(rows, np.tile(expected, (len(rows), 1)))


def test_a_leaf_holds_at_least_as_many_cases_as_asked() -> None:
    cases = cohort(2)
    fitted = model("decision_tree", min_samples_leaf=15, max_depth=None)
    tree = fitted.fit(cases, None, FitContext(0)).pipeline[-1].tree_
    assert tree.n_node_samples.min() >= 15


def test_depth_bounds_the_nodes_it_learns() -> None:
    summary = model("decision_tree", max_depth=1).fit(cohort(2), None, FitContext(0)).summary
    assert (summary.parameters, summary.multiply_adds) == (3, None)
