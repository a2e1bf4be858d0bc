"""How much of this machine, or of a Ray cluster, is used; no value depends on it but networks'.

Spans of images run through `Compute.map`: in the stage's own process, in threads of it, or in
worker processes. Whole fits run through `Compute.map_fits`: in joblib's processes (loky) on this
machine, or in those of a Ray cluster through Ray's own joblib backend.
"""

import ctypes
import os
import signal
import socket
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from math import ceil
from multiprocessing import set_start_method
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Self, TypeVar

from pydantic import model_validator
from pydantic.dataclasses import dataclass
from threadpoolctl import ThreadpoolController, threadpool_limits

from skiagram.compute.progress import report_to
from skiagram.errors import SkiagramError, installed, refusal
from skiagram.strict import STRICT, FromZero, OneOrMore

T = TypeVar("T")
R = TypeVar("R")

_PIECES_PER_WORKER = 2  # one at work, one at hand
_WORTH_PROCESSES = 8.0  # seconds of work in this process; others take three to start and import


@dataclass(**STRICT)
class Compute:
    """Threads for linear algebra and networks, workers for pieces of work.

    Attributes:
        threads: Threads for linear algebra and networks in a fit; network weights repeat bit for
            bit at an equal count only.
        workers: Pieces of work, or fits, at a time: threads or processes of this machine, or
            processes of a cluster; `auto` is as many as this machine has processors. 1 with
            `local` is the stage's own process.
        backend: Where fits are made: `local`, on this machine, or on a cluster of `ray`.
        address: Of a running Ray cluster, `auto` for this machine's; None starts one here and
            ends it.
        gpus_per_fit: GPUs that a fit of a network takes, where there are any; below 1, fits share
            one.
    """

    threads: OneOrMore
    workers: OneOrMore | Literal["auto"]
    backend: Literal["local", "ray"]
    address: str | None
    gpus_per_fit: FromZero = 1.0

    @model_validator(mode="after")
    def _one_backend(self) -> Self:
        if self.address is not None and self.backend != "ray":
            raise ValueError("`address` names a Ray cluster: set it to null, or set `backend: ray`")
        return self

    @property
    def places(self) -> int:
        """How many pieces are worked on at a time."""
        if self.workers != "auto":
            return self.workers
        from joblib import cpu_count  # knows what a container or a scheduler allows

        return int(cpu_count())

    def fits_at_a_time(self, gpus: int | None) -> int:
        """Count how many fits are made at a time on this machine.

        Args:
            gpus: GPUs of this machine that fits may use; None where they use none.
        """
        devices = _devices(gpus or 0, self.gpus_per_fit)
        return min(self.places, len(devices) or self.places)

    @contextmanager
    def limit(self) -> Iterator[None]:
        with threadpool_limits(self.threads):
            yield

    def map(
        self, function: Callable[[T], R], pieces: Iterable[T], *, releases_lock: bool = False
    ) -> Iterator[R]:
        """Yield what a function makes of each piece, in order, on this machine.

        Each piece has one thread of linear algebra.

        Args:
            releases_lock: The function spends its time in compiled code that lets other threads
                run: the workers are threads. Pieces are then taken, and results kept, as far ahead
                as keeps the threads busy, so memory stays flat however many pieces there are and
                however slowly the results are used. Else they are processes, and the first pieces
                are made here, as `map_fits` makes short fits.
        """
        # Work that holds the interpreter's lock needs processes, other work threads.
        places = self.places
        keep_freed_memory()
        if places > 1 and not releases_lock:
            here = replace(self, threads=1, backend="local", address=None)
            yield from here.map_fits(function, [*pieces], short=True)
            return
        libraries = ThreadpoolController()  # a search that takes longer than a small piece
        # One place: piece after piece, here.
        if places == 1:
            for piece in pieces:
                with libraries.limit(limits=1):
                    value = function(piece)
                yield value
            return
        # Some libraries count threads for the process, others for each thread that calls them.
        single_thread = partial(libraries.limit, limits=1)
        waiting: deque[Future[R]] = deque()
        with single_thread(), ThreadPoolExecutor(places, initializer=single_thread) as executor:
            try:
                # Twice as many pieces as places wait, so that no place is idle.
                for piece in pieces:
                    if len(waiting) == _PIECES_PER_WORKER * places:
                        yield waiting.popleft().result()
                    waiting.append(executor.submit(function, piece))
                while waiting:
                    yield waiting.popleft().result()
            finally:
                executor.shutdown(cancel_futures=True)

    def map_fits(
        self,
        function: Callable[[T], R],
        pieces: Sequence[T],
        *,
        gpus: int | None = None,
        short: bool = False,
        name: Callable[[T], str] = str,
        describe: Callable[[str], None] = lambda text: None,
    ) -> Iterator[R]:
        """Yield what a function makes of each piece, in order, each with `threads` threads.

        Where there is one worker, or one piece, the process is this one, else one of joblib's.

        Args:
            function: Of a module, without side effects but on files of the piece's own.
            gpus: GPUs of this machine that pieces may use; None where they use none.
            short: Whether a piece may take less time than processes take to start: then the first
                ones are made here, until so much work is left that processes save time.
            name: What a piece is called, for people.
            describe: Called with what is under way.
        """
        gpus_per_fit = 0.0 if gpus is None else self.gpus_per_fit
        # A cluster has its own queue.
        if self.backend == "ray":
            yield from _on_ray(function, pieces, self, gpus_per_fit)
            return
        # Places on this machine, by processors and GPUs.
        devices = _devices(gpus or 0, gpus_per_fit)
        places = min(self.fits_at_a_time(gpus), len(pieces))
        began = time.monotonic()
        # Little work stays in this process; what is left goes to others once it proves long.
        for done, piece in enumerate(pieces):
            seconds_each = (time.monotonic() - began) / max(done, 1)
            is_little = done == 0 or seconds_each * (len(pieces) - done) < _WORTH_PROCESSES
            if places > 1 and not (short and is_little):
                describe(f"{places} side by side")
                yield from _on_processes(function, pieces[done:], places, self.threads, devices)
                return
            describe(name(piece))
            with self.limit():
                value = function(piece)
            yield value


