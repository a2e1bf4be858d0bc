"""Compiled statistics against NumPy's and PyWavelets'."""

import numpy as np
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from skiagram.restoration.shrinkage import (
    bayes_thresholds,
    median_magnitude,
    shrink_hard,
    shrink_soft,
)

VALUES = arrays(
    np.float32,
    st.integers(1, 60),
    elements=st.floats(-(2.0**100), 2.0**100, width=32) | st.sampled_from([0.0, 1.0, -1.0, 2.0]),
)


@settings(max_examples=200, deadline=None)
@given(values=VALUES, seed=st.integers(0, 99))
def test_the_median_is_numpys_to_the_bit(values: NDArray[np.float32], seed: int) -> None:
    magnitude = np.abs(values)
    assert median_magnitude(values, -1.0) == np.median(magnitude)
    left_out = np.random.default_rng(seed).random(values.shape) < 0.4
    known = magnitude[~left_out]
    expected = np.median(known) if len(known) else 0
    assert median_magnitude(values, -1.0, left_out) == expected


@pytest.mark.parametrize("count", [1, 2, 2001, 50_000])
def test_the_median_of_what_is_above_a_floor(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count).astype(np.float32)
    values[::3] = 1e-7
    above = np.abs(values)[np.abs(values) > 1e-6]
    expected = np.median(above) if len(above) else 0
    assert median_magnitude(values, 1e-6) == expected


def test_bayes_thresholds_are_those_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    bands = (rng.normal(size=(4, 137)) * np.array([[0.5], [1], [2], [0]])).astype(np.float32)
    thresholds = bayes_thresholds(bands, np.array([0.1, 0.4, 3.0, 0.2]))
    signal = np.mean(np.square(bands[:2], dtype=np.float64), axis=1) - [0.01, 0.16]
    np.testing.assert_allclose(thresholds[:2], [0.01, 0.16] / np.sqrt(signal), rtol=1e-12)
    np.testing.assert_array_equal(thresholds[2:], np.inf)


@pytest.mark.parametrize(("shrink", "mode"), [(shrink_soft, "soft"), (shrink_hard, "hard")])
def test_shrinking_equals_pywavelets(shrink: object, mode: str) -> None:
    bands = np.random.default_rng(0).normal(size=(3, 101)).astype(np.float32)
    thresholds = np.array([0.0, 0.7, np.inf])
    expected = [
        pywt.threshold(band, threshold, mode) if np.isfinite(threshold) else np.zeros_like(band)
        for band, threshold in zip(bands, thresholds, strict=True)
    ]
    assert callable(shrink)
    shrink(bands, thresholds)
    np.testing.assert_allclose(bands, expected, atol=1e-6)
