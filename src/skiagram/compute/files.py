"""Files that a kill, or several processes, may meet: written whole, or held in turns."""

import errno
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_told: set[Path] = set()  # folders of which this process has said so


@contextmanager
def locked(path: Path, waiting: str = "") -> Iterator[None]:
    """Wait until no other process holds the file, and hold it; a killed process lets go.

    Where the file system has no locks, a sentence says that it is the user's care.

    Args:
        path: The lock, which holds nothing; it is made, with its folder, and stays.
        waiting: Said once where another process holds it.
    """
    # A file of its own to lock: the others are replaced.
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        try:
            import fcntl

            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting:
                    sys.stderr.write(f"{waiting}\n")
                fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        except ImportError:
            pass  # on Windows one run at a time is the user's care
        except OSError as error:
            # some network disks answer that they have no locks
            if error.errno not in {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}:
                raise
            if path.parent not in _told:
                _told.add(path.parent)
                sys.stderr.write(
                    f"Warning: the file system of {path.parent} has no locks "
                    f"({os.strerror(error.errno)}). Run one command of this project at a time.\n"
                )
        yield


@contextmanager
def named_in_errors(path: Path, partial: Path) -> Iterator[None]:
    """Have an error of the system name the file that is asked for, in place of a part of it.

    Where a disk is full, the system itself names no file at all.
    """
    try:
        yield
    except OSError as error:
        if error.filename in {None, str(partial), partial}:
            error.filename = str(path)
        raise


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write files, replacing earlier ones; a full disk leaves all as before, a kill none cut short.

    All are written before the first takes its place; an OSError where one cannot be.
    """
    # All are written before the first is replaced.
    partials = {path: path.with_suffix(".partial" + path.suffix) for path in contents}
    try:
        for path, partial in partials.items():
            with named_in_errors(path, partial):
                partial.write_bytes(contents[path])
        for path, partial in partials.items():
            with named_in_errors(path, partial):
                partial.replace(path)
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
