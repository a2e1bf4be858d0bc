"""The rule for unknown rescale intercepts, against known ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skiagram.datasets.lidc.intensities import INTERCEPT, ct_numbers, inferred_intercept

PADDING = (-2000, -2048)
numbers = arrays(np.int16, (6, 6), elements=st.integers(-1024, 3071))


@given(numbers)
def test_numbers_stored_with_an_offset_are_recognised_and_restored(true: np.ndarray) -> None:
    stored = true - np.int16(INTERCEPT)
    stored[0, 0] = PADDING[0]
    assert inferred_intercept(stored, PADDING) == INTERCEPT
    found = ct_numbers(stored, 1.0, INTERCEPT, PADDING)
    assert np.isnan(found[0, 0])
    np.testing.assert_array_equal(found.ravel()[1:], true.ravel()[1:])


@given(numbers)
def test_negative_dark_pixels_are_ct_numbers_already(true: np.ndarray) -> None:
    true[:2] = -900
    assert inferred_intercept(true, PADDING) == 0
    assert inferred_intercept(np.full((2, 2), PADDING[1], np.int16), PADDING) == INTERCEPT


@pytest.mark.real
def test_the_rule_agrees_with_every_series_whose_intercept_is_known(real_data: Path) -> None:
    rows = pd.read_csv(real_data / "lidc_nodules.csv")
    with np.load(real_data / "lidc_nodules.npz") as archive:
        pixels = archive["images"]
    known = rows[rows["rescale_intercept"].notna()]
    found = np.array([inferred_intercept(pixels[at], PADDING) for at in known.index])
    error = np.abs(found - known["rescale_intercept"].to_numpy())
    assert len(known) == 826
    assert error.max() == 24
    assert (error == 0).sum() == 752  # the others are stored from −1000
