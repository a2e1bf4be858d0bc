"""Bagging is the mean over bootstrap samples and steadier than one of its models."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.models.contract import FitContext
from tests.models.classical.families import cohort, model


@pytest.mark.parametrize("base", ["decision_tree", "logistic_regression"])
def test_scores_are_the_mean_of_the_models_on_their_samples(base: str) -> None:
    cases = cohort(3)
    fitted = model("bagging", base=base, count=6).fit(cases, None, FitContext(3))
    steps, bagged = fitted.pipeline[:-1], fitted.pipeline[-1]
    values = steps.transform(cases.inputs.values.astype(np.float64))
    expected = np.mean([one.predict_proba(values) for one in bagged.estimators_], axis=0)
    np.testing.assert_allclose(fitted.scores(cases.inputs), expected, atol=1e-12)
    assert len({len(np.unique(rows)) for rows in bagged.estimators_samples_}) > 1
    assert all(len(rows) == len(cases) for rows in bagged.estimators_samples_)


def test_bagged_trees_rank_unseen_cases_better_than_one_tree() -> None:
    cases = cohort(2)
    half = np.arange(len(cases)) < len(cases) // 2
    train, rest = (cases.select(np.flatnonzero(rows)) for rows in (half, ~half))
    areas = {}
    for count in (1, 50):
        seeds = range(5)
        found = [
            model("bagging", count=count).fit(train, None, FitContext(seed)).scores(rest.inputs)
            for seed in seeds
        ]
        areas[count] = np.mean([roc_auc_score(rest.label, one[:, 1]) for one in found])
    assert areas[50] > areas[1] + 0.05


def test_smaller_shares_draw_fewer_cases() -> None:
    cases = cohort(2)
    fitted = model("bagging", share=0.5, count=3).fit(cases, None, FitContext(1))
    assert {len(rows) for rows in fitted.pipeline[-1].estimators_samples_} == {len(cases) // 2}
