"""Where calls can be submitted to: threads or processes of this machine, or a Ray cluster.

Each call has one thread of linear algebra: late digits can depend on their number.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

from threadpoolctl import ThreadpoolController, threadpool_limits

from skiagram.errors import OptionError, SkiagramError
from skiagram.freed_memory import keep_freed_memory

Submit = Callable[..., "Future[Any]"]  # as of concurrent.futures.Executor


@contextmanager
def threads(number: int) -> Iterator[Submit]:
    """Yield what submits calls to threads of this process, which end with the context.

    Args:
        number: Threads.
    """
    keep_freed_memory()
    # Some libraries count threads for the process, others for each thread that calls them.
    one = partial(ThreadpoolController().limit, limits=1)
    with one(), ThreadPoolExecutor(number, initializer=one) as executor:
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
