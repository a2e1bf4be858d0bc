"""Figures of decisions against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    balanced_accuracy_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
)

from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.decisions.operating import (
    FIGURES,
    decision_figures,
    matthews_correlation,
    operating_points,
)
from skiagram.evaluation.questions import Aim, Questions
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.summary import evaluate
from tests.evaluation.scenario import finished, reference, scenario


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_correlation_equals_sklearn_with_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    called, positive = rng.random((2, 25)) < 0.4
    weights = rng.integers(1, 4, size=(2, 25)).astype(float)
    found = matthews_correlation(called, positive, weights)
    if called.all() or not called.any() or positive.all() or not positive.any():
        assert np.isnan(found).all()
        return
    expected = [matthews_corrcoef(positive, called, sample_weight=row) for row in weights]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_figures_equal_sklearn_and_lie_within_their_intervals() -> None:
    rng = np.random.default_rng(0)
    label = (np.arange(200) % 3 == 0).astype(np.int64)
    cases = reference(label, patient=np.arange(200) // 2)
    called = rng.random(200) < 0.25 + 0.5 * label
    draws = draw_patients(cases.patient, 50, 500, seed=0)
    found = decision_figures(called[None], cases, draws, prevalence=1 / 3)
    expected = {
        "sensitivity": recall_score(label, called),
        "specificity": recall_score(label, called, pos_label=0),
        "positive_predictive_value": precision_score(label, called),
        "negative_predictive_value": precision_score(label, called, pos_label=0),
        "balanced_accuracy": balanced_accuracy_score(label, called),
        "matthews_correlation": matthews_corrcoef(label, called),
    }
    assert tuple(expected) == FIGURES
    assert {name: found[name].value for name in FIGURES} == pytest.approx(expected)
    for one in found.values():
        assert one.low is not None
        assert one.low < (one.value or 0) < (one.high or 0)


def test_repeats_are_averaged_and_narrow_nothing() -> None:
    rng = np.random.default_rng(1)
    label = (np.arange(120) % 2).astype(np.int64)
    cases, draws = reference(label), draw_patients(np.arange(120), 60, 500, seed=0)
    called = rng.random(120) < 0.2 + 0.6 * label
    once = decision_figures(called[None], cases, draws, None)
    thrice = decision_figures(np.repeat(called[None], 3, axis=0), cases, draws, None)
    for name, one in once.items():
        again = thrice[name]
        assert (one.value, one.low, one.high) == pytest.approx(
            (again.value, again.low, again.high), abs=0.003
        ), name


def test_decisions_that_never_vary_or_never_err_say_so() -> None:
    label = (np.arange(40) % 2).astype(np.int64)
    cases, draws = reference(label), draw_patients(np.arange(40), 20, 200, seed=0)
    nobody = decision_figures(np.zeros((1, 40), dtype=bool), cases, draws, 0.1)
    assert nobody["matthews_correlation"].reason == "every case was called alike"
    assert nobody["positive_predictive_value"].reason == "no case was called so"
    perfect = decision_figures((label == 1)[None], cases, draws, 0.1)
    assert perfect["matthews_correlation"].value == 1
    assert perfect["matthews_correlation"].low is None


def test_a_run_judges_each_point_asked_for() -> None:
    known = scenario(400, 400)
    questions = Questions(
        operating_points=(
            Aim(aim="sensitivity", level=0.9),
            Aim(aim="specificity", level=0.9),
        ),
        prevalence=0.01,
        trivial=(),
    )
    found = evaluate(
        [finished(known, "svm", strength=2.0)], known.cases, known.task, known.sealed, seed=0,
        replicates=200, questions=questions,
    )  # fmt: skip
    sensitive, specific = found.models[0].operating_points
    assert (sensitive.aim, specific.level) == ("sensitivity", 0.9)
    assert sensitive.metrics["sensitivity"].value == pytest.approx(0.9, abs=0.05)
    assert specific.metrics["specificity"].value == pytest.approx(0.9, abs=0.05)
    rare = specific.metrics["positive_predictive_value_at_prevalence"].value or 1
    assert rare < (specific.metrics["positive_predictive_value"].value or 0) / 3


def test_more_classes_have_no_operating_point() -> None:
    cases = reference(np.arange(9) % 3, classes=("a", "b", "c"))
    questions = Questions(operating_points=(), prevalence=None, trivial=())
    draws = draw_patients(np.arange(9), 3, 100, seed=0)
    scores = finished(scenario(9, 9, images=1, classes=("a", "b", "c")), "svm")
    probability = scores.predictions.part("test").probabilities()[None]
    blank = Scores(None, probability, np.full((1, 9), np.nan))
    assert operating_points(blank, [], questions, cases, draws) == ()
