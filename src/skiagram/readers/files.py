"""Files of a data set: compared with their checksums, and read as a whole."""

import hashlib
import os
import stat
from collections.abc import MutableMapping
from pathlib import Path
from typing import Literal

from skiagram.errors import refusal

MAX_BYTES = 2**31  # of a file that is read as a whole
_KINDS = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))


def unlike(
    path: Path,
    checksum: str | None,
    earlier_checksums: MutableMapping[str, str],
    kind: Literal["md5", "sha256"] = "sha256",
) -> str:
    """Check a file against its checksum: return the one found where it differs, else empty text.

    Args:
        path: The file.
        checksum: What the file should have; None where nobody says, and any content counts.
        earlier_checksums: State of a file on the disk → its checksum, from earlier looks; this one
            is put in.
        kind: Of the checksum.
    """
    try:
        # A file that was neither written nor replaced is not read again.
        state = hashlib.sha256(f"{kind} {state_of(path)}".encode()).hexdigest()
        if state not in earlier_checksums:
            with path.open("rb") as file:
                earlier_checksums[state] = hashlib.file_digest(file, kind).hexdigest()
    except OSError:
        return ""
    return "" if earlier_checksums[state] == checksum else earlier_checksums[state]


def state_of(path: Path) -> str:
    """Tell a file's name, size and times, which differ once it was written or replaced.

    Raises:
        OSError: It is not there.
    """
    status = path.stat()
    return repr((str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))


def read_file(path: Path, name: str, most_bytes: int = MAX_BYTES) -> bytes:
    """Read the bytes of a regular file; refuse a larger one, and a pipe or device without end.

    Args:
        path: The file.
        name: To be named.
        most_bytes: That it may have.

    Raises:
        DataError: It is not there, too large, no regular file, or may not be read.
    """
    # without O_NONBLOCK, opening a pipe waits for somebody to write into it
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        file = os.open(path, flags)
        with os.fdopen(file, "rb") as stream:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode):
                kinds = [kind for matches, kind in _KINDS if matches(status.st_mode)]
                raise refusal("readers.no_file", name, thing=(*kinds, "a device")[0])
            # as much memory is taken as is asked for, whatever is there
            content = stream.read(status.st_size + 1) if status.st_size <= most_bytes else None
    except (OSError, ValueError) as error:  # a socket; a name with a NUL
        reason = error.strerror if isinstance(error, OSError) else error
        raise refusal("readers.cannot_be_opened", name, reason=reason) from error
    if content is None or len(content) > most_bytes:
        raise refusal("readers.too_large_file", name, most=most_bytes)
    return content
