"""Thresholds keep what they aim at on the scores that fix them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.evaluation.decisions.operating import operating_points
from skiagram.evaluation.decisions.thresholds import threshold_at_specificity, thresholds
from skiagram.evaluation.held_out import HeldOut, held_out
from skiagram.evaluation.questions import Aim, Questions
from skiagram.evaluation.reported import ModelScores, scores_on
from skiagram.evaluation.setting import Setting, setting
from skiagram.predictions import Predictions
from skiagram.records import Design
from tests.evaluation.scenario import NO_PAIRS, Scenario, finished, reference, scenario

SENSITIVITY, SPECIFICITY = (Aim(aim="sensitivity", level=0.9), Aim(aim="specificity", level=0.8))


def opened(known: Scenario) -> Setting:
    return setting(known.cases, known.task, known.sealed, None, NO_PAIRS, 0, 200)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(1, 9), st.floats(0.05, 1), st.integers(0, 2**32 - 1))
def test_the_lowest_threshold_that_keeps_a_specificity(
    n: int, levels: int, wanted: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    probability = rng.integers(levels, size=n) / 10
    positive = np.arange(n) < n // 2
    limit = threshold_at_specificity(probability, positive, wanted)
    assert np.mean(probability[~positive] < limit) >= wanted - 1e-9
    lower = probability[~positive][probability[~positive] < limit]
    assert np.mean(probability[~positive] < lower.max()) < wanted


@pytest.mark.parametrize("design", ["holdout", "cv"])
def test_no_reported_case_fixes_its_own_threshold(design: Design) -> None:
    known = scenario(design=design, test=80 if design == "holdout" else 0)
    ground = opened(known)
    model = finished(known, "svm", repeats=2)
    whose = {case: str(patient) for case, patient in zip(
        known.cases.case_id.tolist(), known.cases.patient_id.tolist(), strict=True)}  # fmt: skip
    fixing = list(held_out(model, ground))
    assert len(fixing) == (2 if design == "holdout" else 6)
    covered = np.zeros((2, len(ground.cases)), dtype=int)
    for one in fixing:
        decided = {whose[case] for case in ground.cases.case_id[one.reported].tolist()}
        assert decided.isdisjoint(whose[case] for case in one.cases.case_id.tolist())
        covered[one.repeat] += one.reported
    assert (covered == 1).all()


def test_a_threshold_is_that_of_the_repeats_own_scores() -> None:
    known = scenario()
    ground, model = opened(known), finished(known, "svm", repeats=3)
    fixing = list(held_out(model, ground))
    found = thresholds(fixing, SENSITIVITY, 3)
    for one in fixing:
        limit = np.unique(found[one.repeat])
        positive = one.cases.label == 1
        kept = np.mean(one.probability[positive, 1] >= limit)
        assert kept == pytest.approx(0.9, abs=1 / positive.sum())
        assert len(limit) == 1


def test_a_class_without_held_out_cases_leaves_reasons() -> None:
    cases = reference(np.arange(10) % 2)
    probability = np.tile([0.4, 0.6], (10, 1))
    alone = HeldOut(probability[:4], reference(np.zeros(4, dtype=np.int64)), 0, np.ones(10, bool))
    known = scenario()
    scores = scores_on(finished(known, "svm"), "test", opened(known).cases, pooled=False)
    questions = Questions(operating_points=(SPECIFICITY,), prevalence=None, trivial=())
    (found,) = operating_points(
        scores.select(np.arange(80) < 10), [alone], questions, cases, opened(known).draws
    )
    assert found.threshold is None
    assert {one.reason for one in found.metrics.values()} == {
        "a class has no held-out case to fix a threshold on"
    }


def test_a_fold_without_inner_scores_has_no_threshold() -> None:
    known = scenario(design="cv", test=0)
    model = finished(known, "svm")
    table = model.predictions.table
    lost = (table["part"] == "inner") & (table["fold"] == 1)
    fewer = ModelScores(model.outcome, Predictions(table[~lost]))
    found = thresholds(list(held_out(fewer, opened(known))), SENSITIVITY, 1)
    assert np.isnan(found).sum() == ((table["part"] == "out_of_fold") & (table["fold"] == 1)).sum()
