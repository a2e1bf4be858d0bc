"""Thresholds keep the sensitivity that is asked for, and no more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.calibration.threshold import threshold_at_sensitivity


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1).filter(
        lambda cases: any(positive for _, positive in cases)
    ),
    st.floats(0.01, 1),
)
def test_threshold_is_the_highest_that_keeps_the_sensitivity(
    cases: list[tuple[float, bool]], sensitivity: float
) -> None:
    probability = np.array([one for one, _ in cases])
    positive = np.array([one for _, one in cases])
    threshold = threshold_at_sensitivity(probability, positive, sensitivity)
    assert (probability[positive] >= threshold).mean() >= sensitivity - 1e-8
    higher = probability[positive][probability[positive] > threshold]
    assert len(higher) / positive.sum() < sensitivity


def test_threshold_is_not_lowered_by_rounding() -> None:
    probability = np.linspace(0.1, 1, 10)
    threshold = threshold_at_sensitivity(probability, np.ones(10, dtype=bool), 0.7)
    assert threshold == pytest.approx(0.4)
