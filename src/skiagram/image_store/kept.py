"""What earlier runs made of images, used again for equal images: pieces of the store.

Images are hard links to what was written; numbers of an image are rows of tables. No byte of an
output depends on what is kept.
"""

import hashlib
import os
import shutil
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.pieces import DIGITS, UNFINISHED, PieceStore
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
Floats = NDArray[np.float32]
T = TypeVar("T")
_KEYS, _ROWS = "digests.bin", "rows.npy"
_KEY = np.dtype((np.void, DIGEST_BYTES))
_PARTS = 32  # tables of one name, above which they become one


@dataclass(frozen=True)
class KeptRows:
    """Rows of numbers that were each made of one image, by the image's digest.

    Attributes:
        store: Where they are kept; None to keep none.
        what: Kind of the pieces.
        identity: All that a row depends on besides its image.
        most: Tables of the kind that are kept; None for all.
    """

    store: PieceStore | None
    what: str
    identity: str
    most: int | None = None

    def find(self, digests: Sequence[bytes]) -> list[Floats | None]:
        """Return the row of each image; None where there is none."""
        rows: list[Floats | None] = [None] * len(digests)
        wanted: dict[bytes, list[int]] = {}
        for number, digest in enumerate(digests):
            wanted.setdefault(digest, []).append(number)
        for part in self._parts():
            with suppress(OSError, ValueError, IndexError):  # of one that was removed meanwhile
                keys, values = _read_rows(part)
                for place, key in enumerate(keys):
                    for number in wanted.get(key, ()):
                        rows[number] = np.array(values[place])
        return rows

    def add(self, digests: Sequence[bytes], rows: Floats) -> None:
        """Keep the rows of images, (n, d), as one table; many small tables become one."""
        if self.store is None or not len(rows):
            return
        self._write(self.store, digests, rows)
        parts = self._parts()
        if len(parts) > _PARTS:
            self._merge(self.store, parts)

    def _parts(self) -> list[Path]:
        return [] if self.store is None else self.store.parts(_name(self.what, self.identity))

    def _write(self, store: PieceStore, digests: Sequence[bytes], rows: Floats) -> str:
        part = f"{_name(self.what, self.identity)}-{_short(digests)}"
        store.keep(part, partial(_write_rows, digests, rows), self.most)
        return part

    def _merge(self, store: PieceStore, parts: Sequence[Path]) -> None:
        tables: dict[int, list[tuple[Path, list[bytes], Floats]]] = {}
        for part in parts:
            with suppress(OSError, ValueError):
                keys, values = _read_rows(part)
                tables.setdefault(values.shape[1], []).append((part, keys, values))
        for same in tables.values():
            digests = [key for _, keys, _ in same for key in keys]
            whole = self._write(store, digests, np.concatenate([values for *_, values in same]))
            if store.find(whole) is not None:
                store.remove(*(part.name for part, *_ in same if part.name != whole))


def _write_rows(digests: Sequence[bytes], rows: Floats, folder: Path) -> None:
    (folder / _KEYS).write_bytes(b"".join(digests))
    np.save(folder / _ROWS, rows.astype("<f4"), allow_pickle=False)


def _read_rows(folder: Path) -> tuple[list[bytes], Floats]:
    values = np.load(folder / _ROWS, mmap_mode="r", allow_pickle=False)
    return _read_keys(folder), values


def _read_keys(folder: Path) -> list[bytes]:
    content = (folder / _KEYS).read_bytes()
    keys: list[bytes] = np.frombuffer(content, _KEY).tolist()
    return keys


def _name(kind: str, identity: str) -> str:
    return f"{kind}-{hashlib.sha256(identity.encode()).hexdigest()[:DIGITS]}"


def _short(digests: Sequence[bytes]) -> str:
    return hashlib.sha256(b"".join(digests)).hexdigest()[: DIGITS // 2]


def keep_images(
    store: PieceStore | None,
    kind: str,
    identity: str,
    digests: Sequence[bytes],
    images: Path,
    write: Callable[[Path], object],
) -> None:
    """Keep a finished image store for later runs, by links to its shards.

    Further modalities within it have a piece of their own.

    Args:
        kind: Kind of the piece.
        identity: All that an image depends on besides what its digest is of.
        digests: Of what the images were made of, in their order.
        images: Folder of the store.
        write: Called with the folder, for what else is to be kept.
    """
    if store is None:
        return

    def link(folder: Path) -> None:
        for name in dict.fromkeys(name for name, _ in ImageStore(images).shards):
            os.link(shard_path(images, name), shard_path(folder, name))
        for name in (CASE_TABLE, INDEX):
            shutil.copyfile(images / name, folder / name)
        (folder / _KEYS).write_bytes(b"".join(digests))
        write(folder)

    store.keep(f"{_name(kind, identity)}-{_short(digests)}", link)


class KeptImages:
    """Images that an earlier run stored, in the order of a new store, by what they are made of.

    Where the images of one of its shards follow one another again, the new store has the same
    shard, and its file is linked.
    """

    def __init__(self, folder: Path, digests: Sequence[bytes]) -> None:
        self.store = ImageStore(folder)
        self.digests = self.store.digests()
        place = {key: place for place, key in enumerate(_read_keys(folder))}
        known = [place.get(digest, -1) for digest in digests]
        self.places = np.array(known, dtype=np.int64)
        if self.places.max(initial=-1) >= len(self.store):  # fewer images than there are keys
            self.places[:] = -1
        stops = self.store.ends()
        self._shard_at = dict(zip([0, *stops[:-1]], range(len(stops)), strict=True))

    @classmethod
    def find(
        cls,
        store: PieceStore | None,
        kind: str,
        identity: str,
        digests: Sequence[bytes],
        read: Callable[[Path], T],
    ) -> tuple["KeptImages", T] | None:
        """Return what an earlier run kept of most of the images, and what `read` finds there.

        What is damaged counts as nothing. It stays while it is used: these are links of their own.
        """
        best = None
        for piece in [] if store is None else store.parts(_name(kind, identity)):
            links = piece.with_name(f"{UNFINISHED}-{uuid4().hex}")
            with suppress(OSError, ValueError, DataError):
                shutil.copytree(piece, links, copy_function=os.link)
                kept = cls(links, digests), read(links)
                if best is None or kept[0].count > best[0].count:
                    best = kept
                    weakref.finalize(kept[0], shutil.rmtree, links, ignore_errors=True)
                    continue
            shutil.rmtree(links, ignore_errors=True)
        return best

    @property
    def count(self) -> int:
        """How many of the images are kept."""
        return int((self.places >= 0).sum())

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
