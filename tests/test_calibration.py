"""Every method serves the whole plan; a fold's isotonic probabilities never saw its labels."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skiagram.calibration import (
    average_calibrations,
    carry_over,
    held_out_calibrations,
    threshold_at_sensitivity,
)
from skiagram.fitting.cross_validation import CrossValidator, Development
from skiagram.fitting.deployment import Decision, Deployment
from skiagram.records.files import read_record, write_record
from skiagram.records.predictions import probabilities_of
from skiagram.tasks.choices import CalibrationMethod
from skiagram.tasks.class_calibration import (
    CALIBRATIONS,
    IsotonicCalibration,
    RisingCurve,
    fit_isotonic,
    fit_platt,
    fit_temperature,
)
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.models.examples import PLAN, Spy, labelled

METHODS = get_args(CalibrationMethod)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_plan_gives_probabilities_by_every_method(method, n_classes):
    """Develop the spy once on three folds."""
    cases = labelled(patients=30, n_classes=n_classes)
    plan = replace(PLAN, calibration=method)
    validator = CrossValidator(Spy(), plan, positive=1 if n_classes == 2 else None)
    folds = plan.make_folds(cases.label, cases.patient_id, 3, "test")
    part = Development(("test",), cases, np.arange(len(cases)), folds)
    (final,) = validator.develop([part])
    for one in final.of_folds:
        probabilities = probabilities_of(one)
        assert ((probabilities >= 0) & (probabilities <= 1)).all()
        assert_allclose(probabilities.sum(axis=1), 1)
    assert final.decision.calibration.columns == n_classes
    assert (final.decision.threshold is None) == (n_classes > 2)


@pytest.mark.parametrize(("method", "flattery"), [("isotonic", 0.1), ("platt", 0.02)])
def test_probabilities_of_a_fold_come_from_the_other_folds(method, flattery):
    """By its own calibration noise would look informative: it knows the fold's labels."""
    label = np.arange(30) % 2
    noise = np.random.default_rng(5).normal(size=(12, 30, 2))
    calibrations = [CALIBRATIONS[method](scores, label) for scores in noise]

    def pooled_auc(chosen):
        pairs = zip(chosen, noise, strict=True)
        pooled = np.concatenate([one.probabilities(scores)[:, 1] for one, scores in pairs])
        return float(roc_auc_score(np.tile(label, 12), pooled))

    raw = roc_auc_score(np.tile(label, 12), (noise[:, :, 1] - noise[:, :, 0]).ravel())
    assert pooled_auc(calibrations) > raw + flattery
    assert pooled_auc(held_out_calibrations(calibrations)) < raw + 0.03
    assert held_out_calibrations(calibrations)[3] == average_calibrations(
        [*calibrations[:3], *calibrations[4:]]
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_deployment_keeps_the_calibration_to_the_last_bit(method, n_classes, tmp_path):
    folds = [CALIBRATIONS[method](*drawn(40, n_classes, seed)) for seed in range(3)]
    task = Task(Classes(tuple("abc"[:n_classes]), None), "holdout")
    kept = Deployment(
        "m", "classical", "M", {}, task, 0.9, (Decision(average_calibrations(folds), 0.5),)
    )
    write_record(kept, tmp_path / "deployment.json")
    assert read_record(Deployment, tmp_path / "deployment.json") == kept


def drawn(n, n_classes, seed=0):
    """Informative scores of n cases."""
    generator = np.random.default_rng(seed)
    label = generator.permutation(np.arange(n) % n_classes)
    scores = generator.normal(size=(n, n_classes)) + 1.5 * np.eye(n_classes)[label]
    return scores, label


def smoothed(label, n_classes):
    """Platt's targets, generalised to more classes."""
    counts = np.bincount(label)
    own = (counts + 1) / (counts + n_classes)
    target = np.repeat((1 - own[label])[:, None] / (n_classes - 1), n_classes, axis=1)
    target[np.arange(len(label)), label] = own[label]
    return target


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_the_optimum_is_that_of_a_search_without_gradient(n_classes):
    scores, label = drawn(200, n_classes)
    target = smoothed(label, n_classes)

    def loss(theta):
        logits = theta[0] * scores + theta[1:]
        return -float((target * log_softmax(logits, axis=1)).sum()) / len(label)

    reference = minimize(loss, np.ones(n_classes + 1), method="Powell", options={"ftol": 1e-14})
    found = fit_platt(scores, label)
    reached = loss(np.array([found.slope, *found.intercept]))
    assert reached == pytest.approx(reference.fun, abs=1e-6)
    assert sum(found.intercept) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_the_temperature_is_that_of_a_bounded_search(n_classes):
    scores, label = drawn(200, n_classes)
    target = smoothed(label, n_classes)

    def loss(log_slope):
        return -float((target * log_softmax(np.exp(log_slope) * scores, axis=1)).sum())

    reference = np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x)
    found = fit_temperature(scores, label)
    assert found.slope == pytest.approx(reference, rel=1e-3)
    assert found.intercept == (0.0,) * n_classes


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.integers(2, 5),
    st.floats(-6, 6).map(lambda power: 10.0**power),
    st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=5),
    st.integers(0, 50),
)
def test_shift_and_scale_of_the_scores_change_no_probability(n_classes, scale, shift, seed):
    scores, label = drawn(60, n_classes, seed)
    plain = fit_platt(scores, label).probabilities(scores)
    moved = scale * (scores + np.array(shift[:n_classes]))
    assert_allclose(fit_platt(moved, label).probabilities(moved), plain, atol=1e-3)


