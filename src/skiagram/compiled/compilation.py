"""Numba at work: machine code of array loops, kept on disk where a folder can keep it."""

import hashlib
import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
from numba.core import event
from numba.core.caching import FunctionCache, IndexDataCacheFile

from skiagram.notices import say_once

_ROOT = Path(__file__).resolve().parents[3]
_ONCE = "Compiling array loops, once after an installation: this takes seconds to minutes."
_NO_FOLDER = (
    "Compiling array loops, which takes seconds to minutes in each run, as no folder keeps them: "
    "set NUMBA_CACHE_DIR to one that you can write."
)


class _KeptCode(FunctionCache):  # type: ignore[misc]
    """Machine code on disk, of which a damaged file or a full disk costs time and nothing else.

    Numba numbers the files of a function by an index. Processes that compile at once, or one that
    was killed, would leave a number that stands for code of other types or of an earlier source.
    """

    def __init__(self, function: FunctionType, stamp: str) -> None:
        super().__init__(function)
        self.stamp = stamp

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        """Return what tells code apart, which is the name of its files, too."""
        key = super()._index_key(signature, codegen)
        name = hashlib.sha256(f"{self.stamp} {key}".encode()).hexdigest()[:16]
        base = f"{self._impl.filename_base}.{name}"
        self._cache_file = IndexDataCacheFile(self._cache_path, base, self.stamp)
        return key

    def _load_overload(self, *arguments: Any) -> Any:
        try:
            return super()._load_overload(*arguments)
        except Exception:  # damage can break a reader anywhere
            return None

    def _save_overload(self, *arguments: Any) -> None:
        try:
            super()._save_overload(*arguments)
        except OSError:
            say_once(_NO_FOLDER, to_all=True)


class _Notice(event.Listener):  # type: ignore[misc]
    """Says why nothing seems to happen; what was compiled before is read and does not count."""

    kept = True  # whether a folder keeps what is compiled

    def on_start(self, event: event.Event) -> None:
        say_once(_ONCE if self.kept else _NO_FOLDER, to_all=not self.kept)

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


_NOTICE = _Notice()
event.register("numba:compile", _NOTICE)
event.register("numba:compiler_lock", _Interrupt())


def dispatch(python: FunctionType, liberties: frozenset[str], callees: Mapping[str, Any]) -> Any:
    """Return Numba's dispatcher of a function, which compiles it for the types that it is given.

    Args:
        python: Typed NumPy loops.
        liberties: What LLVM may change in sums of real numbers, as its `fastmath` names it.
        callees: Name of each compiled function that it calls → its dispatcher.
    """
    # A function of a temporary copy is that of the home folder, where the files are equal.
    code = python.__code__
    source_file = Path(code.co_filename).absolute()
    content = source_file.read_bytes()
    lasting = Path(os.environ.get("DVC_ROOT") or _ROOT).resolve()
    if source_file.is_relative_to(_ROOT) and lasting != _ROOT:
        same = lasting / source_file.relative_to(_ROOT)
        if same.is_file() and same.read_bytes() == content:
            code = code.replace(co_filename=str(same))
    # What it calls are dispatchers, too. Numba looks at the time of the function's own file alone,
    # and would go on using what it has compiled of functions and numbers of other files.
    names: dict[str, Any] = {**python.__globals__, **callees}
    parts: list[Any] = [content]
    for name in code.co_names:
        value = names.get(name)
        if isinstance(value, bool | int | float | tuple):
            parts.append((name, value))
        elif name in callees:
            parts.append((name, callees[name].stamp))
    function = FunctionType(code, names, code.co_name, python.__defaults__, python.__closure__)
    function.__qualname__ = python.__qualname__
    compile_it = numba.njit(nogil=True, error_model="numpy", fastmath=set(liberties))
    dispatcher: Any = compile_it(function)
    dispatcher.stamp = hashlib.sha256(repr(parts).encode()).hexdigest()
    if not numba.config.DISABLE_JIT:  # by which the function itself is called
        try:
            dispatcher._cache = _KeptCode(function, dispatcher.stamp)
        except RuntimeError:  # no folder can be written
            _NOTICE.kept = False
    return dispatcher
