"""Pieces of work in processes of their own, each forked from this one, so that it starts at once.

Such a process has all that this one has imported and read: nothing is sent to it, and libraries
that take seconds to import are there. It ends with its piece, so no piece finds what another left
in memory, and one that is killed takes no other with it. There is no fork outside Linux that is
safe with all libraries used here; workers of `skiagram.compute.workers` stand in for it there.
"""

import ctypes
import os
import signal
import sys
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, TypeVar, cast

from skiagram.compute.progress import report_to
from skiagram.errors import SkiagramError

T = TypeVar("T")
R = TypeVar("R")

CAN_FORK = sys.platform == "linux"
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class _Running:
    at: int
    process: ForkProcess
    place: int  # which of the places for pieces that run together


@dataclass(frozen=True)
class _Ended:
    """What a piece came to: a value, or an error to raise in its turn."""

    value: Any
    error: BaseException | None = None


class Forks(Generic[T, R]):
    """Works through pieces, some at a time, each in a process of its own.

    A piece whose process is killed, most often because the memory did not suffice for all of them,
    is tried once more with nothing beside it.

    Args:
        function: What to do with a piece.
        pieces: The pieces.
        number: Pieces at a time.
        name: What messages call a piece.
        describe: Called with what is under way.
        order: The order in which pieces start; their own when None.
        devices: GPUs, a list of numbers as text for each place; empty for none.
    """

    def __init__(
        self,
        function: Callable[[T], R],
        pieces: Sequence[T],
        number: int,
        name: Callable[[T], str] = str,
        describe: Callable[[str], None] = lambda text: None,
        order: Sequence[int] | None = None,
        devices: Sequence[str] = (),
    ) -> None:
        self._function, self._pieces, self._name = function, pieces, name
        self._describe, self._devices = describe, devices
        self._places = list(range(number))
        self._waiting = deque(range(len(pieces)) if order is None else order)
        self._killed: dict[int, int] = {}  # piece → signal
        self._running: dict[Connection, _Running] = {}
        self._under_way: dict[int, str] = {}
        self._ended: dict[int, _Ended] = {}

    def results(self) -> Iterator[R]:
        """Yield what the function made of each piece, in order.

        Raises:
            SkiagramError: A process was killed twice; names the piece.
            BaseException: What the function raised for the first piece, in order, that failed.
        """
        try:
            for number in range(len(self._pieces)):
                while number not in self._ended:
                    self._start()
                    self._listen()
                ended = self._ended.pop(number)
                if ended.error is not None:
                    raise ended.error
                yield ended.value
        finally:
            self._stop()

    def _start(self) -> None:
        while self._waiting and self._places:
            self._fork(self._waiting.popleft())
        if not self._running:  # only those that were killed are left
            self._fork(next(iter(self._killed)))

    def _fork(self, number: int) -> None:
        context = get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        place = self._places.pop(0)
        process = context.Process(target=self._work, args=(number, place, sender, os.getpid()))
        with warnings.catch_warnings():  # threads that other libraries keep idle
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        sender.close()
        self._running[receiver] = _Running(number, process, place)
        self._show(number, "")

    def _work(self, number: int, place: int, sender: Connection, parent: int) -> None:
        """Do a piece in the new process."""
        _end_with(parent)
        report_to(lambda title, done, total: sender.send(f"{done}/{total} {title}"))
        if self._devices:
            os.environ[_VISIBLE] = self._devices[place]
        try:
            ended = _Ended(self._function(self._pieces[number]))
        except KeyboardInterrupt:
            os._exit(128 + signal.SIGINT)
        except BaseException as error:
            ended = _Ended(None, _sendable(error))
        sender.send(ended)

    def _listen(self) -> None:
        for receiver in cast(list[Connection], wait(list(self._running))):
            running = self._running[receiver]
            try:
                message: str | _Ended = receiver.recv()
            except EOFError:
                self._finish(receiver, running)
                self._note_kill(running)
                continue
            if isinstance(message, str):
                self._show(running.at, message)
                continue
            self._finish(receiver, running)
            self._killed.pop(running.at, None)
            self._ended[running.at] = message
            if message.error is not None:  # none that comes after it will be asked for
                self._waiting = deque(number for number in self._waiting if number < running.at)

    def _finish(self, receiver: Connection, running: _Running) -> None:
        running.process.join()
        receiver.close()
        del self._running[receiver]
        self._places.append(running.place)
        self._under_way.pop(running.at, None)

    def _note_kill(self, running: _Running) -> None:
        code = running.process.exitcode or 0
        if running.at in self._killed:
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            error = SkiagramError(
                f"its process ended before its work, twice ({how})",
                where=self._name(self._pieces[running.at]),
                remedy="free memory, or choose smaller batches or fewer `workers`: most often the "
                "memory did not suffice",
            )
            del self._killed[running.at]
            self._ended[running.at] = _Ended(None, error)
        else:
            self._killed[running.at] = code

    def _show(self, number: int, steps: str) -> None:
        self._under_way[number] = f"{self._name(self._pieces[number])} {steps}".strip()
        self._describe(", ".join(self._under_way[number] for number in sorted(self._under_way)))

    def _stop(self) -> None:
        for receiver, running in self._running.items():
            running.process.kill()
            running.process.join()
            receiver.close()
        self._running = {}


def _sendable(error: BaseException) -> BaseException:
    """Return an error as another process can raise it; one of the program with its traceback."""
    if isinstance(error, SkiagramError):
        return error
    trace = traceback.format_exc()
    error.add_note(trace)
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))  # as the pipe will
    except Exception:
        return RuntimeError(trace)
    return error


def _end_with(parent: int) -> None:
    """Have the system end this process with the one that it works for, however that one ends."""
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
