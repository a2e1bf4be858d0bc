"""Pieces of work: in order, bounded in flight, equal wherever they run, errors as one line."""

import os
import platform
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing import get_context
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from threadpoolctl import threadpool_info

from skiagram.compute.workers import (
    IN_PROCESS,
    Compute,
    _devices,
    visible_gpus,
)
from skiagram.errors import DataError, OptionError, SkiagramError
from skiagram.options import check

TWO_WORKERS = Compute(threads=1, workers=2, backend="local", address=None)
RAY = Compute(threads=1, workers=2, backend="ray", address=None)
BACKENDS = pytest.mark.parametrize(
    ("compute", "releases_lock"),
    [(IN_PROCESS, True), (TWO_WORKERS, True), (TWO_WORKERS, False)],
    ids=["in process", "threads", "joblib"],
)


def square(number):
    """Return the square, of even numbers at once; the number 7 is refused."""
    if number == 7:
        raise DataError("too odd", where="case-7", remedy="leave it out")
    time.sleep(0.02 * (number % 2))  # the second of two workers would come in first
    return number**2


def linear_algebra(number):
    np.linalg.svd(np.eye(2))
    return {int(pool["num_threads"]) for pool in threadpool_info()}


def workers():
    """Return the worker processes below this one; joblib's tracker of semaphores is none."""
    lines = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended meanwhile, or waits to be asked how
            lines[process.pid] = " ".join(process.cmdline())
    return {pid for pid, line in lines.items() if "popen_loky" in line or "ray" in line}


@pytest.mark.slow
@BACKENDS
def test_values_come_in_order_and_errors_as_they_were_raised(compute, releases_lock, monkeypatch):
    monkeypatch.setattr("skiagram.compute.workers._WORTH_PROCESSES", 0.0)
    squares = compute.map(square, range(20, 40), releases_lock=releases_lock)
    assert list(squares) == [number**2 for number in range(20, 40)]
    with pytest.raises(DataError) as caught:
        list(compute.map(square, range(20), releases_lock=releases_lock))
    assert str(caught.value) == "case-7: too odd. Do this: leave it out."
    assert not workers()


@pytest.mark.slow
@BACKENDS
def test_each_piece_has_one_thread_of_linear_algebra(compute, releases_lock, monkeypatch):
    monkeypatch.setattr("skiagram.compute.workers._WORTH_PROCESSES", 0.0)
    before = linear_algebra(0)
    found = compute.map(linear_algebra, range(4), releases_lock=releases_lock)
    assert list(found) == [{1}] * 4
    assert linear_algebra(0) == before


def test_threads_share_memory_and_an_error_ends_what_waits():
    begun = []

    def begin(number):
        begun.append(number)
        time.sleep(0.05)
        if number == 0:
            raise DataError("too even", where="case-0")

    with pytest.raises(DataError, match="too even"):
        list(TWO_WORKERS.map(begin, range(100), releases_lock=True))
    assert len(begun) <= 4


def test_auto_is_as_many_workers_as_there_are_processors(monkeypatch):
    monkeypatch.setattr("joblib.cpu_count", lambda: 5)
    assert replace(IN_PROCESS, workers="auto").places == 5
    assert IN_PROCESS.places == 1


@pytest.mark.slow
def test_no_more_pieces_are_taken_than_keep_the_threads_busy():
    taken = []

    def pieces():
        for number in range(100):
            taken.append(number)
            yield number

    results = TWO_WORKERS.map(square, pieces(), releases_lock=True)
    next(results)
    time.sleep(0.5)  # however slowly results are used
    assert len(taken) <= 5
    results.close()


def test_ray_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OptionError, match=r"Ray is not installed.*setup-dev`.*`compute: local`"):
        list(RAY.map_fits(square, [1]))


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_named():
    lost = Compute(threads=1, workers=2, backend="ray", address="127.0.0.1:9")
    with pytest.raises(OptionError, match=r"compute.address: no Ray cluster answers at 127"):
        list(lost.map_fits(square, [1]))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"workers": 0}, "greater than or equal to 1"),
        ({"backend": "threads"}, "'local' or 'ray'"),
        ({"address": "auto"}, "set `backend: ray`"),
    ],
)
def test_wrong_options_are_named(wrong, named):
    right = {"threads": 1, "workers": 1, "backend": "local", "address": None}
    with pytest.raises(OptionError, match=named):
        check(Compute, right | wrong, "compute")


@pytest.mark.slow
@pytest.mark.parametrize("compute", [IN_PROCESS, TWO_WORKERS, RAY], ids=["here", "joblib", "ray"])
def test_fits_come_in_order_and_errors_as_they_were_raised(compute):
    table = np.arange(20.0).reshape(5, 4)
    sums = compute.map_fits(np.sum, list(table))
    assert list(sums) == table.sum(axis=1).tolist()
    with pytest.raises(DataError) as caught:
        list(compute.map_fits(square, [6, 7, 8, 7]))
    assert str(caught.value) == "case-7: too odd. Do this: leave it out."


