"""What a combination learns: who is worth how much, against scikit-learn and by hand."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skiagram.errors import ModelFailure
from skiagram.fitting.contract import FitContext
from skiagram.models.combined import COMBINATION, FittedCombination
from skiagram.records.files import read_record
from skiagram.tasks.class_calibration import fit_platt
from tests.models.combined.members import CONF, combination, drawn

CONTEXT = FitContext(seed=0)


def log_probability(strengths):
    data = drawn(strengths)
    scores = data.inputs.scores
    return scores - np.logaddexp.reduce(scores, axis=2, keepdims=True), data.label


def test_weights_above_zero_are_those_of_a_ridge_logistic_regression():
    values, label = log_probability((1.0, 0.7, 0.4))
    stacking = combination("stacking", C=0.05)
    peer = LogisticRegression(C=0.05, tol=1e-10, max_iter=1000)
    peer.fit(values[:, :, 1] - values[:, :, 0], label)
    assert (peer.coef_ > 0).all()
    assert_allclose(stacking.weights(values, label), peer.coef_[0], rtol=1e-4)


def test_a_member_that_is_always_wrong_weighs_nothing():
    values, label = log_probability((1.0, -1.0))
    weights = combination("stacking").weights(values, label)
    assert weights[0] > 0.5
    assert weights[1] == 0


@pytest.mark.parametrize("name", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_two_members_that_err_apart_are_better_than_either(name, tmp_path):
    data = drawn((1.0, 1.0))
    half = np.arange(len(data)) < len(data) // 2
    train, rest = (data.select(np.flatnonzero(rows)) for rows in (half, ~half))
    fitted = combination(name).fit(train, CONTEXT)
    scores = fitted.scores(rest.inputs)
    assert np.isfinite(scores).all()
    alone = [
        roc_auc_score(rest.label, one[:, 1] - one[:, 0])
        for one in np.moveaxis(rest.inputs.scores, 1, 0)
    ]
    assert roc_auc_score(rest.label, scores[:, 1] - scores[:, 0]) > max(alone) + 0.03
    fitted.save(tmp_path)
    assert read_record(FittedCombination, tmp_path / COMBINATION) == fitted
    assert fitted.summary.parameters > 0


def test_voting_is_the_mean_of_calibrated_probabilities():
    data = drawn((1.0, 0.5), n_classes=3)
    fitted = combination("voting").fit(data, CONTEXT)
    by_hand = np.mean(
        [
            fit_platt(one, data.label).probabilities(one)
            for one in np.moveaxis(data.inputs.scores, 1, 0)
        ],
        axis=0,
    )
    assert_allclose(np.exp(fitted.scores(data.inputs)), by_hand, rtol=1e-12)


def test_a_missing_class_is_a_named_failure():
    data = drawn((1.0, 0.5), n_classes=3)
    few = data.select(np.flatnonzero(data.label < 2))
    with pytest.raises(ModelFailure, match="class 2 has no training case"):
        combination("stacking").fit(few, CONTEXT)


def test_a_member_whose_fits_share_no_scale_is_not_sure_of_new_cases():
    data = drawn((1.0, 1.0))
    fit = np.arange(len(data)) % 5
    scores = data.inputs.scores.copy()
    scores[:, 1] = 0.003 * scores[:, 1] + np.array([0.0, 0.5])[None] * (fit[:, None] - 2)
    moved = replace(data, inputs=replace(data.inputs, scores=scores, fit=fit))
    fitted = combination("voting").fit(moved, CONTEXT)
    alone = [scaling.probabilities(scores[:, at]) for at, scaling in enumerate(fitted.calibrations)]
    brier = [((each[:, 1] - data.label) ** 2).mean() for each in alone]
    assert brier[0] < 0.2
    assert brier[1] < 0.4  # .5 where it is sure of all of them
