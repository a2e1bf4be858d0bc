"""Where pieces of work go that leave this machine: a Ray cluster, or job arrays of SLURM.

Both need the project's folder under the same path on every machine, and the same versions
installed. What all pieces of a run share is sent once; a piece names it.
"""

import io
import logging
import os
import pickle
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from threadpoolctl import threadpool_limits

from skiagram.errors import OptionError, SkiagramError, installed
from skiagram.options import STRICT

T = TypeVar("T")
R = TypeVar("R")
Submit = Callable[[Callable[[Any], Any], Any], "Future[Any]"]  # a function and its piece
Shared = Sequence[object]


class Share(NamedTuple):
    """What one piece takes of a cluster; pieces share a GPU where it is below 1."""

    threads: int = 1  # of linear algebra
    cpus: int = 1
    gpus: float = 0


A_PIECE = Share()


class _Packer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, shared: Shared) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._number = {id(each): number for number, each in enumerate(shared)}

    def persistent_id(self, value: object) -> int | None:
        return self._number.get(id(value))


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, shared: Shared) -> None:
        super().__init__(file)
        self._shared = shared

    def persistent_load(self, number: int) -> object:
        return self._shared[number]


def pack(piece: object, shared: Shared) -> bytes:
    """Return a piece for another process, with numbers where it holds what all pieces share."""
    file = io.BytesIO()
    _Packer(file, shared).dump(piece)
    return file.getvalue()


def attempt(function: Callable[[T], R], piece: T) -> R | SkiagramError | MemoryError:
    """Return an error that has a name as a value: raised in a cluster, it comes as a traceback."""
    try:
        return function(piece)
    except (SkiagramError, MemoryError) as error:
        return error


def work_on(
    function: Callable[[Any], R], packed: bytes, threads: int, *shared: object
) -> R | SkiagramError | MemoryError:
    """Do a piece that another process of this run packed; `attempt` says what is returned."""
    piece = _Unpacker(io.BytesIO(packed), shared).load()
    with threadpool_limits(threads):
        return attempt(function, piece)


def dead_worker() -> SkiagramError:
    """Return the error of a worker that was killed."""
    return SkiagramError(
        "a worker ended before its work was done",
        where="compute",
        remedy="choose fewer `workers`: most often the memory did not suffice for all of them",
    )


def _needing(name: str, extra: str) -> AbstractContextManager[None]:
    remedy = f"pip install 'skiagram[{extra}]', or choose `compute: local`"
    return installed(name, "compute.backend", remedy)


@contextmanager
def ray_cluster(
    number: int, address: str | None, shared: Shared = (), each: Share = A_PIECE
) -> Iterator[Submit]:
    """Yield what submits calls to a Ray cluster.

    Without the `address` of a running one it is started on this machine and ended. What many pieces
    hold is `shared`: the cluster is sent it once.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # its 15 starves where others are at work
    if "ray" not in sys.modules:  # when imported, it reads these once
        _authenticate(address)
    with _needing("Ray", "ray"):
        import ray
        from ray.exceptions import OutOfMemoryError, WorkerCrashedError
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address is None:
            _start_ray(num_cpus=max(number, each.cpus), include_dashboard=False, **quiet)
        else:
            _reach(address)
            ray.init(address=address, **quiet)
    except OSError as error:
        raise OptionError(
            f"no Ray cluster answers at {address}",
            where="compute.address",
            remedy="start one (`ray start --head`), or set `address` to null to have one started",
        ) from error
    _check_resources(ray.cluster_resources(), each)
    remote = ray.remote(num_cpus=each.cpus, num_gpus=each.gpus)(work_on)
    references = [ray.put(value) for value in shared]

    def submit(function: Callable[[Any], Any], piece: object) -> "Future[Any]":
        called = remote.remote(function, pack(piece, shared), each.threads, *references)
        future: Future[Any] = called.future()
        return future

    try:
        yield submit
    except (OutOfMemoryError, WorkerCrashedError) as error:
        raise dead_worker() from error
    finally:
        ray.shutdown()


def _check_resources(present: dict[str, float], each: Share) -> None:
    for name, wanted in (("CPU", each.cpus), ("GPU", each.gpus)):
        if wanted > present.get(name, 0):
            raise OptionError(
                f"{wanted:g} {name}s a fit, on a cluster that has {present.get(name, 0):g} in all",
                where=f"compute.{name.lower()}s_per_fit",
                remedy="ask for less, or start the cluster with more",
            )


def _authenticate(address: str | None) -> None:
    """Use a token that is there; a cluster of our own has its own, which nobody writes over."""
    path = os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray/auth_token"
    there = "RAY_AUTH_TOKEN" in os.environ or Path(path).is_file()
    if there or (address is None and "RAY_AUTH_MODE" not in os.environ):
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    if not there and address is None:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _start_ray(**options: Any) -> None:
    """Start a cluster on this machine, up to three times.

    Ray gives its own processes 15 seconds to start, which busy processors exceed.
    """
    import psutil  # type: ignore[import-untyped]
    import ray

    for tries_left in (2, 1, 0):
        before = psutil.Process().children()
        try:
            ray.init(address="local", **options)
        except Exception as error:  # Ray's own has no other class
            if "timed out during startup" not in str(error):
                raise
            for process in set(psutil.Process().children()) - set(before):
                process.kill()
                process.wait()
            if not tries_left:
                raise SkiagramError(
                    "Ray does not start on this machine",
                    where="compute.backend",
                    remedy="end other programs, or choose `compute: local`; Ray's own log is "
                    "session_latest/logs/raylet.out in its folder, most often /tmp/ray",
                ) from error
        else:
            return


def _reach(address: str) -> None:
    """Ray itself would wait for minutes where nothing listens."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()


