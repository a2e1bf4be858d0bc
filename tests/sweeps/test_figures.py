"""Means over patients: Student's interval, and patients of whom one has most of the images."""

import numpy as np
import pytest
from scipy.stats import t

from skiagram.sweeps.figures import mean_over_patients


def test_one_image_a_patient_gives_students_interval():
    values = np.random.default_rng(0).normal(30, 2, 20)
    found = mean_over_patients(values.tolist(), np.array([f"p{k}" for k in range(20)]))
    half = float(t.ppf(0.975, 19) * values.std(ddof=1) / np.sqrt(20))
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_the_interval_holds_the_mean_of_images_where_a_patient_has_most_of_them():
    """The mean of patients' means, which the interval was of, is 3; that of the images is 9.1."""
    values = [10.0] * 90 + [1.0] * 9 + [2.0]
    patient = np.array(["many"] * 90 + [f"p{k}" for k in range(10)])
    found = mean_over_patients(values, patient)
    assert found.value == pytest.approx(np.mean(values))
    assert (found.low or 0) < 3 < (found.high or 0)
