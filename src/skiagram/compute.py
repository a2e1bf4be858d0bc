"""How much of a machine, or of a cluster, a stage uses; no value depends on it but networks'.

Work that falls into independent pieces runs through `Compute.map`: in the stage's own process, in
threads of it, in joblib's worker processes, or on a Ray cluster.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass
from threadpoolctl import ThreadpoolController, threadpool_limits

from skiagram.errors import SkiagramError
from skiagram.freed_memory import keep_freed_memory
from skiagram.options import STRICT
from skiagram.workers import Submit, processes, ray_cluster, threads

T = TypeVar("T")
R = TypeVar("R")

_A_WORKER = 2  # pieces a worker has under way: one at work, one at hand


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
                if len(waiting) == _A_WORKER * self.workers:
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
