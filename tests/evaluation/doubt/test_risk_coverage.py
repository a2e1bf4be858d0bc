"""Risk–coverage curve and area by plain counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.doubt.risk_coverage import risk_area, risk_coverage
from skiagram.evaluation.reported import Scores
from tests.evaluation.scenario import reference


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_area_equals_counting_with_ties_and_copies(n: int, levels: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    doubt, wrong = rng.integers(levels, size=n).astype(float), rng.random(n) < 0.4
    counts = rng.integers(0, 3, size=n)
    counts[0] = 1
    rows = np.repeat(np.arange(n), counts)
    risks = [wrong[rows][doubt[rows] <= doubt[row]].mean() for row in rows]
    found = risk_area(doubt, wrong, counts[None].astype(float))
    assert found[0] == pytest.approx(np.mean(risks))


def test_curve_ends_at_the_error_rate_and_falls_where_doubt_is_justified() -> None:
    rng = np.random.default_rng(0)
    label = np.arange(300) % 2
    score = rng.normal(size=300) + 2 * (2 * label - 1) * 0.6
    positive = 1 / (1 + np.exp(-score))
    probability = np.stack([1 - positive, positive], axis=1)
    cases, draws = reference(label), draw_patients(np.arange(300), 150, 300, seed=0)
    found = risk_coverage(Scores(None, probability[None], np.full((1, 300), np.nan)), cases, draws)
    wrong = (positive > 0.5) != (label == 1)
    assert found.curve.x[-1] == 1
    assert found.curve.y[-1] == pytest.approx(wrong.mean())
    surest = np.argsort(-np.abs(positive - 0.5))[:150]
    assert found.curve.y[49] == pytest.approx(wrong[surest].mean())
    assert found.curve.y[19] < found.curve.y[-1] / 2
    assert (found.area.low or 1) < (found.area.value or 0) < (found.area.high or 0)


def test_blind_doubt_refers_in_vain() -> None:
    label = np.arange(200) % 2
    probability = np.tile([0.4, 0.6], (200, 1))[None]
    cases, draws = reference(label), draw_patients(np.arange(200), 100, 100, seed=0)
    found = risk_coverage(Scores(None, probability, np.full((1, 200), np.nan)), cases, draws)
    assert set(found.curve.y) == {0.5}
    assert found.area.value == 0.5
