"""Temporary folders, which hold patients' images: a kill leaves one until the next is made."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

_PREFIX = "skiagram-"
_LOCK = ".in-use"
_NEW = 600.0  # seconds for which a folder may not be locked yet


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """Yield a folder that is gone afterwards; what killed processes left is removed first.

    Args:
        purpose: A part of its name.
    """
    # What killed processes left: nobody holds its lock any more.
    for lock in Path(gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        # A thread that removes its folder must not find a lock in it that was made anew.
        with suppress(OSError), lock.open("r+b") as held:
            if time.time() - lock.stat().st_mtime > _NEW and _take(held.fileno()):
                shutil.rmtree(lock.parent, ignore_errors=True)
    # The lock says that this folder is in use.
    with TemporaryDirectory(prefix=f"{_PREFIX}{purpose}-") as name:
        folder = Path(name)
        with (folder / _LOCK).open("wb") as held:
            _take(held.fileno())
            yield folder


def _take(file: int) -> bool:
    """Hold a file until it is closed or the process ends; False where another process does."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):  # on Windows nothing is removed
        return False
    return True
