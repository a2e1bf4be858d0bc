"""Nested subsets hold whole patients and about the shares of all classes."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.studies.cohorts import draw_nested_subsets

PATIENT = np.repeat(np.arange(60).astype(str), 2)
LABEL = np.repeat((np.arange(60) % 3 == 0).astype(np.int64), 2)


@settings(max_examples=10)
@given(st.integers(0, 50), st.integers(0, 4))
def test_subsets_are_nested_whole_patients_of_at_least_the_size(seed: int, draw: int) -> None:
    sizes = (10, 31, 80, 120)
    subsets = draw_nested_subsets(LABEL, PATIENT, sizes, seed, draw)
    for size, rows in zip(sizes, subsets, strict=True):
        assert size <= len(rows) <= size + 1
        assert len(set(PATIENT[rows])) * 2 == len(rows)
        assert abs(LABEL[rows].mean() - 1 / 3) < 0.12
    for smaller, larger in pairwise(subsets):
        assert set(smaller) <= set(larger)