def tell_process(_):
    return os.getpid()


def spawn(large):
    started = get_context("spawn").Process(target=len, args=(large,))
    started.start()
    started.join()
    return started.exitcode


def test_fits_start_processes_of_their_own():
    large = bytes(2**17)  # more than a pipe holds: a dead process would be waited for
    assert list(TWO_WORKERS.map_fits(spawn, [large, large])) == [0, 0]


def test_short_fits_start_no_processes_until_these_save_time(monkeypatch):
    here = os.getpid()
    assert {*TWO_WORKERS.map_fits(tell_process, range(5), short=True)} == {here}
    monkeypatch.setattr("skiagram.compute.workers._WORTH_PROCESSES", 0.0)
    first, *others = TWO_WORKERS.map_fits(tell_process, range(5), short=True)
    assert first == here
    assert here not in others


def die(number):
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.slow
def test_a_killed_fit_is_named_with_what_helps():
    with pytest.raises(SkiagramError, match=r"a worker ended.*fewer `workers`.*finished is kept"):
        list(TWO_WORKERS.map_fits(die, [0, 1, 2]))


def give_device(number):
    time.sleep(0.2)
    return os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"]


@pytest.mark.slow
def test_each_process_has_gpus_of_its_own_and_draws_no_bar(monkeypatch, capfd):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    found = list(TWO_WORKERS.map_fits(give_device, range(6), gpus=2))
    devices = dict(found)
    assert sorted(devices.values()) == ["4", "7"]
    assert all(devices[process] == device for process, device in found)
    assert not capfd.readouterr().err


ORPHANS = """
import os, sys, time
from skiagram.compute.workers import Compute
def wait(number):
    os.write(1, b"%9d" % os.getpid())
    time.sleep(60)
two = Compute(threads=1, workers=2, backend="local", address=None)
list(two.map_fits(wait, [0, 1]))
"""


@pytest.mark.slow
def test_fits_end_with_a_stage_that_is_killed():
    stage = subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True)
    fits = [int(stage.stdout.read(9)) for _ in range(2)]
    stage.kill()
    stage.wait()
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(fit) for fit in fits) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(fit) for fit in fits)


HIDDEN_BARS = """
import sys, time
from skiagram.compute.progress import Progress
from skiagram.compute.workers import Compute
def advance(number):
    with Progress("work", 1) as progress:
        time.sleep(1)
        progress.advance()
two = Compute(threads=1, workers=2, backend="local", address=None)
list(two.map_fits(advance, range(8)))
"""


@pytest.mark.slow
def test_a_worker_leaves_no_lock_of_a_bar_behind_of_which_python_would_warn():
    line = [sys.executable, "-c", HIDDEN_BARS]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    # Joblib and its helper may both remove a folder at the end, of which it warns as well.
    assert "leaked sem" not in done.stderr


@pytest.mark.parametrize(
    ("gpus", "per_fit", "devices"),
    [
        (0, 1.0, []),
        (2, 0.0, []),
        (2, 1.0, ["0", "1"]),
        (4, 2.0, ["0,1", "2,3"]),
        (2, 0.5, ["0", "1", "0", "1"]),
    ],
)
def test_fits_are_dealt_out_to_gpus(gpus, per_fit, devices, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert _devices(gpus, per_fit) == devices
    compute = replace(IN_PROCESS, workers=64, gpus_per_fit=per_fit)
    assert compute.fits_at_a_time(gpus) == (len(devices) or 64)
    assert replace(compute, workers=1).fits_at_a_time(gpus) == 1
    assert compute.fits_at_a_time(None) == 64  # on processors
    given = {"0": "2", "1": "GPU-7f", "2": "4", "3": "5"}  # by the user, or by SLURM
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(list(given.values())[:gpus]))
    renamed = [",".join(given[number] for number in place.split(",")) for place in devices]
    assert _devices(gpus, per_fit) == renamed


def test_parts_of_a_gpu_are_counted_without_asking_cuda(monkeypatch):
    """Their names are all that is known, and CUDA that was asked works in no fork."""
    cuda = SimpleNamespace(device_count=lambda: pytest.fail("CUDA was asked"))
    built = SimpleNamespace(cuda=SimpleNamespace(is_built=lambda: True))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, backends=built))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-5c8a, MIG-77e1")
    assert visible_gpus() == 2
    assert _devices(2, 0.5) == ["MIG-5c8a", "MIG-77e1"] * 2
    built.cuda.is_built = lambda: False
    assert visible_gpus() is None


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


def faults(how):
    command = [sys.executable, "-c", FAULTS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the GNU C library's setting")
def test_arrays_made_again_and_again_take_no_fresh_pages():
    assert faults("kept") < 0.2 * faults("as is")
