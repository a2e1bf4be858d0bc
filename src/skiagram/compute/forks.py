"""Pieces of work in processes of their own, each forked from this one, so that it starts at once.

Such a process has all that this one has imported and read. It ends with its piece, so no piece
finds what another left in memory, and one that is killed takes no other with it. Outside Linux
there is no fork that is safe with all libraries used here.
"""

import ctypes
import os
import signal
import sys
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any, Generic, NamedTuple, TypeVar, cast

from skiagram.compute.progress import report_to
from skiagram.errors import SkiagramError

T = TypeVar("T")
R = TypeVar("R")

CAN_FORK = sys.platform == "linux"
# PyTorch then asks the driver's library whether there are GPUs; a process that began to use CUDA
# could not be forked.
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def end_with(parent: int) -> None:
    """Have this process killed when its parent ends, however that one ends; Linux alone does so.

    Args:
        parent: Its number, taken before this process began.
    """
    if CAN_FORK:
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


class _Running(NamedTuple):
    number: int
    process: ForkProcess
    place: int  # which of the places for pieces that run together


class _Ended(NamedTuple):
    value: Any
    error: BaseException | None = None  # to raise in its turn


class Forks(Generic[T, R]):
    """Works through pieces, some at a time, each in a process of its own.

    A piece whose process is killed, most often because the memory did not suffice for all of them,
    is tried once more with nothing beside it.

    They start in an `order`, else in their own; `devices` has the GPUs of each place, numbers as
    text, empty for none.
    """

    def __init__(
        self,
        function: Callable[[T], R],
        pieces: Sequence[T],
        places: int,
        name: Callable[[T], str] = str,
        describe: Callable[[str], None] = lambda text: None,
        order: Sequence[int] | None = None,
        devices: Sequence[str] = (),
    ) -> None:
        self._function, self._pieces, self._name = function, pieces, name
        self._describe, self._devices = describe, devices
        self._free = list(range(places))
        self._waiting = deque(range(len(pieces)) if order is None else order)
        self._killed: set[int] = set()  # once
        self._running: dict[Connection, _Running] = {}
        self._under_way: dict[int, str] = {}
        self._ended: dict[int, _Ended] = {}

    def results(self) -> Iterator[R]:
        """Yield what the function made of each piece, in order.

        The error of the first piece, in order, that failed is raised; one that was killed twice is
        named.
        """
        try:
            for number in range(len(self._pieces)):
                while number not in self._ended:
                    while self._waiting and self._free:
                        self._start(self._waiting.popleft())
                    if not self._running:  # only those that were killed are left
                        self._start(next(iter(self._killed)))
                    for receiver in wait(list(self._running)):
                        self._listen(cast(Connection, receiver))
                ended = self._ended.pop(number)
                if ended.error is not None:
                    raise ended.error
                yield ended.value
        finally:
            for receiver, running in self._running.items():
                running.process.kill()
                running.process.join()
                receiver.close()

    def _start(self, number: int) -> None:
        context = get_context("fork")
        receiver, sender = context.Pipe(duplex=False)
        place = self._free.pop(0)
        process = context.Process(target=self._work, args=(number, place, sender, os.getpid()))
        with warnings.catch_warnings():  # threads that other libraries keep idle
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        sender.close()
        self._running[receiver] = _Running(number, process, place)
        self._show(number, "")

    def _work(self, number: int, place: int, sender: Connection, parent: int) -> None:
        """Do a piece in the new process, which ends with its parent."""
        end_with(parent)
        report_to(lambda title, done, total: sender.send(f"{done}/{total} {title}"))
        if self._devices:
            os.environ["CUDA_VISIBLE_DEVICES"] = self._devices[place]
        try:
            ended = _Ended(self._function(self._pieces[number]))
        except KeyboardInterrupt:
            os._exit(128 + signal.SIGINT)
        except BaseException as error:
            ended = _Ended(None, _sendable(error))
        sender.send(ended)

    def _listen(self, receiver: Connection) -> None:
        number = self._running[receiver].number
        try:
            message: str | _Ended = receiver.recv()
        except EOFError:
            code = self._finish(receiver)
            if number in self._killed:
                self._killed.remove(number)
                self._ended[number] = _Ended(None, self._name_kill(number, code))
            else:
                self._killed.add(number)
            return
        if isinstance(message, str):
            self._show(number, message)
            return
        self._finish(receiver)
        self._killed.discard(number)
        self._ended[number] = message
        if message.error is not None:  # none that comes after it will be asked for
            self._waiting = deque(later for later in self._waiting if later < number)

    def _finish(self, receiver: Connection) -> int:
        number, process, place = self._running.pop(receiver)
        process.join()
        receiver.close()
        self._free.append(place)
        self._under_way.pop(number, None)
        return process.exitcode or 0

    def _name_kill(self, number: int, code: int) -> SkiagramError:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return SkiagramError(
            f"its process ended twice before its work was done ({how})",
            where=self._name(self._pieces[number]),
            remedy="free memory, or choose smaller batches or fewer `workers`: most often the "
            "memory did not suffice",
        )

    def _show(self, number: int, steps: str) -> None:
        self._under_way[number] = f"{self._name(self._pieces[number])} {steps}".strip()
        self._describe(", ".join(words for _, words in sorted(self._under_way.items())))


def _sendable(error: BaseException) -> BaseException:
    """Return an error as another process can raise it, with its traceback unless it has a name."""
    if isinstance(error, SkiagramError):
        return error
    trace = traceback.format_exc()
    error.add_note(trace)
    try:
        ForkingPickler.loads(ForkingPickler.dumps(error))  # as the pipe will
    except Exception:
        return RuntimeError(trace)
    return error
