"""Variances over clustered patients, trainings and folds against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from skiagram.statistics.variation import (
    Variation,
    error_of_shift,
    over_folds,
    over_trainings,
    variance_of_mean,
)

Floats = NDArray[np.float64]


def jackknife(value, patient):
    """The delete-one-patient jackknife by its definition."""
    left_out = np.array([value[patient != one].mean() for one in np.unique(patient)])
    patients = len(left_out)
    return float((patients - 1) / patients * ((left_out - value.mean()) ** 2).sum())


def analysed(value, patient):
    """The variance of a mean by the one-way random-effects model (Searle 1971, ch. 9)."""
    groups = [value[patient == one] for one in np.unique(patient)]
    sizes = np.array([len(group) for group in groups], dtype=np.float64)
    n, patients = sizes.sum(), len(groups)
    means = np.array([group.mean() for group in groups])
    between = (sizes * (means - value.mean()) ** 2).sum() / (patients - 1)
    within = sum(((group - group.mean()) ** 2).sum() for group in groups) / (n - patients)
    usual_size = (n - (sizes**2).sum() / n) / (patients - 1)
    component = (between - within) / usual_size
    return float(max(0.0, within * n + component * (sizes**2).sum()) / n**2)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 8), min_size=3, max_size=12), st.integers(0, 2**32 - 1))
def test_unequal_clusters_take_the_mean_of_two_estimates(sizes, seed):
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(len(sizes)), sizes)
    value = rng.normal(size=len(patient)) + rng.normal(size=len(sizes))[patient]
    expected = jackknife(value, patient)
    if len(patient) > len(sizes):
        expected = (expected + analysed(value, patient)) / 2
    found = variance_of_mean(value, patient)
    if len(set(sizes)) > 1:
        assert found == pytest.approx(expected, rel=1e-9)
    else:
        assert found == pytest.approx(jackknife(value, patient), rel=1e-9)


@pytest.mark.parametrize("images", [1, 2, 5])
def test_equal_clusters_have_the_usual_variance_of_their_means(images):
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(15), images)
    value = rng.normal(size=len(patient))
    means = value.reshape(15, images).mean(axis=1)
    assert variance_of_mean(value, patient) == pytest.approx(means.var(ddof=1) / 15, rel=1e-12)


def test_one_training_stands_for_itself_and_several_for_the_procedure():
    once = over_trainings(0.0004, np.inf, np.array([0.8]))
    assert (once.scope, once.variance) == ("fits", 0.0004)
    assert once.half_width == pytest.approx(0.0392, abs=1e-4)
    figures = np.array([0.78, 0.80, 0.82])
    several = over_trainings(0.0004, np.inf, figures)
    seed = 0.0004 / 3
    assert (several.scope, several.repeats) == ("procedure", 3)
    assert several.variance == pytest.approx(0.0004 + seed)
    assert several.trainings == pytest.approx(seed)
    assert several.degrees == pytest.approx(several.variance**2 / (seed**2 / 2))  # Satterthwaite
    equal = over_trainings(0.0004, np.inf, np.full(3, 0.8))
    assert equal.half_width == pytest.approx(once.half_width)


@pytest.mark.parametrize("repeats", [1, 5])
def test_a_shift_has_the_variance_of_a_patient_on_both_sides(repeats):
    """A patient has variance 1 on either side; five folds overlap by 5/4 in any repeats."""
    held_out, tested = over_folds(1 / 100, np.inf, 5, repeats), Variation(1 / 50)
    found = error_of_shift(held_out, tested, (100, 50), 5)
    assert found == pytest.approx(np.sqrt(1.25 / 100 + 1 / 50))
    ordered = error_of_shift(held_out, Variation(1e-6), (100, 50), 5)
    assert ordered == pytest.approx(found)


def test_without_variance_only_equality_has_a_p_value():
    assert Variation(0.0).p(0.0) == 1.0
    assert Variation(0.0).p(0.1) is None
    assert Variation(0.01).p(0.196) == pytest.approx(0.05, abs=1e-4)
