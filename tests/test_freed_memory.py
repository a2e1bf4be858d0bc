"""Freed memory is used again: a process of its own, since the setting stays with it."""

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from skiagram.freed_memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        layers = [np.ones(20_000_000, dtype=np.uint8) for _ in range(8)]
        del layers
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    """Return how many pages the system cleared for arrays made again and again."""
    command = [sys.executable, "-c", FAULTS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the GNU C library's setting")
def test_arrays_made_again_and_again_take_no_fresh_pages() -> None:
    assert faults("kept") < 0.2 * faults("as is")
