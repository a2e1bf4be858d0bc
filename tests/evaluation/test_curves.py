"""Curves to draw enclose the areas that are reported."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import auc, precision_recall_curve, roc_auc_score, roc_curve

from skiagram.evaluation.curves import (
    curve_band,
    mean_curve,
)
from skiagram.statistics.bootstrap import PatientDraws, draw_patients

POSITIVE = np.arange(90) < 40


def test_area_under_the_curve_is_the_reported_one():
    score = np.round(np.random.default_rng(0).normal(size=90) + POSITIVE, 1)
    curve = mean_curve(score[None], POSITIVE)
    assert auc(curve.x, curve.y) == pytest.approx(roc_auc_score(POSITIVE, score))


@pytest.mark.parametrize("levels", [1, 2, 3, 12, 1000])
def test_points_are_those_of_scikit_learn(levels):
    for seed in range(20):
        score = np.random.default_rng(seed).integers(0, levels, 90) / 7
        curve, recall = (mean_curve(score[None], POSITIVE, recall=each) for each in (False, True))
        expected = roc_curve(POSITIVE, score)[:2]
        assert_array_equal((curve.x, curve.y), expected)
        precisions, recalls, _ = precision_recall_curve(POSITIVE, score, drop_intermediate=True)
        assert_array_equal((recall.x, recall.y), (recalls[::-1], precisions[::-1]))


@pytest.mark.slow
def test_curves_import_no_scikit_learn():
    code = (
        "import sys, numpy as np; from skiagram.evaluation.curves import mean_curve\n"
        "mean_curve(np.eye(2)[:1], np.eye(2)[0] > 0); assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def single(weights):
    """Return draws of one resample, so that both bounds are that resample's curve."""
    draws = PatientDraws(np.arange(len(weights)), 1, replicates=1, seed=0)
    vars(draws)["counts"] = np.array([weights], dtype=np.uint8)  # in place of what the seed draws
    return draws


def upper_sensitivity(score, positive, weights, at):
    false_positive, true_positive, _ = roc_curve(
        positive, score, sample_weight=weights, drop_intermediate=False
    )
    return np.array([np.interp(rate + 1e-9, false_positive, true_positive) for rate in at])


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(4, 40))
def test_heights_of_a_resample_are_those_of_scikit_learn(seed, levels, n):
    draws = np.random.default_rng(seed)
    score = draws.integers(0, levels, n).astype(float)
    positive = np.arange(n) % 2 == 0
    weights = draws.integers(0, 4, n)
    weights[:2] += 1
    band = curve_band(score[None], positive, single(weights.tolist()))
    assert band.low == band.high
    expected = upper_sensitivity(score, positive, weights, np.array(band.x))
    assert_allclose(band.low, expected, atol=1e-6)

    band = curve_band(score[None], positive, single(weights.tolist()), recall=True)
    precision, recall, _ = precision_recall_curve(positive, score, sample_weight=weights)
    first = [precision[recall >= at - 1e-9][-1] for at in band.x]
    assert_allclose(band.low, first, atol=1e-9)


def test_images_of_one_patient_widen_the_band():
    generator = np.random.default_rng(3)
    score = np.repeat(generator.normal(size=40) + np.repeat([0, 1.2], 20), 4)
    positive = np.repeat([False, True], 80)
    alone = curve_band(score[None], positive, draw_patients(np.arange(160), 80, 500, 0))
    patients = curve_band(score[None], positive, draw_patients(np.arange(160) // 4, 20, 500, 0))
    width = (
        np.subtract(patients.high, patients.low).sum() / np.subtract(alone.high, alone.low).sum()
    )
    assert width == pytest.approx(2, abs=0.5)


def test_two_patients_give_no_band():
    assert curve_band(np.array([[0.0, 1.0]]), np.array([False, True]), single([2, 0])) is None
