"""The Pareto front by its definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skiagram.studies.cost.front import pareto_front

NUMBERS = st.integers(0, 5).map(float)  # few values, so that ties are common
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=8)


@given(POINTS)
def test_a_point_is_on_the_front_unless_another_dominates_it(
    points: list[tuple[float, float]],
) -> None:
    cost, value = zip(*points, strict=True)
    expected = [
        not any(c <= cost[i] and v >= value[i] and (c, v) != (cost[i], value[i]) for c, v in points)
        for i in range(len(points))
    ]
    assert pareto_front(cost, value).tolist() == expected


@given(POINTS)
def test_the_best_and_the_cheapest_are_always_met(points: list[tuple[float, float]]) -> None:
    cost, value = (np.array(one) for one in zip(*points, strict=True))
    front = pareto_front(cost.tolist(), value.tolist())
    assert value[front].max() == value.max()
    assert cost[front].min() == cost.min()


def test_an_undefined_cost_is_not_on_the_front_and_keeps_nobody_off() -> None:
    assert pareto_front([None, 3.0, 1.0], [0.9, 0.8, 0.7]).tolist() == [False, True, True]
