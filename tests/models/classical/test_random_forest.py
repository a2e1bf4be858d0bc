"""A forest's scores are the mean of its trees' class frequencies, fixed by the seed."""

import numpy as np

from skiagram.models.contract import FitContext
from tests.models.classical.families import cohort, model


def test_scores_are_the_mean_over_trees() -> None:
    cases = cohort(3)
    fitted = model("random_forest").fit(cases, None, FitContext(0))
    values = cases.inputs.values.astype(np.float64)
    trees = [tree.predict_proba(values) for tree in fitted.pipeline[-1].estimators_]
    np.testing.assert_allclose(fitted.scores(cases.inputs), np.mean(trees, axis=0))
    assert fitted.summary.multiply_adds is None
    nodes = [tree.tree_.node_count for tree in fitted.pipeline[-1].estimators_]
    assert fitted.summary.parameters == sum(nodes)


def test_the_seed_alone_decides_the_forest() -> None:
    cases = cohort(2)
    first, again, other = (
        model("random_forest").fit(cases, None, FitContext(seed)).scores(cases.inputs)
        for seed in (0, 0, 1)
    )
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
