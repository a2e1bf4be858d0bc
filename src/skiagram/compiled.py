"""Compilation of array loops to machine code (Numba), kept on disk after the first call."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function of arrays at its first call; later processes read it from `__pycache__`.

    Compiled code releases the interpreter's lock, so that threads run side by side, and divides by
    0 as NumPy does.

    Args:
        function: Typed NumPy loops; it calls no other Python than functions compiled alike.
    """
    return cast("F", numba.njit(cache=True, nogil=True, error_model="numpy")(function))
