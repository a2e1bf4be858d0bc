"""Run length features against published values, runs found by splitting, and what moves them."""

from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation, GreyLevels
from skiagram.features.glcm import Aggregation
from skiagram.features.glrlm import Glrlm

FAMILY = Glrlm(
    levels=Discretisation(bin_number=8, bin_width=None), region="whole", aggregation="merged"
)
NAMES = [name.removeprefix("glrlm_") for name in FAMILY.names()]


def named(levels: np.ndarray, aggregation: Aggregation) -> dict[str, np.ndarray]:
    """Return the features of (n, depth, height, width) levels by name, each (n,)."""
    family = replace(FAMILY, aggregation=aggregation)
    found = family.describe(GreyLevels(levels, int(levels.max())))
    return dict(zip(NAMES, found.T, strict=True))


def runs(levels: np.ndarray) -> list[tuple[int, int]]:
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
def test_merged_matrix_holds_the_runs_of_every_line(levels: np.ndarray) -> None:
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
    found = named(levels[None, None], "merged")
    for name, value in expected.items():
        np.testing.assert_allclose(found[name][0], value, atol=1e-12, err_msg=name)


@pytest.mark.slow
@given(arrays(np.uint16, (1, 3, 4, 5), elements=st.integers(1, 3)), st.permutations([1, 2, 3]))
def test_a_volume_has_no_preferred_axis(levels: np.ndarray, order: list[int]) -> None:
    found = named(levels, "merged")
    for name, value in named(levels.transpose(0, *order).copy(), "merged").items():
        np.testing.assert_allclose(value, found[name], err_msg=name)


def test_stripes_run_along_one_direction() -> None:
    stripes = np.tile(np.array([0, 1], dtype=np.float32), (1, 8, 4))
    levels = Discretisation(bin_number=16, bin_width=None)
    family = Glrlm(levels=levels, region="whole", aggregation="averaged")
    found = dict(zip(family.names(), family.extract(FeatureBatch(stripes))[0], strict=True))
    assert found["glrlm_long_runs_emphasis"] == (3 * 1 + 64) / 4  # length 8 downwards, else 1
    assert found["glrlm_run_percentage"] == (3 * 1 + 1 / 8) / 4


def test_one_line_runs_along_itself_alone() -> None:
    line = np.ones((1, 1, 1, 6), dtype=np.uint16)
    assert named(line, "averaged")["long_runs_emphasis"] == (36 + 3 * 1) / 4
    column = line.transpose(0, 1, 3, 2).copy()
    assert named(column, "averaged")["long_runs_emphasis"] == (36 + 3 * 1) / 4
