"""Files that a kill, or several processes, may meet: written whole, or held in turns."""

from collections.abc import Iterator, Mapping
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


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write files, replacing earlier ones; a full disk leaves all as before, a kill none cut short.

    All are written before the first takes its place; an OSError where one cannot be.
    """
    partials = {path: path.with_suffix(".partial" + path.suffix) for path in contents}
    try:
        for path, partial in partials.items():
            partial.write_bytes(contents[path])
        for path, partial in partials.items():
            partial.replace(path)
    finally:
        for partial in partials.values():
            partial.unlink(missing_ok=True)
