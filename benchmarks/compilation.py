"""First feature extraction after installation: kernels are compiled once.

    python -m benchmarks.compilation

A process extracts the six families of benchmarks.features from one small image, first with an
empty cache of Numba's, then with what the first one left there. Seconds are the processor's own,
which other work does not lengthen much.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from benchmarks.common import describe, families, films
from benchmarks.ratio import Table, rounds, show

MOST_TURNS = 3


def first_extraction() -> float:
    """Return the processor's seconds that the first image takes in this process."""
    image = films(1, 28, 28)
    started = time.process_time()
    describe([*families().values()], image)
    return time.process_time() - started


def tables() -> Iterator[Table]:
    """Time the first image with and without compiled code at hand."""
    turns = []
    for _ in range(min(rounds(), MOST_TURNS)):
        with tempfile.TemporaryDirectory() as cache:
            turns.append((_in_a_process(cache), _in_a_process(cache)))
    cold, warm = (f"{statistics.median(side):.1f}" for side in zip(*turns, strict=True))
    header = ("nothing compiled yet, s", "compiled before, s")
    yield Table("First image in a process, six families", header, ((cold, warm),))


def _in_a_process(cache: str) -> float:
    code = "from benchmarks.compilation import first_extraction; print(first_extraction())"
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    show([], tables())
