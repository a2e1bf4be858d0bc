"""How much of a machine, or of a cluster, a stage uses; no value depends on it but networks'.

Work that falls into independent pieces runs through `Compute.map`: in the stage's own process, in
threads of it, in worker processes, on a Ray cluster or as job arrays of SLURM. Whole fits, which
take a process each, run through `Compute.map_fits`.
"""

import ctypes
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from math import ceil
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass
from threadpoolctl import ThreadpoolController, threadpool_limits

from skiagram.compute.clusters import (
    A_PIECE,
    JobArray,
    Share,
    Submit,
    attempt,
    dead_worker,
    pack,
    ray_cluster,
    work_on,
)
from skiagram.compute.forks import CAN_FORK, Forks
from skiagram.errors import SkiagramError
from skiagram.options import STRICT

T = TypeVar("T")
R = TypeVar("R")

_PIECES_PER_WORKER = 2  # one at work, one at hand
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of the GNU C library's mallopt
_MAX_KEPT, _MAX_MAPPED = 2**31 - 1, 2**25  # bytes; the library takes no more
_A_HEAP = 2**26  # bytes


@dataclass(**STRICT)
class Compute:
    """Threads for linear algebra and networks, workers for pieces of work.

    Attributes:
        threads: Threads for linear algebra and networks in a fit; network weights repeat bit for
            bit at an equal count only.
        workers: Pieces of work, or fits, at a time: threads or processes of this machine,
            processors of a cluster, or jobs; `auto` is as many as this machine has processors.
            1 with `local` is the stage's own process.
        backend: `local`, this machine, a cluster of `ray`, or job arrays of `slurm`.
        address: Of a running Ray cluster, `auto` for this machine's; None starts one here and
            ends it.
        cpus_per_fit: Processors that a fit takes of a cluster; None for as many as `threads`.
        gpus_per_fit: GPUs that a fit of a network takes, where there are any; below 1, fits share
            one.
        slurm: How jobs are submitted; None with another backend.
    """

    threads: Annotated[int, Field(ge=1)]
    workers: Annotated[int, Field(ge=1)] | Literal["auto"]
    backend: Literal["local", "ray", "slurm"]
    address: str | None
    cpus_per_fit: Annotated[int, Field(ge=1)] | None = None
    gpus_per_fit: Annotated[float, Field(ge=0)] = 1.0
    slurm: JobArray | None = None

    @model_validator(mode="after")
    def _one_backend(self) -> Self:
        if self.address is not None and self.backend != "ray":
            raise ValueError("`address` names a Ray cluster: set it to null, or set `backend: ray`")
        if (self.slurm is not None) != (self.backend == "slurm"):
            raise ValueError(
                "`slurm` says how jobs are submitted: set it where `backend: slurm` is set"
            )
        return self

    @property
    def places(self) -> int:
        """How many pieces are worked on at a time."""
        if self.workers != "auto":
            return self.workers
        from joblib import cpu_count  # knows what a container or a scheduler allows

        return int(cpu_count())

    @property
    def here(self) -> "Compute":
        """Workers of this machine, for work that is shorter than the way to a cluster."""
        return self if self.backend == "local" else ALL_PROCESSORS

    @contextmanager
    def limit(self) -> Iterator[None]:
        with threadpool_limits(self.threads):
            yield

    def map(
        self, function: Callable[[T], R], pieces: Iterable[T], *, releases_lock: bool = False
    ) -> Iterator[R]:
        """Yield what a function makes of each piece, in order; the values depend on no option.

        Pieces are taken, and results kept, as far ahead as keeps the workers busy: memory stays
        flat however many pieces there are and however slowly the results are used.

        Args:
            releases_lock: The function spends its time in compiled code that lets other threads
                run: this machine's workers are threads, where processes take seconds to start.
        """
        places = self.places
        if self.backend == "local" and places == 1:
            keep_freed_memory()
            libraries = ThreadpoolController()  # a search that takes longer than a small piece
            for piece in pieces:
                with libraries.limit(limits=1):
                    value = function(piece)
                yield value
        elif self.slurm is not None:
            packed = (pack(piece, ()) for piece in pieces)
            together = self.slurm.pieces_per_job
            yield from map(_value, self.slurm.map(function, packed, (), places, A_PIECE, together))
        else:
            local = threads(places) if releases_lock else processes(places)
            workers = ray_cluster(places, self.address) if self.backend == "ray" else local
            yield from _ahead(workers, function, pieces, places)

    def map_fits(
        self,
        function: Callable[[T], R],
        pieces: Sequence[T],
        *,
        shared: Sequence[object] = (),
        order: Sequence[int] | None = None,
        gpus: int | None = None,
        forked: bool = True,
        name: Callable[[T], str] = str,
        describe: Callable[[str], None] = lambda text: None,
    ) -> Iterator[R]:
        """Yield what a function makes of each piece, in order, each in a process of its own.

        A piece has `threads` threads. Where there is one worker, or one piece, the process is this
        one. Others of this machine are forked from it, so they start at once and nothing is sent to
        them; a piece that is killed is tried once more, with nothing beside it.

        Args:
            function: Of a module, without side effects but on files of the piece's own.
            shared: What is large and the same for many pieces; it is sent to a worker once.
            order: In which pieces are best begun; their own when None.
            gpus: GPUs of this machine that pieces may use; None where they use none.
            forked: False where this process has worked with several threads, which a fork would
                wait for without end.
        """
        wanted = 0.0 if gpus is None else self.gpus_per_fit
        each = Share(self.threads, self.cpus_per_fit or self.threads, wanted)
        if self.slurm is not None:
            packed = [pack(piece, shared) for piece in pieces]
            whole = each._replace(gpus=ceil(wanted))
            yield from map(_value, self.slurm.map(function, packed, shared, self.places, whole))
            return
        if self.backend == "ray":
            cluster = ray_cluster(self.places, self.address, shared, each)
            yield from _ahead(cluster, function, pieces, self.places)
            return
        devices = _devices(gpus or 0, wanted)
        places = min(self.places, len(pieces), len(devices) or len(pieces))
        if places <= 1:
            for piece in pieces:
                describe(name(piece))
                with self.limit():
                    value = function(piece)
                yield value
        elif CAN_FORK and forked and not _gpu_in_use():
            with self.limit():
                forks = Forks(function, pieces, places, name, describe, order, devices)
                yield from forks.results()
        else:
            workers = processes(places, shared, self.threads)
            yield from _ahead(workers, function, pieces, places)