@dataclass(**STRICT)
class JobArray:
    """How pieces of work are submitted to SLURM.

    Attributes:
        cluster: `slurm`, or `local`, which runs each job as a process of this machine, to try.
        pieces_per_job: Spans of images that a job works through one after the other; a fit always
            has a job of its own.
        minutes: Time limit of a job.
        memory_gb: Memory of a job.
        folder: Where jobs find their work and leave results and logs, relative to the project; on
            a disk that all machines share. What is finished is deleted.
        parameters: Further options of sbatch, for example `partition` or `account`.
    """

    cluster: Literal["slurm", "local"]
    pieces_per_job: Annotated[int, Field(ge=1)]
    minutes: Annotated[int, Field(ge=1)]
    memory_gb: Annotated[float, Field(gt=0)]
    folder: str
    parameters: dict[str, str | int]

    def map(
        self,
        function: Callable[[Any], R],
        pieces: Iterable[bytes],
        shared: Shared,
        jobs: int,
        each: Share,
        together: int = 1,
    ) -> Iterator[R | SkiagramError | MemoryError]:
        """Yield what jobs make of packed pieces, in order.

        An array of at most `jobs` jobs is at work while the results of the one before are used.
        """
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="jobs-", dir=Path(self.folder).resolve()))
        executor = self._executor(folder, jobs, each)
        common = folder / "shared"
        common.write_bytes(pack(tuple(shared), ()))
        left = iter(pieces)
        waiting: list[Any] = []
        submitted: list[Any] = []
        try:
            while True:
                chunks = [chunk for _ in range(jobs) if (chunk := list(islice(left, together)))]
                same = ([value] * len(chunks) for value in (function, common, each.threads))
                submitted = executor.map_array(_work_through, chunks, *same) if chunks else []
                for job in waiting:
                    if self.cluster == "slurm":
                        _wait_for(job)
                    yield from _results(job)
                waiting = submitted
                if not waiting:
                    break
        except BaseException as error:
            for job in (*waiting, *submitted):
                job.cancel(check=False)
            if not isinstance(error, SkiagramError):  # which names a job's log that lies there
                shutil.rmtree(folder, ignore_errors=True)  # results name cases that failed
            raise
        shutil.rmtree(folder)

    def _executor(self, folder: Path, jobs: int, each: Share) -> Any:
        with _needing("submitit", "slurm"):
            import submitit
        if self.cluster == "slurm" and shutil.which("sbatch") is None:
            raise OptionError(
                "no SLURM here: there is no command `sbatch`",
                where="compute.slurm.cluster",
                remedy="run it on a login node of the cluster, or try it with `cluster: local`",
            )
        executor = submitit.AutoExecutor(folder, cluster=self.cluster)
        executor.update_parameters(
            name="skiagram",
            timeout_min=self.minutes,
            mem_gb=self.memory_gb,
            cpus_per_task=each.cpus,
            gpus_per_node=each.gpus,
            slurm_array_parallelism=jobs,
            **{f"slurm_{name}": value for name, value in self.parameters.items()},
        )
        return executor


_ENDED = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "GONE"),
    *("NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT"),
}
_LOOK_SECONDS = 3
_GRACE_SECONDS = 30  # a result may reach this machine's view of a shared disk late


def _wait_for(job: Any) -> None:
    """Wait until a job's result is there, or until SLURM's controller says that none will come.

    Submitit asks the accounting, which a cluster need not have.
    """
    ended = 0.0
    while not job.paths.result_pickle.exists():
        state = _state(str(job.job_id))
        if state in _ENDED:
            ended = ended or time.monotonic()
            if state != "COMPLETED" or time.monotonic() - ended > _GRACE_SECONDS:
                raise _ended_early(job, state.lower().replace("_", " "))
        time.sleep(_LOOK_SECONDS)


def _state(job_id: str) -> str:
    """Return a job's state as the controller tells it; GONE where it has forgotten the job."""
    command = ["scontrol", "--oneliner", "show", "job", job_id]
    told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if "Invalid job id" in told.stderr:
        return "GONE"
    match = re.search(r"JobState=(\w+)", told.stdout)
    return match[1] if match else "UNKNOWN"  # the controller does not answer: it may come back


def _ended_early(job: Any, how: str) -> SkiagramError:
    log = Path(job.paths.stderr)
    if log.is_file() and "oom-kill event" in log.read_text(encoding="utf-8", errors="replace"):
        how = "out of memory"  # of the step within it: SLURM calls the job itself failed
    return SkiagramError(
        f"job {job.job_id} ended before its work was done ({how})",
        where="compute",
        remedy=f"its log is {job.paths.stderr}; most often it needs more `memory_gb` or "
        "`minutes`; what is finished is kept for the next run",
    )


def _results(job: Any) -> Any:
    from submitit.core.utils import UncompletedJobError

    try:
        return job.result()
    except UncompletedJobError as error:
        reason = re.search(r"because: (.+)", str(error))  # at its time limit, from within the job
        raise _ended_early(job, reason[1] if reason else str(error).splitlines()[0]) from error


def _work_through(
    chunk: list[bytes], function: Callable[[Any], R], common: Path, threads: int
) -> list[R | SkiagramError | MemoryError]:
    shared = pickle.loads(common.read_bytes())  # noqa: S301 - this run wrote it
    return [work_on(function, packed, threads, *shared) for packed in chunk]
