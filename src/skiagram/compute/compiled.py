"""Compilation of array loops to machine code (Numba), kept on disk after the first call."""

import hashlib
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import event
from numba.core.dispatcher import Dispatcher

from skiagram.compute.checkout import home
from skiagram.compute.progress import say_once

_ROOT = Path(__file__).resolve().parents[3]

F = TypeVar("F", bound=Callable[..., Any])


class _Notice(event.Listener):  # type: ignore[misc]
    """Says why nothing seems to happen; what was compiled before is read and does not count."""

    def on_start(self, event: event.Event) -> None:
        say_once(
            "Compiling array loops, once after an installation: this takes seconds to minutes."
        )

    def on_end(self, event: event.Event) -> None:
        pass


class _Interrupt(event.Listener):  # type: ignore[misc]
    """Keeps Ctrl-C until a function is compiled, or read from the disk.

    The libraries that do so call Python back from C, where an exception is printed and forgotten:
    the user would interrupt the program, and it would go on.
    """

    def __init__(self) -> None:
        self.depth = 0  # one function may need that others are compiled
        self.came = False
        self.handler: Any = None

    def holds(self) -> bool:
        """Return whether signals are this thread's, and Python's to handle."""
        is_main = threading.current_thread() is threading.main_thread()
        return is_main and signal.getsignal(signal.SIGINT) is not None

    def on_start(self, event: event.Event) -> None:
        if not self.holds():
            return
        self.depth += 1
        if self.depth == 1:
            self.came = False
            self.handler = signal.signal(signal.SIGINT, self.note)

    def note(self, *_: object) -> None:
        self.came = True

    def on_end(self, event: event.Event) -> None:
        if not self.holds():
            return
        self.depth -= 1
        if self.depth == 0:
            signal.signal(signal.SIGINT, self.handler)
            if self.came:
                signal.raise_signal(signal.SIGINT)


event.register("numba:compile", _Notice())
event.register("numba:compiler_lock", _Interrupt())


def compiled(function: F, liberties: frozenset[str] = frozenset()) -> F:
    """Compile a function of arrays at its first call; later processes read it from `__pycache__`.

    Where that folder cannot be written, from the folder that `NUMBA_CACHE_DIR` names or the user's
    cache; in DVC's copy for a queued experiment, from the home folder. Compiled code releases the
    interpreter's lock, so that threads run side by side, and divides by 0 as NumPy does.

    Args:
        function: Typed NumPy loops; it calls no other Python than functions compiled alike.
        liberties: What LLVM may change in sums of real numbers, as its `fastmath` names it.
    """
    # A function of a temporary copy is that of the home folder, where the files are equal.
    source_file = Path(function.__code__.co_filename).absolute()
    content = source_file.read_bytes()
    if source_file.is_relative_to(_ROOT) and (lasting := home(_ROOT)) != _ROOT:
        same = lasting / source_file.relative_to(_ROOT)
        if same.is_file() and same.read_bytes() == content:
            function.__code__ = function.__code__.replace(co_filename=str(same))
    compile_it = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=set(liberties))
    dispatcher = compile_it(function)
    if isinstance(dispatcher, Dispatcher):  # not so under NUMBA_DISABLE_JIT
        # Numba looks at the time of the function's own file alone, and would go on using what it
        # has compiled of functions and numbers imported from other files.
        kept_code: Any = dispatcher
        parts: list[Any] = [content]
        for name, value in function.__globals__.items():
            if isinstance(value, bool | int | float | tuple):
                parts.append((name, value))
            elif isinstance(value, Dispatcher):
                callee: Any = value
                parts.append((name, callee._cache._cache_file._source_stamp))
        stamp = hashlib.sha256(repr(parts).encode()).hexdigest()
        kept_code._cache._cache_file._source_stamp = stamp
    return cast("F", dispatcher)


def compiled_sum(function: F) -> F:
    """Compile likewise a function that adds up, which may add several numbers in one step.

    So it takes half the time or less. The order in which numbers are added, and so the last digits
    of the sum, are those of the kind of processor, as in products of matrices.
    """
    return compiled(function, frozenset({"reassoc", "contract"}))