def check_probabilities(method, scores, label):
    """Return the probabilities of the scores that a calibration was learned on."""
    found = CALIBRATIONS[method](scores, label).probabilities(scores)
    assert ((found >= 0) & (found <= 1)).all()
    assert_allclose(found.sum(axis=1), 1)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=40)
@given(st.integers(2, 5), st.integers(0, 1000), st.integers(0, 4))
def test_rows_are_probabilities_and_of_two_classes_never_fall_even_for_scores_turned_round(
    method, n_classes, seed, digits
):
    scores, label = drawn(40, n_classes, seed)
    for one in (np.round(scores, digits), -scores):
        found = check_probabilities(method, one, label)
        if n_classes == 2:
            order = np.argsort(one[:, 1] - one[:, 0])
            assert (np.diff(found[order, 1]) >= -1e-12).all()


@pytest.mark.parametrize("method", METHODS)
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
def test_strange_scores_still_give_probabilities(method, scores):
    check_probabilities(method, scores, np.arange(20) % 2)


class Handed(ClassifierMixin, BaseEstimator):
    """A classifier whose scores are its inputs less the mean of the other classes' inputs."""

    def fit(self, scores, label):
        """Take note of the classes."""
        self.classes_ = np.unique(label)
        return self

    def decision_function(self, scores):
        """Return margins; of the second class alone where there are two."""
        n_classes = scores.shape[1]
        margins = (n_classes * scores - scores.sum(axis=1, keepdims=True)) / (n_classes - 1)
        return margins[:, 1] if n_classes == 2 else margins

    def predict(self, scores):
        """Return the class of the highest score."""
        return scores.argmax(axis=1)


@pytest.mark.parametrize("digits", [0, 15], ids=["ties", "no ties"])
@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_probabilities_are_those_of_scikit_learn(n_classes, digits):
    scores, label = drawn(300, n_classes)
    scores = np.round(scores, digits)
    fresh, _ = drawn(100, n_classes, seed=1)
    frozen = FrozenEstimator(Handed().fit(scores, label))
    reference = CalibratedClassifierCV(frozen, method="isotonic").fit(scores, label)
    found = fit_isotonic(scores, label).probabilities(fresh)
    assert_allclose(found, reference.predict_proba(fresh), atol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_average_is_that_of_the_curves_between_knots_too(n_classes):
    folds = [fit_isotonic(*drawn(50, n_classes, seed)) for seed in range(3)]
    mean = IsotonicCalibration.average(folds)
    at = np.linspace(-6, 6, 1001)
    for k, curve in enumerate(mean.curves):
        expected = np.mean([fold.curves[k].at(at) for fold in folds], axis=0)
        assert_allclose(curve.at(at), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("score", "probability"),
    [((0.0, 1.0), (0.5,)), ((), ()), ((1.0, 1.0), (0.1, 0.2)), ((0.0, 1.0), (0.6, 0.2)),
     ((0.0, 1.0), (-0.1, 0.2)), ((0.0, 1.0), (0.1, 1.2)), ((0.0, 1.0), (float("nan"), 0.2))],
)  # fmt: skip
def test_knots_that_are_no_rising_probability_are_refused(score, probability):
    with pytest.raises(ValueError, match=r"curve|probability"):
        RisingCurve(score, probability)


@pytest.mark.slow
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1).filter(
        lambda cases: any(positive for _, positive in cases)
    ),
    st.floats(0.01, 1),
)
def test_threshold_is_the_highest_that_keeps_the_sensitivity_of_one_more_case(cases, sensitivity):
    probability = np.array([one for one, _ in cases])
    positive, patient = np.array([one for _, one in cases]), np.arange(len(cases))
    threshold = threshold_at_sensitivity(probability, positive, sensitivity, patient)
    known = probability[positive]
    passing = (known >= threshold).sum()
    assert passing == len(known) or passing / (len(known) + 1) >= sensitivity - 1e-8
    assert (known > threshold).sum() / (len(known) + 1) < sensitivity


