"""Wall and processor time of repeated calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TypeVar

import numpy as np

from skiagram.studies.cost.results import Timing

T = TypeVar("T")
Seconds = tuple[float, float]


@dataclass(frozen=True)
class Clock:
    """How times are taken.

    Attributes:
        images: Images that are scored or described at a time.
        repeats: Times that this is repeated.
        machine: What times are measured on.
    """

    images: int
    repeats: int
    machine: str

    def inputs(self) -> dict[str, object]:
        """Return all that a time depends on besides what is timed."""
        return {"images": self.images, "repeats": self.repeats, "machine": self.machine}


def timed(call: Callable[[], T]) -> tuple[T, Seconds]:
    """Return what a call gives, and the wall and processor seconds that it took."""
    wall, processor = perf_counter(), process_time()
    value = call()
    return value, (perf_counter() - wall, process_time() - processor)


def summary(seconds: Sequence[Seconds], scale: float = 1.0) -> Timing:
    """Return median, least and greatest of some repeats.

    Args:
        seconds: Wall and processor seconds of each.
        scale: What they are multiplied with.
    """
    wall, processor = scale * np.array(seconds).T
    return Timing(
        float(np.median(wall)), float(wall.min()), float(wall.max()), float(np.median(processor))
    )


def repeated(call: Callable[[], object], repeats: int, cases: int) -> Timing:
    """Return milliseconds a case of a call; a first call that warms up is not counted.

    Args:
        call: What handles all cases.
        repeats: Calls that count.
        cases: Cases that a call handles.
    """
    call()
    return summary([timed(call)[1] for _ in range(repeats)], 1000 / cases)
