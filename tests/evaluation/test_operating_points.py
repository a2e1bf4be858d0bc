"""Thresholds keep what they aim at on the scores that fix them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    balanced_accuracy_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
)

from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.decisions import (
    JUDGMENTS,
    judge_decisions,
    judge_operating_points,
    threshold_at_specificity,
)
from skiagram.evaluation.measurement import measure_model
from skiagram.evaluation.options import NO_REQUESTS, OperatingTarget
from skiagram.evaluation.results import OPERATING_POINTS
from skiagram.evaluation.scores import held_out_probabilities
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.discrimination import matthews_correlation
from tests.evaluation.scenario import evaluated, finished, reference, scenario, scored

SENSITIVITY, SPECIFICITY = (
    OperatingTarget(aim="sensitivity", level=0.9),
    OperatingTarget(aim="specificity", level=0.8),
)


def of(cases):
    """Return a model on cases, whose decisions are given beside it."""
    return scored(cases, np.zeros((1, len(cases), 2)))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(1, 9), st.floats(0.05, 1), st.integers(0, 2**32 - 1))
def test_the_lowest_threshold_that_keeps_a_specificity(n, levels, wanted, seed):
    rng = np.random.default_rng(seed)
    probability = rng.integers(levels, size=n) / 10
    positive = np.arange(n) < n // 2
    limit = threshold_at_specificity(probability, positive, wanted, np.arange(n))
    negatives = probability[~positive]
    one_more, below = len(negatives) + 1, negatives[negatives < limit]
    assert len(below) == len(negatives) or len(below) / one_more >= wanted - 1e-9
    assert (negatives < below.max()).sum() / one_more < wanted


@pytest.mark.parametrize("design", ["holdout", "cv"])
def test_no_reported_case_fixes_its_own_threshold(design):
    known = scenario(design=design, test=80 if design == "holdout" else 0)
    ground = known.opened()
    model = finished(known, "svm", repeats=2)
    whose = pd.Series(known.cases.patient_id, known.cases.case_id)
    fixing = list(held_out_probabilities(model, ground))
    assert len(fixing) == (2 if design == "holdout" else 6)
    covered = np.zeros((2, len(ground.cases)), dtype=int)
    for (repeat, reported), _, cases in fixing:
        decided = {*whose[ground.cases.case_id[reported]]}
        assert decided.isdisjoint(whose[cases.case_id])
        covered[repeat] += reported
    assert (covered == 1).all()


def test_no_figure_is_measured_that_nobody_asked_for():
    """Of each row of a sweep the primary figure is chosen by; others take most of the time."""
    known = scenario()
    setting, model = known.opened(), finished(known, "svm")
    compared = ComparedModel.on(setting, model)
    found = measure_model(model.outcome, compared, setting, NO_REQUESTS, ())
    assert found.figures.list_distinct("figure") == ("roc_auc",)


def test_a_class_without_held_out_cases_leaves_reasons():
    probability = np.tile([0.4, 0.6], (10, 1))
    decided_on = 0, np.ones(10, dtype=np.bool_)
    alone = decided_on, probability[:4], reference(np.zeros(4, dtype=np.int64))
    known = scenario()
    setting = known.opened()
    model = ComparedModel.on(setting, finished(known, "svm"))
    questions = replace(NO_REQUESTS, operating_points=(SPECIFICITY,))
    found = judge_operating_points(
        model.select(np.arange(80) < 10), [alone], questions, setting.draws
    )
    assert {(figure, one.value, one.reason) for figure, _, one in found} == {
        (figure, None, "a class has no held-out case to fix a threshold on")
        for figure in ("threshold", *JUDGMENTS)
    }


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_correlation_equals_sklearn_with_weights(seed):
    rng = np.random.default_rng(seed)
    called, positive = rng.random((2, 25)) < 0.4
    weights = rng.integers(1, 4, size=(2, 25)).astype(float)
    found = matthews_correlation(called, positive, weights)
    if called.all() or not called.any() or positive.all() or not positive.any():
        assert np.isnan(found).all()
        return
    expected = [matthews_corrcoef(positive, called, sample_weight=row) for row in weights]
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_figures_equal_sklearn_and_lie_within_their_intervals():
    rng = np.random.default_rng(0)
    label = (np.arange(200) % 3 == 0).astype(np.int64)
    cases = reference(label, patient=np.arange(200) // 2)
    called = rng.random(200) < 0.25 + 0.5 * label
    draws = draw_patients(cases.patient, 50, 500, seed=0)
    found = judge_decisions(called[None], of(cases), draws, 1 / 3)
    expected = {
        "sensitivity": recall_score(label, called),
        "specificity": recall_score(label, called, pos_label=0),
        "positive_predictive_value": precision_score(label, called),
        "negative_predictive_value": precision_score(label, called, pos_label=0),
        "balanced_accuracy": balanced_accuracy_score(label, called),
        "matthews_correlation": matthews_corrcoef(label, called),
    }
    assert set(expected) == set(JUDGMENTS)
    assert {name: found[name].value for name in expected} == pytest.approx(expected)
    for one in found.values():
        assert one.low < one.value < one.high


def test_decisions_that_never_vary_or_never_err_say_so():
    label = (np.arange(40) % 2).astype(np.int64)
    cases, draws = reference(label), draw_patients(np.arange(40), 20, 200, seed=0)
    nobody = judge_decisions(np.zeros((1, 40), dtype=bool), of(cases), draws, 0.1)
    assert nobody["matthews_correlation"].reason == "every case got the same decision"
    assert nobody["positive_predictive_value"].reason == "no case got this decision"
    perfect = judge_decisions((label == 1)[None], of(cases), draws, 0.1)
    assert perfect["matthews_correlation"].value == 1
    assert perfect["matthews_correlation"].low is None
    # all positive cases found by calling nearly all so: no resample has a missed one
    called = label + (np.arange(40) < 30) > 0
    lucky = judge_decisions(called[None], of(cases), draws)
    assert lucky["matthews_correlation"].value == pytest.approx(matthews_corrcoef(label, called))
    assert lucky["matthews_correlation"].low is None


@pytest.mark.slow
@pytest.mark.parametrize(("positives", "negatives", "sensitivity"), [(60, 60, 0.8), (50, 90, 0.7)])
def test_intervals_of_matthews_correlation_hold_the_truth(positives, negatives, sensitivity):
    """Without an interval where a kind of decision is rare: of ten positive cases .63 held it."""
    rng, cases = np.random.default_rng(7), positives + negatives
    label = (np.arange(cases) < positives).astype(np.int64)
    model, draws = of(reference(label)), draw_patients(np.arange(cases), positives, 300, seed=0)
    share, called_share = positives / cases, (positives * sensitivity + 0.4 * negatives) / cases
    truth = sensitivity + 0.6 - 1
    truth *= np.sqrt(share * (1 - share) / (called_share * (1 - called_share)))
    held = []
    for _ in range(100):
        called = rng.random(cases) < np.where(label == 1, sensitivity, 0.4)
        found = judge_decisions(called[None], model, draws)["matthews_correlation"]
        if found.low is not None:
            held.append(found.low <= truth <= found.high)
    assert len(held) > 95
    assert np.mean(held) > 0.88


@pytest.mark.slow
def test_a_run_judges_each_point_asked_for():
    known, targets = scenario(400, 400), (SENSITIVITY, SPECIFICITY)
    svm = finished(known, "svm", strength=2.0)
    found = evaluated(known, [svm], operating_points=targets, prevalence=0.01)
    points = found.table.select(analysis=OPERATING_POINTS, model="svm")
    assert points.list_distinct("group") == ("sensitivity 0.9", "specificity 0.8")
    sensitive, specific = (points.select(group=aim) for aim in points.list_distinct("group"))
    assert sensitive.find(figure="sensitivity").value == pytest.approx(0.9, abs=0.05)
    assert specific.find(figure="specificity").value == pytest.approx(0.8, abs=0.05)
    rare = specific.find(figure="positive_predictive_value_at_prevalence").value
    assert rare < specific.find(figure="positive_predictive_value").value / 3
