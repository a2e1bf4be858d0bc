"""Tests of maps: figures that are known exactly, and maps that must fail."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from skiagram.explanation.trust import (
    cell_numbers,
    cell_order,
    exchange_areas,
    judge_test,
    locate,
    map_similarity,
)
from skiagram.statistics.estimate import Estimate


def noise(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("shape", [(24, 30), (10, 12, 9)])
def test_maps_are_compared_by_their_ranks(shape):
    one, other = noise(0, *shape), noise(1, *shape)
    assert map_similarity(one, np.exp(3 * one)) == pytest.approx(1)  # any unit
    assert abs(map_similarity(one, other)) < 0.1
    places = np.argsort(np.argsort(np.stack([one, other]).reshape(2, -1)))
    ranks = ((places + 0.5) / one.size).reshape(2, *shape)
    assert map_similarity(one, other) == pytest.approx(
        structural_similarity(*ranks, data_range=1.0, win_size=7)
    )


@pytest.mark.parametrize("shape", [(1, 24, 30), (2, 24, 30), (2, 30)])
def test_maps_of_a_slice_or_two_are_compared(shape):
    one, other = noise(0, *shape), noise(1, *shape)
    assert map_similarity(one, np.exp(3 * one)) == pytest.approx(1)
    assert abs(map_similarity(one, other)) < 0.3


@pytest.mark.parametrize("shape", [(16, 16), (8, 8, 8)])
def test_the_order_of_a_linear_score_is_the_best_one(shape):
    weight = noise(0, *shape)
    image = np.ones((1, *shape), dtype=np.float32)
    number = cell_numbers(shape, 4)
    cells = number.max() + 1
    assert np.ptp(np.bincount(number.ravel())) == 0

    def score(images):
        return (images[:, 0] * weight).reshape(len(images), -1).sum(axis=1)

    def areas(order):
        return exchange_areas(image, np.zeros_like(image), order, number, score, int(cells))

    best = cell_order(weight, number)
    out, into = areas(best)
    sums = np.bincount(number.ravel(), weights=weight.ravel())[best]
    inserted = np.concatenate([[0.0], np.cumsum(sums)])
    assert into == pytest.approx((inserted[1:] + inserted[:-1]).mean() / 2, abs=1e-4)
    assert out == pytest.approx(weight.sum() - into, abs=1e-3)
    for seed in range(20):
        other_out, other_into = areas(np.random.default_rng(seed).permutation(cells))
        assert other_out > out
        assert other_into < into


def test_where_a_map_points_is_counted_exactly():
    values, region = np.zeros((20, 20)), np.zeros((20, 20), dtype=bool)
    region[8:12, 8:12] = True
    values[9, 9], values[9, 13], values[0, 0], values[15, 3] = 4.0, 2.0, 1.0, -9.0
    found = locate(values, region)
    assert (found.hit, found.area) == (1.0, 16 / 400)
    assert found.share == pytest.approx(4 / 7)
    # Three places are above 0; thirteen of 396 empty ones fill up the region's size.
    assert found.overlap == pytest.approx((1 + 13 / 396 * 15) / 16)
    assert locate(-np.abs(values), region) is None


def test_a_test_is_passed_by_the_whole_interval_alone():
    clear, doubtful = Estimate(0.2, 0.1, 0.3), Estimate(0.4, 0.2, 0.6)
    states = [
        judge_test("randomisation", figure, 0.5, below=True, words="").state
        for figure in (clear, doubtful, Estimate(0.1), Estimate(None, reason="no map"))
    ]
    assert states == ["passed", "failed", "failed", "not tested"]
    assert judge_test("insertion", clear, 0.0, below=False, words="").state == "passed"
