"""Pieces of work: in order, bounded in flight, equal wherever they run, errors as one line."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from threadpoolctl import threadpool_info

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.errors import DataError, OptionError, SkiagramError
from skiagram.options import check

TWO_WORKERS = Compute(threads=1, workers=2, backend="local", address=None)
RAY = Compute(threads=1, workers=2, backend="ray", address=None)
BACKENDS = pytest.mark.parametrize(
    ("compute", "releases_lock"),
    [
        pytest.param(IN_PROCESS, True, id="in process"),
        pytest.param(TWO_WORKERS, True, id="threads"),
        pytest.param(TWO_WORKERS, False, id="joblib"),
        pytest.param(RAY, True, marks=pytest.mark.slow, id="ray"),
    ],
)
ON_THIS_MACHINE = pytest.mark.parametrize(
    ("compute", "releases_lock"),
    [(IN_PROCESS, False), (TWO_WORKERS, True), (TWO_WORKERS, False)],
    ids=["in process", "threads", "joblib"],
)


def square(number: int) -> int:
    time.sleep(0.02 * (number % 2))  # the second of two workers would come in first
    return number**2


def refuse_seven(number: int) -> int:
    if number == 7:
        raise DataError("too odd", where=f"case-{number}", remedy="leave it out")
    return number


def linear_algebra(number: int) -> set[int]:
    np.linalg.svd(np.eye(2))
    return {int(pool["num_threads"]) for pool in threadpool_info()}


def workers() -> set[int]:
    """Return the worker processes below this one; joblib's tracker of semaphores is none."""
    below = psutil.Process().children(recursive=True)
    lines = {process.pid: " ".join(process.cmdline()) for process in below}
    return {pid for pid, line in lines.items() if "popen_loky" in line or "ray" in line}


@BACKENDS
def test_values_come_in_order_and_errors_as_they_were_raised(
    compute: Compute, releases_lock: bool
) -> None:
    squares = compute.map(square, range(20), releases_lock=releases_lock)
    assert list(squares) == [number**2 for number in range(20)]
    with pytest.raises(DataError) as caught:
        list(compute.map(refuse_seven, range(20), releases_lock=releases_lock))
    assert str(caught.value) == "case-7: too odd. Do this: leave it out."
    assert not workers()


@ON_THIS_MACHINE
def test_each_piece_has_one_thread_of_linear_algebra(compute: Compute, releases_lock: bool) -> None:
    before = linear_algebra(0)
    found = compute.map(linear_algebra, range(4), releases_lock=releases_lock)
    assert list(found) == [{1}] * 4
    assert linear_algebra(0) == before


def test_threads_share_memory_and_an_error_ends_what_waits() -> None:
    begun: list[int] = []

    def begin(number: int) -> None:
        begun.append(number)
        time.sleep(0.05)
        if number == 0:
            raise DataError("too even", where="case-0")

    with pytest.raises(DataError, match="too even"):
        list(TWO_WORKERS.map(begin, range(100), releases_lock=True))
    assert len(begun) <= 4


@pytest.mark.parametrize("releases_lock", [True, False], ids=["threads", "joblib"])
def test_no_more_pieces_are_taken_than_keep_the_workers_busy(releases_lock: bool) -> None:
    taken = []

    def pieces() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = TWO_WORKERS.map(square, pieces(), releases_lock=releases_lock)
    next(results)
    time.sleep(0.5)  # however slowly results are used
    assert len(taken) <= 5
    results.close()  # type: ignore[attr-defined]


def test_a_dead_worker_is_named() -> None:
    with pytest.raises(SkiagramError, match=r"a worker ended before its work.*fewer `workers`"):
        list(TWO_WORKERS.map(os._exit, [9, 9, 9]))


def test_ray_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OptionError, match=r"Ray is not installed.*pip install 'skiagram\[ray\]'"):
        list(RAY.map(square, [1]))


def test_a_cluster_that_does_not_answer_is_named() -> None:
    lost = Compute(threads=1, workers=2, backend="ray", address="127.0.0.1:9")
    with pytest.raises(OptionError, match=r"compute.address: no Ray cluster answers at 127"):
        list(lost.map(square, [1]))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"workers": 0}, "greater than or equal to 1"),
        ({"backend": "threads"}, "'local', 'ray' or 'slurm'"),
        ({"address": "auto"}, "set `backend: ray`"),
    ],
)
def test_wrong_options_are_named(wrong: dict[str, Any], named: str) -> None:
    right: dict[str, Any] = {"threads": 1, "workers": 1, "backend": "local", "address": None}
    with pytest.raises(OptionError, match=named):
        check(Compute, right | wrong, "compute")


def test_linear_algebra_is_held_to_the_chosen_threads() -> None:
    with IN_PROCESS.limit():
        assert linear_algebra(0) == {1}


FAULTS = """
import resource, sys
import numpy as np
from skiagram.compute.workers import keep_freed_memory
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
