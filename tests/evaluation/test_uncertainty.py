"""Conformal sets: the quantile, the promise in simulation, by patient and class."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from skiagram.calibration import conformal_limits
from skiagram.evaluation.figure_table import make_row
from skiagram.evaluation.uncertainty import (
    assess_prediction_sets,
    assess_risk_coverage,
    risk_area,
)
from skiagram.statistics.bootstrap import draw_patients
from tests.evaluation.scenario import reference, scored

Floats = NDArray[np.float64]


def drawn(rng, patients, images):
    """Two classes, a third of the patients positive; images of a patient resemble each other."""
    patient = np.repeat(np.arange(patients), images)
    label = (np.arange(patients) % 3 == 0).astype(np.int64)[patient]
    score = 1.2 * label + rng.normal(size=patients)[patient] + 0.5 * rng.normal(size=len(patient))
    positive = 1 / (1 + np.exp(-score))
    return np.stack([1 - positive, positive], axis=1), label, patient


def test_single_images_give_the_split_conformal_quantile():
    probability, label, patient = drawn(np.random.default_rng(0), 150, 1)
    limits = conformal_limits(probability, label, patient, 0.9)
    for k in range(2):
        strange = np.sort(1 - probability[label == k, k])
        rank = int(np.ceil((len(strange) + 1) * 0.9))  # Vovk, Gammerman & Shafer 2005
        assert limits[k] == pytest.approx(strange[rank - 1])


def test_too_few_cases_of_a_class_exclude_it_never():
    label = np.array([0] * 20 + [1] * 8)
    probability = np.tile([0.9, 0.1], (28, 1))
    limits = conformal_limits(probability, label, np.arange(28), 0.9)
    assert np.isfinite(limits[0])
    assert limits[1] == np.inf


@pytest.mark.parametrize("images", [1, 3])
def test_a_new_patients_image_is_covered_in_each_class(images):
    rng = np.random.default_rng(1)
    covered = [[], []]
    for _ in range(150):
        limits = conformal_limits(*drawn(rng, 60, images), 0.8)
        probability, label, _ = drawn(rng, 200, 1)
        inside = 1 - probability <= limits
        for k in range(2):
            covered[k].append(float(inside[label == k, k].mean()))
    assert [np.mean(one) for one in covered] == pytest.approx([0.81, 0.82], abs=0.03)
    assert min(np.mean(one) for one in covered) >= 0.79


def test_shares_add_up_and_the_coverage_is_that_of_the_sets():
    rng = np.random.default_rng(2)
    probability, label, patient = drawn(rng, 120, 2)
    cases = reference(label, patient)
    model = scored(cases, probability[None])
    fixing, *_ = drawn(rng, 120, 2)
    decided_on = 0, np.ones(240, dtype=np.bool_)
    sets = assess_prediction_sets(model, [(decided_on, fixing, cases)], 0.9)
    found = {each[:2]: make_row(each[2], "sets", each[0]).value for each in sets}
    single, several, empty = (found[name, ""] for name in ("single", "several", "empty"))
    assert single + several + empty == pytest.approx(1)
    assert found["mean_size", ""] == pytest.approx(single + 2 * several)
    by_class = [found["coverage", name] for name in cases.classes]
    assert found["coverage", ""] == pytest.approx(np.average(by_class, weights=[160, 80]))


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_area_equals_counting_with_ties_and_copies(n, levels, seed):
    rng = np.random.default_rng(seed)
    doubt, wrong = rng.integers(levels, size=n).astype(float), rng.random(n) < 0.4
    counts = rng.integers(0, 3, size=n)
    counts[0] = 1
    rows = np.repeat(np.arange(n), counts)
    risks = [wrong[rows][doubt[rows] <= doubt[row]].mean() for row in rows]
    found = risk_area(doubt, wrong, counts[None].astype(float))
    assert found[0] == pytest.approx(np.mean(risks))


def test_curve_ends_at_the_error_rate_and_falls_where_doubt_is_justified():
    rng = np.random.default_rng(0)
    label = np.arange(300) % 2
    score = rng.normal(size=300) + 2 * (2 * label - 1) * 0.6
    positive = 1 / (1 + np.exp(-score))
    probability = np.stack([1 - positive, positive], axis=1)
    cases, draws = reference(label), draw_patients(np.arange(300), 150, 300, seed=0)
    curve, area = assess_risk_coverage(scored(cases, probability[None]), draws)
    wrong = (positive > 0.5) != (label == 1)
    assert curve.x[-1] == 1
    assert curve.y[-1] == pytest.approx(wrong.mean())
    surest = np.argsort(-np.abs(positive - 0.5))[:150]
    assert curve.y[49] == pytest.approx(wrong[surest].mean())
    assert curve.y[19] < curve.y[-1] / 2
    assert area.low < area.value < area.high
