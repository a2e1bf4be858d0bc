"""Pieces of work: in order, bounded in flight, equal wherever they run, errors as one line."""

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import pytest
from threadpoolctl import threadpool_info

from skiagram.compute import clusters
from skiagram.compute import workers as compute_workers
from skiagram.compute.clusters import JobArray
from skiagram.compute.progress import Progress
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


@pytest.mark.thorough
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


@pytest.mark.thorough
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


@pytest.mark.thorough
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


@pytest.mark.slow
def test_a_dead_worker_is_named() -> None:
    with pytest.raises(
        SkiagramError, match=r"a worker ended before its work was done.*fewer `workers`"
    ):
        list(TWO_WORKERS.map(os._exit, [9, 9, 9]))


def test_ray_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(OptionError, match=r"Ray is not installed.*pip install 'skiagram\[ray\]'"):
        list(RAY.map(square, [1]))


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_named() -> None:
    lost = Compute(threads=1, workers=2, backend="ray", address="127.0.0.1:9")
    with pytest.raises(OptionError, match=r"compute.address: no Ray cluster answers at 127"):
        list(lost.map(square, [1]))


@pytest.mark.thorough
def test_ray_that_does_not_come_up_in_time_is_started_again_then_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import ray

    left: list[subprocess.Popen[bytes]] = []
    start = ray.init

    def init(failures: int, **options: Any) -> None:
        if len(left) == failures:
            start(**options)
            return
        left.append(subprocess.Popen(["sleep", "60"]))
        raise RuntimeError("The current node timed out during startup.")

    monkeypatch.setattr("ray.init", partial(init, 1))
    assert list(RAY.map(square, [3])) == [9]
    assert not psutil.pid_exists(left[0].pid)
    monkeypatch.setattr("ray.init", partial(init, 9))
    with pytest.raises(SkiagramError, match="Ray does not start on this machine"):
        list(RAY.map(square, [3]))
    assert len(left) == 4


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"workers": 0}, "greater than or equal to 1"),
        ({"backend": "threads"}, "'local', 'ray' or 'slurm'"),
        ({"address": "auto"}, "set `backend: ray`"),
        ({"backend": "slurm"}, "`slurm` says how jobs are submitted"),
    ],
)
def test_wrong_options_are_named(wrong: dict[str, Any], named: str) -> None:
    right: dict[str, Any] = {"threads": 1, "workers": 1, "backend": "local", "address": None}
    with pytest.raises(OptionError, match=named):
        check(Compute, right | wrong, "compute")


FITS = pytest.mark.parametrize(
    "compute",
    [
        pytest.param(IN_PROCESS, id="in process"),
        pytest.param(TWO_WORKERS, id="forks"),
        pytest.param(RAY, marks=pytest.mark.thorough, id="ray"),
        pytest.param("slurm", marks=pytest.mark.slow, id="jobs"),
    ],
)


def on_jobs(folder: Path, **changes: Any) -> Compute:
    jobs = JobArray(
        cluster="local", pieces_per_job=8, minutes=5, memory_gb=1.0, folder=str(folder),
        parameters={},
    )  # fmt: skip
    slurm = replace(jobs, **changes)
    return Compute(threads=1, workers=2, backend="slurm", address=None, slurm=slurm)


def row_sums(piece: tuple[np.ndarray, int]) -> float:
    table, row = piece
    return float(table[row].sum())


@pytest.mark.thorough
@FITS
def test_fits_come_in_order_and_errors_as_they_were_raised(
    compute: Compute | str, tmp_path: Path
) -> None:
    chosen = on_jobs(tmp_path) if isinstance(compute, str) else compute
    table = np.arange(40.0).reshape(10, 4)
    sums = chosen.map_fits(
        row_sums, [(table, row) for row in range(4)], shared=[table], order=[3, 2, 1, 0]
    )
    assert list(sums) == table[:4].sum(axis=1).tolist()
    with pytest.raises(DataError) as caught:
        list(chosen.map_fits(refuse_seven, [6, 7, 8, 7]))
    assert str(caught.value) == "case-7: too odd. Do this: leave it out."


