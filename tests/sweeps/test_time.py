"""Times of known calls."""

import time

import pytest

from skiagram.sweeps.time import Clock, Timing, summarise_times

pytestmark = pytest.mark.slow


def clock(kind):
    return Clock(images=4, repeats=3, time=kind)


def test_a_summary_is_the_median_between_least_and_greatest():
    assert summarise_times([1.0, 3.0, 2.0], scale=10) == Timing(20.0, 10.0, 30.0)


def test_sleeping_takes_wall_time_and_hardly_any_processor_time():
    value, wall = clock("wall").measure(lambda: time.sleep(0.05) or 7)
    _, processor = clock("processor").measure(lambda: time.sleep(0.05))
    assert value == 7
    assert wall >= 0.05
    assert processor < 0.03


def test_the_call_that_warms_up_does_not_count():
    pauses = iter([0.5, 0.02, 0.02, 0.02])
    found = clock("wall").measure_repeated(lambda: time.sleep(next(pauses)), cases=4)
    assert 5.0 <= found.median < 60.0  # milliseconds a case; 125 with the first
    assert next(pauses, None) is None
