"""Every file of a folder read once, on all cores: what it is, or why it cannot be used."""

import hashlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from skiagram.audit.images import is_constant
from skiagram.datasets.checks import check_image
from skiagram.datasets.image_files import decode_image, read_file
from skiagram.duplicates import content_digest, thumbnail
from skiagram.errors import DataError
from skiagram.progress import Progress

_FEW = 64  # starting processes takes longer than reading so few files
_CHUNK = 16


@dataclass(frozen=True)
class Examination:
    """What one usable file holds.

    Attributes:
        name: File name, relative to the folder.
        sha256: Checksum of the file.
        shape: Shape of the image.
        depth: Type of its pixels.
        stored_bytes: What its pixels take uncompressed.
        seconds: How long reading and checking took.
        thumbnail: (784,) float32, for near duplicates.
        digest: Of the pixels, for exact copies.
        constant: Whether the image shows nothing.
    """

    name: str
    sha256: str
    shape: tuple[int, ...]
    depth: str
    stored_bytes: int
    seconds: float
    thumbnail: NDArray[np.float32]
    digest: bytes
    constant: bool

    @property
    def channels(self) -> int:
        """Return 1 for gray, 3 for colour."""
        return 3 if len(self.shape) == 3 else 1


def examine(folder: Path, name: str) -> Examination | DataError:
    """Read one file; a fault is returned in the words in which the run would raise it."""
    started = time.perf_counter()
    try:
        content = read_file(folder / name, name)
        image = decode_image(content, name).pixels
        check_image(image, name)
    except DataError as error:
        return error
    return Examination(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        shape=image.shape,
        depth=str(image.dtype),
        stored_bytes=image.nbytes,
        thumbnail=thumbnail(image),
        digest=content_digest(image),
        constant=is_constant(image),
        seconds=time.perf_counter() - started,
    )


def examine_all(folder: Path, names: list[str]) -> list[Examination | DataError]:
    """Read all files, in the order given; decoding holds Python's lock, so processes share it."""
    found: list[Examination | DataError] = []
    with _mapping(folder, names) as examined, Progress("Read", len(names)) as bar:
        for one in examined:
            found.append(one)
            bar.advance()
    return found


@contextmanager
def _mapping(folder: Path, names: list[str]) -> Iterator[Iterator[Examination | DataError]]:
    work = partial(examine, folder)
    if len(names) < _FEW:
        yield map(work, names)
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    with ProcessPoolExecutor(cores, initializer=_start_worker) as pool:
        try:
            yield pool.map(work, names, chunksize=_CHUNK)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent answers Ctrl-C
    threadpool_limits(1)