IN_PROCESS = Compute(threads=1, workers=1, backend="local", address=None)
ALL_PROCESSORS = Compute(threads=1, workers="auto", backend="local", address=None)


def on_all_threads(function: Callable[[T], R], pieces: Iterable[T]) -> Iterator[R]:
    """Yield what compiled code makes of each piece, in order, as many at a time as processors."""
    return ALL_PROCESSORS.map(function, pieces, releases_lock=True)


def _on_processes(
    function: Callable[[T], R],
    pieces: Sequence[T],
    places: int,
    threads: int,
    devices: Sequence[str],
) -> Iterator[R]:
    """Yield results of joblib's processes, in order.

    Args:
        devices: GPUs of each process, as CUDA_VISIBLE_DEVICES has them; empty for none.
    """
    import joblib
    from joblib.externals.loky import get_reusable_executor
    from joblib.externals.loky.process_executor import BrokenProcessPool

    # One that has grown makes way for another, which loky calls a leak.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs", module="joblib")
    # Workers claim their GPUs by files in a folder.
    with TemporaryDirectory() as claimed:
        parallel = joblib.Parallel(
            places,
            backend="loky",
            return_as="generator",
            batch_size=1,
            pre_dispatch=_PIECES_PER_WORKER * places,
            initializer=_begin_worker,
            initargs=(os.getpid(), devices, claimed),
        )
        # Interrupts are for this process, which ends the workers itself.
        work = joblib.delayed(_attempt)
        try:
            with _deaf_to_interrupts():
                attempts = parallel(work(function, piece, threads) for piece in pieces)
            yield from map(_value, attempts)
        except BrokenProcessPool as error:
            raise refusal("compute.dead_worker") from error
        finally:  # they would wait for more work for minutes, with all that they have imported
            get_reusable_executor(reuse=True).shutdown(wait=True, kill_workers=True)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Have processes that begin here not hear Ctrl-C, of which this one hears a moment later.

    This process ends them; by themselves each would print where it was stopped.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker(parent: int, devices: Sequence[str], claimed: str) -> None:
    """Prepare a new worker process: it ends with its parent, draws no bar and has its own GPUs."""
    # Its parent may be killed without a word to it.
    end_with(parent)
    # A fit of `ddp_spawn` starts processes of its own. Each is told how this one was started, and
    # one that is told `loky` dies before it reads what it is to do, for which this one would wait.
    set_start_method("spawn", force=True)
    report_to(lambda title, done, total: None)
    # The first device that no other worker has claimed.
    for number, device in enumerate(devices):
        try:
            (Path(claimed) / str(number)).touch(exist_ok=False)
        except FileExistsError:  # another worker's
            continue
        os.environ["CUDA_VISIBLE_DEVICES"] = device
        return


def _attempt(
    function: Callable[[T], R], piece: T, threads: int
) -> tuple[R | None, SkiagramError | MemoryError | None]:
    """Run a task; a named error is returned, as one raised in a worker comes as a traceback."""
    with threadpool_limits(threads):
        try:
            return function(piece), None
        except (SkiagramError, MemoryError) as error:
            return None, error


