"""Isotonic calibration agrees with scikit-learn's, never falls and averages exactly."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression

from skiagram.calibration.isotonic import Isotonic, Rise, average_isotonic, fit_isotonic
from tests.calibration.test_scaling import Labels, Scores, drawn


class Handed(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose scores are its inputs less the mean of the other classes' inputs."""

    def fit(self, scores: Scores, label: Labels) -> "Handed":
        """Take note of the classes."""
        self.classes_ = np.unique(label)
        return self

    def decision_function(self, scores: Scores) -> Scores:
        """Return margins; of the second class alone where there are two."""
        n_classes = scores.shape[1]
        margins: Scores = (n_classes * scores - scores.sum(axis=1, keepdims=True)) / (n_classes - 1)
        return margins[:, 1] if n_classes == 2 else margins

    def predict(self, scores: Scores) -> Labels:
        """Return the class of the highest score."""
        highest: Labels = scores.argmax(axis=1)
        return highest


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_probabilities_are_those_of_scikit_learn(n_classes: int) -> None:
    scores, label = drawn(300, n_classes)
    fresh, _ = drawn(100, n_classes, seed=1)
    frozen = FrozenEstimator(Handed().fit(scores, label))
    reference = CalibratedClassifierCV(frozen, method="isotonic").fit(scores, label)
    found = fit_isotonic(scores, label).probabilities(fresh)
    np.testing.assert_allclose(found, reference.predict_proba(fresh), atol=1e-9)


def test_tied_scores_share_one_value_as_in_scikit_learn() -> None:
    scores, label = drawn(300, 2)
    scores = np.round(scores)
    margin = scores[:, 1] - scores[:, 0]
    reference = IsotonicRegression(out_of_bounds="clip").fit(margin, label)
    found = fit_isotonic(scores, label)
    np.testing.assert_allclose(found.probabilities(scores)[:, 1], reference.predict(margin))
    np.testing.assert_allclose(found.curves[0].score, reference.X_thresholds_)
    np.testing.assert_allclose(found.curves[0].probability, reference.y_thresholds_)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 5), st.integers(0, 500), st.integers(0, 2), st.integers(1, 3))
def test_rows_are_probabilities_and_two_classes_never_fall(
    n_classes: int, seed: int, digits: int, folds: int
) -> None:
    parts = [drawn(40, n_classes, seed + k) for k in range(folds)]
    fitted = [fit_isotonic(np.round(scores, digits), label) for scores, label in parts]
    fresh, _ = drawn(60, n_classes, seed + 9)
    found = average_isotonic(fitted).probabilities(3 * fresh)
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    if n_classes == 2:
        order = np.argsort(fresh[:, 1] - fresh[:, 0])
        assert (np.diff(found[order, 1]) >= -1e-12).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 500), st.floats(-8, 8).map(lambda power: 10.0**power), st.floats(-10, 10))
def test_scale_and_common_level_of_the_scores_change_no_probability(
    seed: int, scale: float, level: float
) -> None:
    scores, label = drawn(60, 3, seed)
    plain = fit_isotonic(scores, label).probabilities(scores)
    moved = scale * (scores + level)
    np.testing.assert_allclose(fit_isotonic(moved, label).probabilities(moved), plain, atol=1e-6)


def test_which_class_comes_second_does_not_matter() -> None:
    scores, label = drawn(80, 2)
    plain = fit_isotonic(scores, label).probabilities(scores)
    swapped = fit_isotonic(scores[:, ::-1], 1 - label).probabilities(scores[:, ::-1])
    np.testing.assert_allclose(swapped[:, ::-1], plain, atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_average_is_that_of_the_curves_between_knots_too(n_classes: int) -> None:
    folds = [fit_isotonic(*drawn(50, n_classes, seed)) for seed in range(3)]
    mean = average_isotonic(folds)
    at = np.linspace(-6, 6, 1001)
    for k, curve in enumerate(mean.curves):
        expected = np.mean([fold.curves[k].at(at) for fold in folds], axis=0)
        np.testing.assert_allclose(curve.at(at), expected, atol=1e-12)


@pytest.mark.parametrize(
    "scores",
    [
        np.zeros((20, 2)),
        np.stack([np.full(20, 1e5), np.linspace(0, 1e-3, 20)], axis=1),
        np.linspace(-1e300, 1e300, 40).reshape(20, 2),
        np.linspace(0, 1e-300, 40).reshape(20, 2),
    ],
    ids=["zeros", "far apart", "huge", "tiny"],
)
def test_strange_scores_still_give_probabilities(scores: Scores) -> None:
    found = fit_isotonic(scores, np.arange(20) % 2).probabilities(scores)
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_a_case_that_no_class_claims_gets_equal_probabilities() -> None:
    nowhere = Isotonic((Rise((0.0,), (0.0,)),) * 4)
    np.testing.assert_allclose(nowhere.probabilities(np.zeros((1, 4))), 0.25)


@pytest.mark.parametrize(
    ("score", "probability"),
    [((0.0, 1.0), (0.5,)), ((), ()), ((1.0, 1.0), (0.1, 0.2)), ((0.0, 1.0), (0.6, 0.2)),
     ((0.0, 1.0), (-0.1, 0.2)), ((0.0, 1.0), (0.1, 1.2)), ((0.0, 1.0), (float("nan"), 0.2))],
)  # fmt: skip
def test_knots_that_are_no_rising_probability_are_refused(
    score: tuple[float, ...], probability: tuple[float, ...]
) -> None:
    with pytest.raises(ValueError, match=r"curve|probability"):
        Rise(score, probability)