def test_threshold_is_not_lowered_by_rounding():
    probability = np.linspace(0.1, 0.9, 9)
    threshold = threshold_at_sensitivity(probability, np.ones(9, dtype=bool), 0.7, np.arange(9))
    assert threshold == pytest.approx(0.3)  # 7 of 9


@pytest.mark.parametrize("images", [1, 4])
@pytest.mark.parametrize(("known", "reached"), [(12, 12 / 13), (5, 5 / 6), (100, 91 / 101)])
def test_new_patients_reach_the_sensitivity_of_a_threshold(known, reached, images):
    """Of 12 positives .9 would let 11 pass, and of new ones .85; 5 are too few for .9."""
    drawn = np.random.default_rng(0).random((2000, known))
    positive, patient = np.ones(known * images, dtype=bool), np.repeat(np.arange(known), images)
    repeated = np.repeat(drawn, images, axis=1)  # all images of a patient alike
    thresholds = [threshold_at_sensitivity(each, positive, 0.9, patient) for each in repeated]
    assert 1 - np.mean(thresholds) == pytest.approx(reached, abs=0.008)


@pytest.mark.parametrize(("penalty", "kept"), [(1e-6, False), (1.0, True)])
def test_fits_that_share_no_scale_hand_on_no_certainty(penalty, kept):
    """A constant that moves more than the scores: probabilities stay near the classes' shares."""
    rng = np.random.default_rng(0)
    label = (rng.random(121) < 0.5).astype(np.int64)
    values = rng.normal(size=(121, 5)) + 0.6 * label[:, None]
    fold = rng.permutation(121) % 3

    def scored(training, rows):
        fitted = LogisticRegression(C=penalty).fit(values[training], label[training])
        margin = fitted.decision_function(values[rows])
        return np.stack([-margin / 2, margin / 2], axis=1)

    scores = [scored(fold != k, fold == k) for k in range(3)]
    labels = [label[fold == k] for k in range(3)]
    own = [fit_platt(*of) for of in zip(scores, labels, strict=True)]
    blind, whole = carry_over(own, scores, labels)
    assert (whole == average_calibrations(own)) == kept
    assert (blind == held_out_calibrations(own)) == kept
    everyone = np.ones(121, dtype=bool)
    probability = whole.probabilities(scored(everyone, everyone))[:, 1]
    assert abs(probability.mean() - label.mean()) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("offset", "spread"), [(8.0, 1.0), (8.0, 2.5), (3.0, 2.5)])
def test_what_is_said_of_new_cases_by_fits_that_share_no_scale_is_not_absurd(offset, spread):
    """Each fit moves its scores by an own constant; 60 runs, Brier score of 1,000 new cases."""
    rng, brier = np.random.default_rng(1), []
    for _ in range(60):
        scores, labels = [], []
        for cases in [24] * 5 + [1000]:
            label = (rng.random(cases) < 0.45).astype(np.int64)
            margin = spread * label + rng.normal(size=cases) + rng.normal(0, offset)
            scores.append(np.stack([-margin / 2, margin / 2], axis=1))
            labels.append(label)
        own = [fit_platt(*of) for of in zip(scores[:5], labels[:5], strict=True)]
        _, whole = carry_over(own, scores[:5], labels[:5])
        probability = whole.probabilities(scores[5])[:, 1]
        brier.append(((probability - labels[5]) ** 2).mean())
    assert np.mean(brier) < 0.33  # .25 knowing nothing, up to .45 by the mean calibration
