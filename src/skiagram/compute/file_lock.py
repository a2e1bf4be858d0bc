"""A file by which processes of one machine take turns."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process holds the file, and hold it; a killed process lets go.

    Args:
        path: The lock, which holds nothing; it is made, with its folder, and stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        with suppress(ImportError):  # on Windows one run at a time is the user's care
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
