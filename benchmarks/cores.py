"""Extraction on two cores beside one, through the option `compute`.

    python -m benchmarks.cores

The six families of benchmarks.features on generated films in a store. The start of the worker
processes counts: in a stage that takes minutes it weighs less.
"""

import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.films import films
from benchmarks.ratio import Ratio, Side, compare, show
from benchmarks.reference_features import families

from skiagram.compute import Compute
from skiagram.features.extraction import extract
from skiagram.store import ImageStore, ShardWriter

IMAGES, SIDE = 150, 1024
TARGET = 1.8


def ratios() -> Iterator[Ratio]:
    """Extract from the same store with one worker and with two."""
    chosen = [*families().values()]
    with tempfile.TemporaryDirectory() as folder:
        with ShardWriter(Path(folder)) as writer:
            for at, film in enumerate(films(10, SIDE, SIDE)):
                for copy in range(IMAGES // 10):
                    writer.add(f"film-{at}-{copy}", film)
        store = ImageStore(Path(folder))
        one, two = (
            Side(
                f"{workers} core{'s' * (workers - 1)}",
                partial(extract, store, chosen, compute=_workers(workers)),
                IMAGES,
            )
            for workers in (1, 2)
        )
        yield compare(
            f"extract, {IMAGES} films of {SIDE} × {SIDE}", two, one, TARGET, clock=time.perf_counter
        )


def _workers(number: int) -> Compute:
    return Compute(threads=1, workers=number, backend="local", address=None)


if __name__ == "__main__":
    show(ratios())