IN_PROCESS = Compute(threads=1, workers=1, backend="local", address=None)
ALL_PROCESSORS = Compute(threads=1, workers="auto", backend="local", address=None)


def _ahead(
    workers: AbstractContextManager[Submit],
    function: Callable[[T], R],
    pieces: Iterable[T],
    places: int,
) -> Iterator[R]:
    """Yield results in order, no more of them under way than keep the workers busy."""
    waiting: deque[Future[Any]] = deque()
    with workers as submit:
        for piece in pieces:
            if len(waiting) == _PIECES_PER_WORKER * places:
                yield _value(waiting.popleft().result())
            waiting.append(submit(function, piece))
        while waiting:
            yield _value(waiting.popleft().result())


def _value(result: Any) -> Any:
    if isinstance(result, (SkiagramError, MemoryError)):
        raise result
    return result


def _devices(gpus: int, per_fit: float) -> list[str]:
    """Return the GPUs of each place for a fit, as CUDA_VISIBLE_DEVICES has them.

    They are dealt out of those that the user, or SLURM, has given this process by that variable.
    """
    if not gpus or not per_fit:
        return []
    names = _given_gpus() or [str(gpu) for gpu in range(gpus)]
    if per_fit < 1:
        return names[:gpus] * int(1 / per_fit)
    each = ceil(per_fit)
    places = max(1, gpus // each)
    return [",".join(names[place * each : (place + 1) * each]) for place in range(places)]


def _given_gpus() -> list[str]:
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return [gpu.strip() for gpu in given if gpu.strip()]


def count_gpus() -> int:
    """Return how many GPUs, or parts of one, fits may use; PyTorch is imported already.

    NVML does not count parts (MIG), and CUDA itself, once asked, works in no fork of this process.
    """
    torch = sys.modules["torch"]
    given = _given_gpus()
    if given and given[0].startswith("MIG-"):
        return len(given) if torch.backends.cuda.is_built() else 0
    return int(torch.cuda.device_count())


def visible_gpus() -> int | None:
    """Return how many GPUs pieces may use; None where there is none, or none imports PyTorch."""
    return (count_gpus() or None) if "torch" in sys.modules else None


def _gpu_in_use() -> bool:
    """Return whether this process has begun to use CUDA, which a fork of it could not."""
    torch = sys.modules.get("torch")
    return bool(torch and torch.cuda.is_initialized())


@contextmanager
def threads(number: int) -> Iterator[Submit]:
    """Yield what submits calls to threads of this process, which end with the context."""
    keep_freed_memory()
    # Some libraries count threads for the process, others for each thread that calls them.
    single_thread = partial(ThreadpoolController().limit, limits=1)
    with single_thread(), ThreadPoolExecutor(number, initializer=single_thread) as executor:
        try:
            yield lambda function, piece: executor.submit(attempt, function, piece)
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def processes(number: int, shared: Sequence[object] = (), threads: int = 1) -> Iterator[Submit]:
    """Yield what submits calls to joblib's worker processes, which end with the context.

    Each is sent once what is shared by many pieces, and has some threads of linear algebra.
    """
    from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

    def submit(function: Callable[[Any], Any], piece: object) -> "Future[Any]":
        future: Future[Any] = executor.submit(_work_held, function, pack(piece, shared), threads)
        return future

    with ProcessPoolExecutor(number, initializer=_hold, initargs=tuple(shared)) as executor:
        try:
            yield submit
        except BrokenProcessPool as error:
            raise dead_worker() from error


_held: tuple[object, ...] = ()  # by a worker process, for all its pieces


def _hold(*shared: object) -> None:
    global _held
    _held = shared


def _work_held(function: Callable[[Any], Any], packed: bytes, threads: int) -> Any:
    return work_on(function, packed, threads, *_held)


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
    set_option(_TRIM_THRESHOLD, _MAX_KEPT)
    set_option(_MMAP_THRESHOLD, _MAX_MAPPED)
    set_option(_TOP_PAD, _A_HEAP)
