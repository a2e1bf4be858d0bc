"""Wilson's interval against SciPy, and by patient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, norm, t

from skiagram.statistics.proportions import effective_size, proportion, wilson_interval


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(0, 200))
def test_wilson_equals_scipy(n: int, wanted: int) -> None:
    k = min(wanted, n)
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson_interval(k / n, n) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_one_case_a_patient_is_plain_wilson() -> None:
    success = (np.arange(50) < 37).astype(float)
    found = proportion(success, np.arange(50))
    theirs = binomtest(37, 50).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high))
    assert found.method == "Wilson"


def test_copies_within_a_patient_add_nothing() -> None:
    success = (np.arange(50) < 37).astype(float)
    assert effective_size(np.repeat(success, 3), np.repeat(np.arange(50), 3)) == pytest.approx(
        50, rel=0.03
    )


def test_all_right_counts_patients_not_images() -> None:
    found = proportion(np.ones(60), np.repeat(np.arange(20), 3))
    student = t.ppf(0.975, 19)
    assert found.low == pytest.approx(20 / (20 + student**2))  # Wilson's bound of 20 out of 20
    assert found.low < binomtest(20, 20).proportion_ci(method="wilson").low


def test_trainings_that_differ_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    equal = np.tile(rng.random(200) < 0.8, (5, 1)).astype(float)
    spread = (rng.random((5, 200)) < np.array([0.6, 0.7, 0.8, 0.9, 1.0])[:, None]).astype(float)
    alike, apart = proportion(equal, np.arange(200)), proportion(spread, np.arange(200))
    once = proportion(equal[0], np.arange(200))
    assert (alike.low, alike.high) == pytest.approx((once.low, once.high))
    assert alike.method == apart.method == "Wilson, over 5 trainings"
    assert (apart.high or 0) - (apart.low or 0) > 1.5 * ((alike.high or 0) - (alike.low or 0))


@pytest.mark.slow
def test_a_few_patients_with_most_images_keep_95_percent() -> None:
    rng = np.random.default_rng(3)
    images = np.ones(100, dtype=np.int64)
    images[::20] = 25
    patient = np.repeat(np.arange(100), images)
    held = 0
    for _ in range(600):
        shared = rng.normal(size=100)[patient]
        noise = np.sqrt(0.5) * (shared + rng.normal(size=len(patient)))
        found = proportion((noise < norm.ppf(0.85)).astype(float), patient)
        held += (found.low or 0.0) <= 0.85 <= (found.high or 1.0)
    assert held / 600 >= 0.93


def test_no_case_says_why() -> None:
    empty = proportion(np.empty(0), np.empty(0, dtype=np.int64))
    assert empty.value is None
    assert empty.reason


def test_interval_by_patient_covers_where_the_plain_one_does_not() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(60), 4)
    hits = {"clustered": 0, "plain": 0}
    for _ in range(300):
        chance = rng.beta(1.6, 0.4, size=60)  # mean .8, cases of a patient alike
        success = (rng.random(240) < chance[patient]).astype(float)
        clustered, plain = proportion(success, patient), proportion(success, np.arange(240))
        for name, found in (("clustered", clustered), ("plain", plain)):
            assert found.low is not None
            assert found.high is not None
            hits[name] += found.low <= 0.8 <= found.high
    assert hits["clustered"] / 300 == pytest.approx(0.95, abs=0.035)
    assert hits["plain"] / 300 < 0.88
