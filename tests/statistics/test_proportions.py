"""Wilson's interval against SciPy, and by patient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from skiagram.statistics.linearised import share
from skiagram.statistics.proportions import proportion
from skiagram.statistics.score_intervals import wilson_interval


@pytest.mark.slow
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
    copied = share(np.repeat(success, 3)[None], np.repeat(np.arange(50), 3))
    assert copied.size == pytest.approx(50, rel=0.03)


def test_all_right_counts_patients_not_images() -> None:
    found = proportion(np.ones(60), np.repeat(np.arange(20), 3))
    student = t.ppf(0.975, 19)
    assert found.low == pytest.approx(20 / (20 + student**2))  # Wilson's bound of 20 out of 20
    assert found.low < binomtest(20, 20).proportion_ci(method="wilson").low
