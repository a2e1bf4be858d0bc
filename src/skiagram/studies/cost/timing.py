"""Time of repeated calls."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import TypeVar

import numpy as np

from skiagram.studies.cost.results import Time, Timing

T = TypeVar("T")


@dataclass(frozen=True)
class Clock:
    """How times are taken.

    Attributes:
        images: Images that are scored or described at a time.
        repeats: Times that this is repeated.
        time: `wall`, or `processor` time of all threads of this process.
        machine: What times are measured on.
    """

    images: int
    repeats: int
    time: Time
    machine: str

    def inputs(self) -> dict[str, object]:
        """Return all that a time depends on besides what is timed."""
        return asdict(self)

    def timed(self, call: Callable[[], T]) -> tuple[T, float]:
        """Return what a call gives, and the seconds that it took."""
        now = perf_counter if self.time == "wall" else process_time
        started = now()
        value = call()
        return value, now() - started

    def repeated(self, call: Callable[[], object], cases: int) -> Timing:
        """Return milliseconds a case of a call; a first call that warms up is not counted.

        Args:
            call: What handles all cases.
            cases: Cases that a call handles.
        """
        call()
        return summary([self.timed(call)[1] for _ in range(self.repeats)], 1000 / cases)


def summary(seconds: Sequence[float], scale: float = 1.0) -> Timing:
    """Return median, least and greatest of some repeats.

    Args:
        seconds: Seconds of each.
        scale: What they are multiplied with.
    """
    taken = scale * np.array(seconds)
    return Timing(float(np.median(taken)), float(taken.min()), float(taken.max()))
