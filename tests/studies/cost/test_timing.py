"""Times of known calls."""

import platform
import time

from skiagram.studies.cost.machine import machine
from skiagram.studies.cost.results import Timing
from skiagram.studies.cost.timing import repeated, summary, timed


def test_a_summary_is_the_median_between_least_and_greatest() -> None:
    found = summary([(1.0, 0.5), (3.0, 0.7), (2.0, 0.6)], scale=10)
    assert found == Timing(20.0, 10.0, 30.0, 6.0)


def test_sleeping_takes_wall_time_and_hardly_any_processor_time() -> None:
    value, (wall, processor) = timed(lambda: time.sleep(0.05) or 7)  # type: ignore[func-returns-value]
    assert value == 7
    assert wall >= 0.05
    assert processor < 0.03


def test_the_call_that_warms_up_does_not_count() -> None:
    pauses = iter([0.5, 0.02, 0.02, 0.02])
    found = repeated(lambda: time.sleep(next(pauses)), repeats=3, cases=4)
    assert 5.0 <= found.median < 60.0  # milliseconds a case; 125 with the first
    assert next(pauses, None) is None


def test_times_add_up() -> None:
    total = Timing(1.0, 0.5, 2.0, 1.0).plus(Timing(10.0, 9.0, 12.0, 8.0), 0.5)
    assert total == Timing(6.0, 5.0, 8.0, 5.0)


def test_the_machine_has_no_name() -> None:
    assert platform.node() not in machine()
    assert "cores" in machine()
