"""Run length features against runs found by splitting."""

from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.features.discretisation import Discretisation, GreyLevels
from skiagram.features.glrlm import Glrlm

FAMILY = Glrlm(
    levels=Discretisation(bin_number=8, bin_width=None), region="whole", aggregation="merged"
)


def runs(levels):
    """Return (level, length) of the runs of one plane image in four directions, by splitting."""
    height, width = levels.shape
    lines = [*levels, *levels.T]
    for image in (levels, levels[:, ::-1]):
        lines += [np.diagonal(image, at) for at in range(1 - height, width)]
    split = [(int(level), len(list(run))) for line in lines for level, run in groupby(line)]
    return [(level, length) for level, length in split if level > 0]


levels_and_outside = arrays(
    np.uint16, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3)
).filter(lambda levels: bool(levels.any()))


@pytest.mark.slow
@given(levels_and_outside)
def test_merged_matrix_holds_the_runs_of_every_line(levels):
    level, length = np.array(runs(levels), dtype=float).T
    _, counts = np.unique(runs(levels), axis=0, return_counts=True)
    shares = counts / counts.sum()
    expected = {
        "short_runs_emphasis": np.mean(length**-2),
        "long_runs_emphasis": np.mean(length**2),
        "long_run_low_grey_level_emphasis": np.mean(length**2 / level**2),
        "short_run_high_grey_level_emphasis": np.mean(level**2 / length**2),
        "run_percentage": len(length) / (4 * np.count_nonzero(levels)),
        "grey_level_variance": np.var(level),
        "run_length_variance": np.var(length),
        "run_entropy": -np.sum(shares * np.log2(shares)),
    }
    row = FAMILY.describe(GreyLevels(levels[None, None], int(levels.max())))[0]
    found = dict(zip(FAMILY.names(), row, strict=True))
    for name, value in expected.items():
        np.testing.assert_allclose(found[f"glrlm_{name}"], value, atol=1e-12, err_msg=name)
