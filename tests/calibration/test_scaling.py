"""Scaling reaches the optimum of Platt's likelihood, whatever shift and scale scores have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax
from sklearn.calibration import _SigmoidCalibration, _TemperatureScaling

from skiagram.calibration.scaling import Scaling, average_scaling, fit_platt, fit_temperature

Scores = NDArray[np.float64]
Labels = NDArray[np.int64]


def drawn(n: int, n_classes: int, seed: int = 0) -> tuple[Scores, Labels]:
    """Informative scores of n cases."""
    generator = np.random.default_rng(seed)
    label = generator.permutation(np.arange(n) % n_classes)
    scores = generator.normal(size=(n, n_classes)) + 1.5 * np.eye(n_classes)[label]
    return scores, label


def smoothed(label: Labels, n_classes: int) -> Scores:
    """Platt's targets, generalised to more classes."""
    counts = np.bincount(label)
    own = (counts + 1) / (counts + n_classes)
    target = np.repeat((1 - own[label])[:, None] / (n_classes - 1), n_classes, axis=1)
    target[np.arange(len(label)), label] = own[label]
    return target


def test_two_classes_agree_with_scikit_learn() -> None:
    """scikit-learn's Platt scaling, of the difference of the two scores."""
    scores, label = drawn(300, 2)
    difference = scores[:, 1] - scores[:, 0]
    reference = _SigmoidCalibration().fit(difference, label).predict(difference)
    ours = fit_platt(scores, label).probabilities(scores)[:, 1]
    np.testing.assert_allclose(ours, reference, atol=1e-4)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_the_optimum_is_that_of_a_search_without_gradient(n_classes: int) -> None:
    scores, label = drawn(200, n_classes)
    target = smoothed(label, n_classes)

    def loss(theta: Scores) -> float:
        logits = theta[0] * scores + theta[1:]
        return -float((target * log_softmax(logits, axis=1)).sum()) / len(label)

    reference = minimize(loss, np.ones(n_classes + 1), method="Powell", options={"ftol": 1e-14})
    found = fit_platt(scores, label)
    reached = loss(np.array([found.slope, *found.intercept]))
    assert reached == pytest.approx(reference.fun, abs=1e-6)
    assert sum(found.intercept) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_the_temperature_is_that_of_a_bounded_search(n_classes: int) -> None:
    scores, label = drawn(200, n_classes)
    target = smoothed(label, n_classes)

    def loss(log_slope: float) -> float:
        return -float((target * log_softmax(np.exp(log_slope) * scores, axis=1)).sum())

    reference = np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x)
    found = fit_temperature(scores, label)
    assert found.slope == pytest.approx(reference, rel=1e-3)
    assert found.intercept == (0.0,) * n_classes


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_temperature_is_near_scikit_learns_where_targets_are_hardly_smoothed(
    n_classes: int,
) -> None:
    scores, label = drawn(20_000, n_classes)
    reference = _TemperatureScaling().fit(scores, label).beta_
    assert fit_temperature(scores, label).slope == pytest.approx(reference, rel=2e-3)


def test_a_temperature_leaves_the_even_point_where_the_scores_have_it() -> None:
    scores, label = drawn(60, 2)
    shifted = scores + np.array([0.0, 5.0])
    even = fit_temperature(shifted, label).probabilities(np.zeros((1, 2)))
    np.testing.assert_allclose(even, 0.5)


@settings(deadline=None, max_examples=40)
@given(
    st.integers(2, 5),
    st.floats(-6, 6).map(lambda power: 10.0**power),
    st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=5),
    st.integers(0, 50),
)
def test_shift_and_scale_of_the_scores_change_no_probability(
    n_classes: int, scale: float, shift: list[float], seed: int
) -> None:
    scores, label = drawn(60, n_classes, seed)
    plain = fit_platt(scores, label).probabilities(scores)
    moved = scale * (scores + np.array(shift[:n_classes]))
    np.testing.assert_allclose(fit_platt(moved, label).probabilities(moved), plain, atol=1e-3)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000))
def test_slope_is_positive_and_ranking_kept_even_for_scores_that_point_the_wrong_way(
    seed: int,
) -> None:
    scores, label = drawn(40, 2, seed)
    for one in (scores, -scores):
        for found in (fit_platt(one, label), fit_temperature(one, label)):
            assert found.slope > 0
            order = np.argsort(one[:, 1] - one[:, 0])
            assert (np.diff(found.probabilities(one)[order, 1]) >= 0).all()


@pytest.mark.parametrize(
    "scores",
    [
        np.zeros((20, 2)),
        np.full((20, 2), 7.3),
        np.stack([np.zeros(20), np.linspace(0, 1, 20)], axis=1),
        np.stack([np.full(20, 1e5), np.linspace(0, 1e-3, 20)], axis=1),
        np.linspace(-1e300, 1e300, 40).reshape(20, 2),
        np.linspace(0, 1e-300, 40).reshape(20, 2),
    ],
    ids=["zeros", "constant", "one constant", "far apart", "huge", "tiny"],
)
def test_strange_scores_still_give_probabilities(scores: Scores) -> None:
    for fit in (fit_platt, fit_temperature):
        found = fit(scores, np.arange(20) % 2)
        assert found.slope > 0
        probabilities = found.probabilities(scores)
        assert np.isfinite(probabilities).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_scores_that_say_nothing_give_the_class_shares() -> None:
    label = np.repeat([0, 1], [30, 10])
    probability = fit_platt(np.zeros((40, 2)), label).probabilities(np.zeros((1, 2)))[0, 1]
    assert probability == pytest.approx(0.25, abs=0.02)


def test_average_is_the_mean_of_log_odds() -> None:
    folds = [Scaling(1.0, (-1.0, 1.0)), Scaling(3.0, (0.5, -0.5))]
    scores, _ = drawn(10, 2)
    log_odds = [
        np.diff(np.log(one.probabilities(scores))) for one in [*folds, average_scaling(folds)]
    ]
    np.testing.assert_allclose(log_odds[2], (log_odds[0] + log_odds[1]) / 2)