@pytest.mark.thorough
def test_jobs_work_through_pieces_and_leave_nothing(tmp_path: Path) -> None:
    squares = on_jobs(tmp_path).map(square, range(40), releases_lock=True)
    assert list(squares) == [number**2 for number in range(40)]
    assert not list(tmp_path.iterdir())


@pytest.mark.thorough
def test_a_job_that_is_killed_is_named_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(
        SkiagramError, match=r"job \d+.* ended before its work was done.*its log is .*\.err"
    ):
        list(on_jobs(tmp_path).map_fits(os._exit, [9, 9]))


def cancel_jobs() -> None:
    while " R " not in subprocess.run(["squeue", "-h"], capture_output=True, text=True).stdout:
        time.sleep(0.5)
    subprocess.run(["scancel", "--name", "skiagram"], check=True)


def fill_memory(size_gb: int) -> None:
    """Take more memory than a job may have."""
    taken = np.ones(size_gb * 2**27)
    time.sleep(20 + taken[0])


@pytest.fixture
def accounting() -> bool:
    """Say whether the SLURM here has accounting; skip where none answers."""
    if not shutil.which("sbatch") or subprocess.run(["sinfo"], capture_output=True).returncode:
        pytest.skip("no SLURM answers here: no `sbatch`, or `sinfo` fails")
    return subprocess.run(["sacct"], capture_output=True).returncode == 0


@pytest.mark.thorough
def test_a_real_slurm_tells_how_its_jobs_ended(tmp_path: Path, accounting: bool) -> None:
    jobs = on_jobs(tmp_path, cluster="slurm", memory_gb=0.5)
    squares = jobs.map(square, range(12), releases_lock=True)
    assert list(squares) == [number**2 for number in range(12)]
    assert not list(tmp_path.iterdir())
    with pytest.raises(SkiagramError, match=r"job \d+_0 ended before its work was done \(failed\)"):
        list(jobs.map_fits(os._exit, [9, 9]))
    Thread(target=cancel_jobs).start()
    with pytest.raises(
        SkiagramError, match=r"job \d+_0 ended before its work was done \(cancelled\)"
    ):
        list(jobs.map_fits(time.sleep, [100, 101]))
    short = on_jobs(tmp_path, cluster="slurm", memory_gb=0.5, minutes=1)
    with pytest.raises(SkiagramError, match=r"job \d+_0 .*(timeout|timed-out)"):
        list(short.map_fits(time.sleep, [200, 201]))
    if accounting:  # what the users of the cluster read equals what the stage said
        told = subprocess.run(["sacct", "-XnP", "-o", "State"], capture_output=True, text=True)
        ended = {line.split()[0] for line in told.stdout.splitlines()}
        assert {"COMPLETED", "FAILED", "CANCELLED"} <= ended


@pytest.mark.thorough
def test_a_real_slurm_tells_a_job_out_of_memory(tmp_path: Path, accounting: bool) -> None:
    config = subprocess.run(["scontrol", "show", "config"], capture_output=True, text=True)
    if "task/cgroup" not in config.stdout:
        pytest.skip("this SLURM enforces no memory: TaskPlugin is not task/cgroup")
    jobs = on_jobs(tmp_path, cluster="slurm", memory_gb=0.5)
    with pytest.raises(SkiagramError, match=r"job \d+_0 .*\(out of memory\).*`memory_gb`"):
        list(jobs.map_fits(fill_memory, [2, 2]))


def test_a_job_that_the_controller_has_ended_is_told_from_one_that_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "JobId=7 JobName=skiagram JobState=PENDING Reason=Resources": "PENDING",
        "JobId=7 JobState=CANCELLED Reason=None ExitCode=0:15": "CANCELLED",
        "": "UNKNOWN",  # the controller is away for a moment
    }
    scontrol = tmp_path / "scontrol"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for line, state in told.items():
        scontrol.write_text(f"#!/bin/sh\necho '{line}'\n")
        scontrol.chmod(0o755)
        assert clusters._state("7") == state
    scontrol.write_text("#!/bin/sh\necho 'slurm_load_jobs error: Invalid job id specified' >&2\n")
    assert clusters._state("7") == "GONE"


