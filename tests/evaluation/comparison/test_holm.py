"""Holm's correction against R's p.adjust."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.evaluation.comparison.holm import holm


def test_equals_r() -> None:
    # R 4.2.2: p.adjust(c(.01, .04, .03, .005, .2, .04), 'holm')
    found = holm(np.array([0.01, 0.04, 0.03, 0.005, 0.2, 0.04]))
    np.testing.assert_allclose(found, [0.05, 0.12, 0.12, 0.03, 0.20, 0.12])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12))
def test_never_below_the_raw_value_nor_above_bonferroni(p: list[float]) -> None:
    raw = np.array(p)
    found = holm(raw)
    assert (found >= raw).all()
    assert (found <= np.minimum(1, raw * max(1, len(p)))).all()
    assert (np.diff(found[np.argsort(raw, kind="stable")]) >= 0).all()
