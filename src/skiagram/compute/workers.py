"""How much of a machine, or of a cluster, a stage uses; no value depends on it but networks'.

Work that falls into independent pieces runs through `Compute.map`: in the stage's own process, in
threads of it, in joblib's worker processes, or on a Ray cluster.
"""

import ctypes
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass
from threadpoolctl import ThreadpoolController, threadpool_limits

from skiagram.errors import OptionError, SkiagramError
from skiagram.options import STRICT

T = TypeVar("T")
R = TypeVar("R")
Submit = Callable[..., "Future[Any]"]  # as of concurrent.futures.Executor

_PIECES_PER_WORKER = 2  # one at work, one at hand
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # of the GNU C library's mallopt
_MOST_KEPT, _LARGEST_KEPT = 2**31 - 1, 2**25  # bytes; the library takes no more
_A_HEAP = 2**26  # bytes


@dataclass(**STRICT)
class Compute:
    """Threads for linear algebra and networks, workers for pieces of work.

    Attributes:
        threads: Threads for linear algebra and networks, in stages that train; network weights
            repeat bit for bit at an equal count only.
        workers: Pieces of work at a time, each on one thread; 1 with `local` is the stage's own
            process.
        backend: `local`, this machine, or a cluster of `ray`.
        address: Of a running Ray cluster, `auto` for this machine's; None starts one here and
            ends it.
    """

    threads: Annotated[int, Field(ge=1)]
    workers: Annotated[int, Field(ge=1)]
    backend: Literal["local", "ray"]
    address: str | None

    @model_validator(mode="after")
    def _address_of_a_cluster(self) -> Self:
        if self.address is not None and self.backend != "ray":
            raise ValueError("`address` is of a Ray cluster: null it, or set `backend: ray`")
        return self

    @contextmanager
    def limit(self) -> Iterator[None]:
        """Hold linear algebra to the chosen number of threads."""
        with threadpool_limits(self.threads):
            yield

    def map(
        self, function: Callable[[T], R], pieces: Iterable[T], *, releases_lock: bool = False
    ) -> Iterator[R]:
        """Yield what a function makes of each piece, in order; the values depend on no option.

        Pieces are taken, and results kept, as far ahead as keeps the workers busy: memory stays
        flat however many pieces there are and however slowly the results are used.

        Args:
            function: Of a module, without side effects.
            pieces: Small descriptions of work: other processes receive copies.
            releases_lock: The function spends its time in compiled code that lets other threads
                run. This machine's workers are then threads, which start at once, where processes
                take seconds to import and load what they need.

        Raises:
            OptionError: Ray is not installed or no cluster answers.
            SkiagramError: What the function raises; or a worker died.
        """
        if self.backend == "local" and self.workers == 1:
            keep_freed_memory()
            libraries = ThreadpoolController()  # a search that takes longer than a small piece
            for piece in pieces:
                with libraries.limit(limits=1):
                    value = function(piece)
                yield value
            return
        waiting: deque[Future[R | SkiagramError]] = deque()
        with self._workers(releases_lock) as submit:
            for piece in pieces:
                if len(waiting) == _PIECES_PER_WORKER * self.workers:
                    yield _value(waiting.popleft())
                waiting.append(submit(_attempt, function, piece))
            while waiting:
                yield _value(waiting.popleft())

    def _workers(self, releases_lock: bool) -> AbstractContextManager[Submit]:
        if self.backend == "ray":
            return ray_cluster(self.workers, self.address)
        return threads(self.workers) if releases_lock else processes(self.workers)


IN_PROCESS = Compute(threads=1, workers=1, backend="local", address=None)


def _attempt(function: Callable[[T], R], piece: T) -> R | SkiagramError:
    """Return a named error as a value: raised in a cluster, it would come back as a traceback."""
    try:
        return function(piece)
    except SkiagramError as error:
        return error


def _value(future: "Future[R | SkiagramError]") -> R:
    result = future.result()
    if isinstance(result, SkiagramError):
        raise result
    return result


@contextmanager
def threads(number: int) -> Iterator[Submit]:
    """Yield what submits calls to threads of this process, which end with the context.

    Args:
        number: Threads.
    """
    keep_freed_memory()
    # Some libraries count threads for the process, others for each thread that calls them.
    single_thread = partial(ThreadpoolController().limit, limits=1)
    with single_thread(), ThreadPoolExecutor(number, initializer=single_thread) as executor:
        try:
            yield executor.submit
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def processes(number: int) -> Iterator[Submit]:
    """Yield what submits calls to joblib's worker processes, which end with the context.

    Args:
        number: Worker processes.

    Raises:
        SkiagramError: A worker died.
    """
    from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

    with ProcessPoolExecutor(number) as executor:
        try:
            yield partial(executor.submit, _on_one_thread)
        except BrokenProcessPool as error:
            raise _dead_worker() from error


@contextmanager
def ray_cluster(number: int, address: str | None) -> Iterator[Submit]:
    """Yield what submits calls to a Ray cluster.

    Args:
        number: Processors of a cluster that is started here.
        address: Of a running cluster; None starts one on this machine and ends it.

    Raises:
        OptionError: Ray is not installed, or no cluster answers.
        SkiagramError: A worker died.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray.exceptions import OutOfMemoryError, WorkerCrashedError
    except ImportError as error:
        raise OptionError(
            "Ray is not installed",
            where="compute.backend",
            remedy="pip install 'skiagram[ray]', or choose `compute: local`",
        ) from error
    own: dict[str, Any] = {"num_cpus": number, "include_dashboard": False}
    try:
        if address is not None:
            _reach(address)
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            **({} if address else own),
        )
    except OSError as error:
        raise OptionError(
            f"no Ray cluster answers at {address}",
            where="compute.address",
            remedy="start one (`ray start --head`), set RAY_AUTH_MODE=token where it asks for its "
            "token, or null `address` to have one started",
        ) from error
    remote = ray.remote(num_cpus=1)(_on_one_thread)
    try:
        yield lambda function, *given: remote.remote(function, *given).future()
    except (OutOfMemoryError, WorkerCrashedError) as error:
        raise _dead_worker() from error
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Ray itself would wait for minutes where nothing listens."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()


def _on_one_thread(function: Callable[..., Any], *given: Any) -> Any:
    with threadpool_limits(1):
        return function(*given)


def _dead_worker() -> SkiagramError:
    return SkiagramError(
        "a worker ended before its work",
        where="compute",
        remedy="choose fewer `workers`: most often the memory did not suffice for all of them",
    )


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
    set_option(_TRIM_THRESHOLD, _MOST_KEPT)
    set_option(_MMAP_THRESHOLD, _LARGEST_KEPT)
    set_option(_TOP_PAD, _A_HEAP)
