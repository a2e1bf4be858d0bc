"""DeLong's figures against R's pROC 1.18.0 on the same 80 cases."""

import pytest

from skiagram.evaluation.delong import combination, difference_estimate
from tests.evaluation.paired import of


def test_areas_variances_and_covariance_equal_proc() -> None:
    a, b = of("score_a"), of("score_b")
    assert a.mean == pytest.approx(0.921875)
    assert b.mean == pytest.approx(0.769205729167)
    assert a.variance() == pytest.approx(0.00101503005501)
    assert b.variance() == pytest.approx(0.00276979094265)
    paired = combination([(1.0, a), (-1.0, b)]).variance()
    assert (a.variance() + b.variance() - paired) / 2 == pytest.approx(0.000911380136839)


def test_paired_interval_equals_proc() -> None:
    found = difference_estimate(of("score_a"), of("score_b"))
    assert (found.low, found.high) == pytest.approx((0.0658523630626, 0.2394861786041))