def test_jobs_without_submitit_or_slurm_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(OptionError, match=r"no SLURM here: there is no command `sbatch`"):
        list(on_jobs(tmp_path, cluster="slurm").map(square, [1]))
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(OptionError, match=r"submitit is not installed.*skiagram\[slurm\]"):
        list(on_jobs(tmp_path).map(square, [1]))


def die_once(flag: Path) -> str:
    """Be killed the first time; a flag that cannot be made kills each time."""
    if flag.name == "well":
        return "never killed"
    if flag.exists():
        return "second time"
    if flag.name == "once":
        flag.touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return ""


@pytest.mark.slow
def test_a_killed_fit_is_tried_once_more_and_then_named(tmp_path: Path) -> None:
    pieces = [tmp_path / "once", tmp_path / "well"]
    assert list(TWO_WORKERS.map_fits(die_once, pieces)) == ["second time", "never killed"]
    pieces = [tmp_path / "well", tmp_path / "always", tmp_path / "well"]
    fits = TWO_WORKERS.map_fits(die_once, pieces, name=lambda piece: f"fit {piece.name}")
    assert next(fits) == "never killed"
    with pytest.raises(SkiagramError, match=r"fit always: its process ended.*signal 9.*`workers`"):
        next(fits)


def report(number: int) -> int:
    with Progress("epochs", 2) as bar:
        bar.advance()
        bar.advance()
    return os.getpid()


@pytest.mark.slow
def test_each_fit_has_a_process_whose_progress_is_shown() -> None:
    said: list[str] = []
    found = list(TWO_WORKERS.map_fits(report, [0, 1, 2], describe=said.append))
    assert len({os.getpid(), *found}) == 4
    assert any("0 2/2 epochs" in line for line in said)


def test_an_error_of_the_program_comes_with_its_trace() -> None:
    with pytest.raises(TypeError) as caught:
        list(TWO_WORKERS.map_fits(len, [1, 2]))  # type: ignore[arg-type]
    assert "forks.py" in "".join(caught.value.__notes__)


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
def test_fits_end_with_a_stage_that_is_killed() -> None:
    stage = subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True)
    assert stage.stdout is not None
    fits = [int(stage.stdout.read(9)) for _ in range(2)]
    stage.kill()
    stage.wait()
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(fit) for fit in fits) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(psutil.pid_exists(fit) for fit in fits)


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
def test_fits_are_dealt_out_to_gpus(
    gpus: int, per_fit: float, devices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert _devices(gpus, per_fit) == devices
    given = {"0": "2", "1": "GPU-7f", "2": "4", "3": "5"}  # by the user, or by SLURM
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(list(given.values())[:gpus]))
    renamed = [",".join(given[number] for number in place.split(",")) for place in devices]
    assert _devices(gpus, per_fit) == renamed


def test_parts_of_a_gpu_are_counted_without_asking_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their names are all that is known, and CUDA that was asked works in no fork."""
    cuda = SimpleNamespace(device_count=lambda: pytest.fail("CUDA was asked"))
    built = SimpleNamespace(cuda=SimpleNamespace(is_built=lambda: True))
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, backends=built))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-5c8a, MIG-77e1")
    assert visible_gpus() == 2
    assert _devices(2, 0.5) == ["MIG-5c8a", "MIG-77e1"] * 2
    built.cuda.is_built = lambda: False
    assert visible_gpus() is None


def test_a_process_that_uses_cuda_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    in_use = SimpleNamespace(is_initialized=lambda: True, device_count=lambda: 2)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=in_use))
    assert visible_gpus() == 2
    monkeypatch.setattr(compute_workers, "Forks", None)
    monkeypatch.setattr(compute_workers, "processes", lambda *_: nullcontext(_submitted))
    two = replace(IN_PROCESS, workers=2)
    assert list(two.map_fits(abs, [-1, -2])) == [1, 2]


def _submitted(function: Callable[[int], int], piece: int) -> "Future[int]":
    done: Future[int] = Future()
    done.set_result(function(piece))
    return done


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
    command = [sys.executable, "-c", FAULTS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.thorough
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the GNU C library's setting")
def test_arrays_made_again_and_again_take_no_fresh_pages() -> None:
    assert faults("kept") < 0.2 * faults("as is")
