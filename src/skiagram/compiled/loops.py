"""Array loops that become machine code (Numba) when they are first called, and not before.

A module with such loops can be imported without Numba: its commands start fast, and none compiles
what it does not call.
"""

from collections.abc import Callable
from functools import cached_property, update_wrapper
from types import FunctionType
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


class Compiled:
    """A function of arrays in place of which machine code is called.

    Attributes:
        function: Typed NumPy loops.
        liberties: What LLVM may change in sums of real numbers, as its `fastmath` names it.
    """

    def __init__(self, function: FunctionType, liberties: frozenset[str]) -> None:
        update_wrapper(self, function)
        self.function, self.liberties = function, liberties

    def __call__(self, *arguments: Any) -> Any:
        return self.machine_code(*arguments)

    def __reduce__(self) -> str:
        """Have another process find the function by its name."""
        return self.function.__qualname__

    @cached_property
    def machine_code(self) -> Any:
        """Numba's dispatcher, which reads what it has compiled before from the disk."""
        from skiagram.compiled.compilation import dispatch

        # Compiled functions that it calls are called as machine code, too.
        called = self.function.__code__.co_names
        callees = {
            name: each.machine_code
            for name, each in self.function.__globals__.items()
            if name in called and isinstance(each, Compiled)
        }
        return dispatch(self.function, self.liberties, callees)


def compiled(function: F, liberties: frozenset[str] = frozenset()) -> F:
    """Compile a function of arrays at its first call; later processes read it from `__pycache__`.

    Where that folder cannot be written, from the folder that `NUMBA_CACHE_DIR` names or the user's
    cache; in DVC's copy for a queued experiment, from the home folder. Without any such folder each
    process compiles what it calls. Compiled code releases the interpreter's lock, so that threads
    run side by side, and divides by 0 as NumPy does.

    Args:
        function: Typed NumPy loops; it calls no other Python than functions compiled alike.
        liberties: What LLVM may change in sums of real numbers, as its `fastmath` names it.
    """
    return cast("F", Compiled(cast(FunctionType, function), liberties))


def compiled_sum(function: F) -> F:
    """Compile likewise a function that adds up, which may add several numbers in one step.

    So it takes half the time or less. The order in which numbers are added, and so the last digits
    of the sum, are those of the kind of processor, as in products of matrices.
    """
    return compiled(function, frozenset({"reassoc", "contract"}))
