"""Every error a user can cause, with the exit code that a stage ends on.

A message says what was found, where, what is allowed and what to do, in one line.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar


def printable(text: str) -> str:
    """Return text for a terminal: what is no visible character, but a line's end, is escaped."""
    return "".join(
        each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text
    )


class SkiagramError(Exception):
    """An error with a remedy; stages print it as one line and exit with `exit_code`."""

    exit_code: ClassVar[int] = 1

    def __init__(self, found: str, *, where: str = "", allowed: str = "", remedy: str = "") -> None:
        self.found = found
        self.where = where
        self.allowed = allowed
        self.remedy = remedy
        super().__init__(found, where, allowed, remedy)

    def __reduce__(self) -> tuple[Any, ...]:
        parts = {"where": self.where, "allowed": self.allowed, "remedy": self.remedy}
        return partial(type(self), self.found, **parts), ()

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.found}" if self.where else self.found]
        if self.allowed:
            parts.append(f"Allowed: {self.allowed}")
        if self.remedy:
            parts.append(f"Do this: {self.remedy}")
        return printable(" ".join(" ".join(part.split()).rstrip(".") + "." for part in parts))


class OptionError(SkiagramError):
    """An option that does not exist, has the wrong type or is out of range."""

    exit_code: ClassVar[int] = 2


class AuditStop(SkiagramError):
    """The audit found something that makes every later figure untrustworthy."""

    exit_code: ClassVar[int] = 3


class DataError(SkiagramError):
    """An input file, image, label or identifier that cannot be used."""

    exit_code: ClassVar[int] = 4


class ModelFailure(SkiagramError):
    """A model that could not be trained: out of memory, diverged, refused its input."""

    exit_code: ClassVar[int] = 5


@contextmanager
def readable(found: str, where: str, remedy: str) -> Iterator[None]:
    """Turn whatever a reader of damaged files raises into a DataError."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # damage can break a reader anywhere
        raise DataError(found, where=where, remedy=remedy) from error


@contextmanager
def installed(package: str, where: str, remedy: str, allowed: str = "") -> Iterator[None]:
    """Turn the ImportError of a package that is not there into an OptionError.

    Args:
        allowed: What would do without it; empty for nothing.
    """
    try:
        yield
    except ImportError as error:
        raise OptionError(
            f"{package} is not installed", where=where, allowed=allowed, remedy=remedy
        ) from error


@contextmanager
def named(where: str) -> Iterator[None]:
    """Give a DataError the name of the file that the user knows."""
    try:
        yield
    except DataError as error:
        raise type(error)(
            error.found, where=where, allowed=error.allowed, remedy=error.remedy
        ) from error