def _value(attempt: tuple[Any, SkiagramError | MemoryError | None]) -> Any:
    """Return what an attempt gave, or raise its error."""
    result, error = attempt
    if error is not None:
        raise error
    return result


def _on_ray(
    function: Callable[[T], R], pieces: Sequence[T], compute: Compute, gpus: float
) -> Iterator[R]:
    """Yield results of processes of a Ray cluster, in order.

    Without the `address` of a running cluster it is started and ended.
    """
    import joblib

    # Connect to the cluster.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")  # its 15 starves where others are at work
    with installed("Ray", "compute.backend", "ray", otherwise="choose `compute: local`"):
        import ray
        from ray.util.joblib import register_ray
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    address, threads = compute.address, compute.threads
    try:
        if address is None:
            ray.init(address="local", num_cpus=compute.places, include_dashboard=False, **quiet)
        else:
            host, _, port = address.removeprefix("ray://").rpartition(":")
            if port.isdecimal():  # Ray itself would wait for minutes where nothing listens
                socket.create_connection((host, int(port)), timeout=10).close()
            ray.init(address=address, **quiet)
    except OSError as error:
        raise refusal("compute.no_cluster", address=address) from error
    # Have the pieces made where there is room for one at least.
    try:
        present = ray.cluster_resources()
        for resource, amount in (("CPU", threads), ("GPU", gpus)):
            if amount > present.get(resource, 0):
                where = "compute.threads" if resource == "CPU" else "compute.gpus_per_fit"
                raise refusal(
                    "compute.few_resources",
                    where,
                    asked=amount,
                    resource=resource,
                    present=present.get(resource, 0),
                )
        register_ray()
        arguments = {"num_cpus": threads, "num_gpus": gpus}
        with joblib.parallel_config("ray", n_jobs=compute.places, ray_remote_args=arguments):
            work, parallel = joblib.delayed(_attempt), joblib.Parallel(batch_size=1)
            yield from map(_value, parallel(work(function, piece, threads) for piece in pieces))
    except ray.exceptions.RayError as error:  # of a machine that is lost, too
        raise refusal("compute.dead_worker") from error
    finally:
        ray.shutdown()


def end_with(parent: int) -> None:
    """Have this process killed when its parent ends, however that one ends; Linux alone does so.

    Args:
        parent: Its number, taken before this process began.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG of prctl(2)
        if os.getppid() != parent:
            os._exit(1)


def _devices(gpus: int, per_fit: float) -> list[str]:
    """List the GPUs of each place for a fit, as CUDA_VISIBLE_DEVICES has them.

    They are dealt out of those that the user, or SLURM, has given this process by that variable.
    """
    if not gpus or not per_fit:
        return []
    names = _visible_gpus() or [str(gpu) for gpu in range(gpus)]
    if per_fit < 1:
        return names[:gpus] * int(1 / per_fit)
    each = ceil(per_fit)
    places = max(1, gpus // each)
    return [",".join(names[place * each : (place + 1) * each]) for place in range(places)]


def _visible_gpus() -> list[str]:
    names = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return [gpu.strip() for gpu in names if gpu.strip()]


def count_gpus() -> int:
    """Count how many GPUs, or parts of one, fits may use; PyTorch is imported already.

    NVML does not count parts (MIG).
    """
    torch = sys.modules["torch"]
    gpus = _visible_gpus()
    if gpus and gpus[0].startswith("MIG-"):
        return len(gpus) if torch.backends.cuda.is_built() else 0
    return int(torch.cuda.device_count())


@contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Hold PyTorch, which is imported already, to so many threads, and give it its own back."""
    torch = sys.modules["torch"]
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def visible_gpus() -> int | None:
    """Count how many GPUs pieces may use; None where there is none, or none imports PyTorch."""
    return (count_gpus() or None) if "torch" in sys.modules else None


def keep_freed_memory() -> None:
    """Let arrays use memory again without asking the system, which clears every page it gives.

    Clearing takes half the time of a network whose layers are large and simple, and the system does
    it for one thread at a time. A thread's memory consists of heaps; one that is empty goes back
    whatever the first threshold says, unless a heap is to be held in advance. Where the C library
    is another it has its own way.
    """
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError):
        return
    # In bytes; of the thresholds the library takes no more.
    set_option(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    set_option(-3, 2**25)  # M_MMAP_THRESHOLD
    set_option(-2, 2**26)  # M_TOP_PAD: a heap
