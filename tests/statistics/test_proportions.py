"""Wilson's interval against SciPy, and by patient."""

import numpy as np
import pytest
from scipy.stats import binomtest, t
from scipy.stats import f as f_distribution

from skiagram.statistics.linearised import share
from skiagram.statistics.proportions import mean_by_patient, proportion
from skiagram.statistics.variation import ratio_of_design_effects


def test_one_case_a_patient_is_plain_wilson():
    success = (np.arange(50) < 37).astype(float)
    found = proportion(success, np.arange(50))
    theirs = binomtest(37, 50).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert found.method == "Wilson"


def test_copies_within_a_patient_add_nothing():
    success = (np.arange(50) < 37).astype(float)
    copied = share(np.repeat(success, 3)[None], np.repeat(np.arange(50), 3))
    assert copied.effective_sample_size == pytest.approx(50, rel=0.03)


def test_images_are_taken_to_be_as_alike_as_they_may_be():
    """By the upper bound of the correlation within 40 patients of 5 images, one in 8 wrong."""
    patient = np.repeat(np.arange(40), 5)
    success = np.ones(200)
    success[:25] = np.tile([0.0, 0, 0, 0, 1], 5)  # five patients err in four images each
    between, within = 5 * (5 * 0.7**2 + 35 * 0.1**2) / 39, 20 * 0.2 / 160
    ratio = between / within
    alike = [(f - 1) / (f + 4) for f in (ratio, ratio / f_distribution.ppf(0.05, 39, 160))]
    effect = (1 + 4 * alike[1]) / (1 + 4 * alike[0])
    assert ratio_of_design_effects(success, patient) == pytest.approx(effect)
    assert effect > 1.05
    assert ratio_of_design_effects(success, np.arange(200)) == 1
    few = np.repeat(np.arange(104), [25] * 4 + [1] * 100)
    assert ratio_of_design_effects(success, few) == 1  # another rule sees to few with most images


def test_all_right_counts_patients_not_images():
    found = proportion(np.ones(60), np.repeat(np.arange(20), 3))
    student = t.ppf(0.975, 19)
    assert found.low == pytest.approx(20 / (20 + student**2))  # Wilson's bound of 20 out of 20
    assert found.low < binomtest(20, 20).proportion_ci(method="wilson").low


def test_a_mean_has_students_interval_over_patients():
    values, patient = (
        np.random.default_rng(3).normal(size=40),
        np.array([f"p{k}" for k in range(40)]),
    )
    found = mean_by_patient(values, patient)
    half = t.ppf(0.975, 39) * values.std(ddof=1) / 40**0.5
    assert found.high - values.mean() == pytest.approx(half)
    twice = mean_by_patient(np.repeat(values, 2), np.repeat(patient, 2))
    assert twice.high == pytest.approx(found.high, rel=0.01)  # a case shown twice tells nothing
    gaps = np.where(np.arange(40) < 3, np.nan, values)
    assert mean_by_patient(gaps, patient).value == pytest.approx(values[3:].mean())
    assert mean_by_patient(values[:2], patient[:2]).low is None
    assert mean_by_patient(np.full(3, np.nan), patient[:3]).value is None
