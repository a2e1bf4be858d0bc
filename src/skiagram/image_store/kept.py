"""What an earlier run made of images, used again by a later run for equal images.

It lies beside DVC's outputs as hard links, so it takes no room while these stand. No byte of an
output depends on it.
"""

import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.image_store.shards import (
    CASE_TABLE,
    DIGEST_BYTES,
    INDEX,
    Image,
    Region,
    ShardWriter,
    Spacing,
    shard_path,
)
from skiagram.image_store.store import ImageStore

StoredImage = tuple[Image, Spacing | None, Region | None, bytes | None]  # with its digest, if known
T = TypeVar("T")
_KEYS, _IDENTITY, _FILES = "digests.bin", "identity.txt", "files.json"
_KEY = np.dtype((np.void, DIGEST_BYTES))


class Kept(NamedTuple):
    """Outputs that an earlier run made of images."""

    folder: Path
    place: dict[bytes, int]

    @classmethod
    def find(cls, folder: Path | None, identity: str) -> "Kept | None":
        """Return what an earlier run of the same code and options kept; None where there is none.

        Nothing of it counts where a file is not as it was: it is an output too, which somebody may
        have written to.
        """
        if folder is None:
            return None
        try:
            files = json.loads((folder / _FILES).read_text())
            same = (folder / _IDENTITY).read_text() == identity
            if not same or any(_state(folder / name) != state for name, state in files.items()):
                return None
            content = (folder / _KEYS).read_bytes()
        except (OSError, ValueError):
            return None
        keys = np.frombuffer(content[: len(content) // DIGEST_BYTES * DIGEST_BYTES], _KEY).tolist()
        return cls(folder, {key: place for place, key in enumerate(keys)})

    def places(self, digests: Sequence[bytes]) -> NDArray[np.int64]:
        """Return the place of each image in the outputs, −1 where they have none of it."""
        find = self.place.get
        return np.array([find(digest, -1) for digest in digests], dtype=np.int64)


def keep(
    folder: Path | None,
    identity: str,
    digests: Sequence[bytes],
    outputs: Sequence[Path],
    write: Callable[[Path], object] = lambda _: None,
) -> None:
    """Keep outputs for later runs; where the disk knows no links, or is full, nothing is kept.

    `digests` are of the images, in the order of the outputs; `write` is called with the folder, for
    what else is to be kept.
    """
    if folder is None:
        return
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.mkdir(parents=True)
        for path in outputs:
            os.link(path, folder / path.name)
        write(folder)
        (folder / _KEYS).write_bytes(b"".join(digests))
        states = {path.name: _state(path) for path in sorted(folder.iterdir())}
        (folder / _FILES).write_text(json.dumps(states))
        (folder / _IDENTITY).write_text(identity)


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def store_files(folder: Path) -> list[Path]:
    """Return the files of a finished store, without those of further modalities within it."""
    names = dict.fromkeys(name for name, _ in ImageStore(folder).shards)
    return [*(shard_path(folder, name) for name in names), folder / CASE_TABLE, folder / INDEX]


class KeptImages:
    """Images that an earlier run stored, in the order of a new store, by what they are made of.

    Where the images of one of its shards follow one another again, the new store has the same
    shard, and its file is linked.
    """

    def __init__(self, kept: Kept, digests: Sequence[bytes]) -> None:
        self.store = ImageStore(kept.folder)
        self.digests = self.store.digests()
        self.places = kept.places(digests)
        if self.places.max(initial=-1) >= len(self.store):  # fewer images than there are keys
            self.places[:] = -1
        stops = self.store.ends()
        self._shard_at = dict(zip([0, *stops[:-1]], range(len(stops)), strict=True))

    @classmethod
    def find(
        cls, folder: Path | None, identity: str, digests: Sequence[bytes], read: Callable[[Path], T]
    ) -> tuple["KeptImages", T] | None:
        """Return what an earlier run kept, and what `read` finds in its folder; None for nothing.

        What is damaged counts as nothing.
        """
        kept = Kept.find(folder, identity)
        try:
            return None if kept is None else (cls(kept, digests), read(kept.folder))
        except (OSError, ValueError, DataError):
            return None

    def shard_from(self, position: int, ends: Callable[[int], bool]) -> range | None:
        """Return the places in the new store that an old shard fills from one on; None for none.

        `ends` tells whether a shard of the new store ends before a place.
        """
        first = int(self.places[position])
        number = self._shard_at.get(first)
        if number is None:
            return None
        stop = position + self.store.ends()[number] - first
        again = self.places[position:stop]
        same = len(again) == stop - position and (np.diff(again) == 1).all()
        return range(position, stop) if same and (stop == len(self.places) or ends(stop)) else None

    def follows(self, position: int) -> bool:
        """Return whether an image follows the same one as in the old store, by its place."""
        return int(self.places[position]) == int(self.places[position - 1]) + 1

    def link(self, writer: ShardWriter, run: range, case_ids: Sequence[str]) -> None:
        """Append the run of images that `shard_from` returned, of all case ids of a new store."""
        first = int(self.places[run.start])
        name, _ = self.store.shards[self._shard_at[first]]
        writer.link(
            shard_path(self.store.folder, name),
            case_ids[run.start : run.stop],
            self.digests[first : first + len(run)],
        )

    def image(self, position: int) -> StoredImage | None:
        """Return an image by its place in the new store; None where it is not kept."""
        place = int(self.places[position])
        if place < 0:
            return None
        shard, row = self.store.at(place)
        return shard.view(row), shard.spacing(row), shard.region(row), self.digests[place]


def write_store(
    writer: ShardWriter,
    case_ids: Sequence[str],
    kept: KeptImages | None,
    ends: Callable[[int], bool],
    make: Callable[[int], StoredImage],
    done: Callable[[range], object],
    links_end: Callable[[int], bool] | None = None,
) -> None:
    """Write a store whose shards begin and end where its images say, whatever was kept.

    Args:
        ends: Tells whether a shard ends before a place; asked when the images before it are added,
            or were stored by the earlier run.
        make: Makes an image that was not kept.
        done: Called with the places of images that were written.
        links_end: As `ends`, where there is more to tell it by of shards that are to be linked.
    """
    position = 0
    while position < len(case_ids):
        run = None
        if kept is not None and writer.between_shards:
            run = kept.shard_from(position, links_end or ends)
        if kept is not None and run is not None:
            kept.link(writer, run, case_ids)
        else:
            run = range(position, position + 1)
            stored = None if kept is None else kept.image(position)
            writer.add(case_ids[position], *(stored or make(position)))
        done(run)
        position = run.stop
        if ends(position):
            writer.end_shard()
