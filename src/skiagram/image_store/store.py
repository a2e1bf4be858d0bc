"""Image shards: Arrow IPC files that are memory-mapped and read without a copy.

A folder holds `images-00000.arrow`, … of at most 256 MB each and an `index.json` that gives the
order of the cases and the content's SHA-256. Images keep their own size and depth; a missing pixel
is NaN in a float image. Layout of an image: (height, width) for one channel, else
(height, width, channels). Volumes are (depth, height, width, 1): four axes, so that none is taken
for an image with channels; a store holds either images or volumes. The distance of pixels stays
with them where it is known.

Of cases that have several images, such as PET and MR, the first modality's lie in the folder
itself, where every stage finds them, those of the others in stores of their name within it.
"""

import bisect
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.image_store.shards import (
    DIGEST_BYTES,
    Image,
    Region,
    Shard,
    Spacing,
    content_digest,
)

_RECORD = "modalities.json"
_KEYS, _IDENTITY = "digests.bin", "identity.txt"
NOTES = "notes.json"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class ImageBatch:
    """Images of one shape and depth that follow one another in a store.

    Attributes:
        case_ids: An id an image.
        images: (n, height, width[, channels]) or (n, depth, height, width, 1), a read-only view.
        spacing: (n, 2), or (n, 3) of volumes, as `ImageStore.spacing`; NaN where it is unknown.
        regions: A region an image; empty in a store without regions.
    """

    case_ids: list[str]
    images: Image
    spacing: NDArray[np.float64]
    regions: tuple[Region, ...] = ()


class ImageStore:
    """Reads a folder of shards; images are read-only views into the mapped files.

    Args:
        folder: Folder that a `ShardWriter` wrote.

    Raises:
        DataError: The folder is not a finished store.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            index = json.loads((folder / "index.json").read_text())
            self.case_ids: list[str] = index["case_id"]
            self.sha256: str = index["sha256"]
            self._shard_of: list[int] = index["shard"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                "no finished image store", where=str(folder), remedy="run the stage that writes it"
            ) from error
        self._position = {case_id: position for position, case_id in enumerate(self.case_ids)}
        self._shards: dict[int, tuple[Shard, int]] = {}
        self._written: list[bytes] | None = None
        self._latest: dict[int, Shard] = {}  # at most one, for spans that follow one another

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.case_ids)

    def __iter__(self) -> Iterator[tuple[str, Image]]:
        """Yield (case id, image) in the store's order, one shard mapped at a time."""
        return self.span(0, len(self))

    def span(self, start: int, stop: int) -> Iterator[tuple[str, Image]]:
        """Yield what iteration yields, from one place of the order up to, without, another."""
        for shard, row, position in self._rows(start, stop):
            yield self.case_ids[position], shard.view(row)

    def runs(self, start: int, stop: int, values: int) -> Iterator[ImageBatch]:
        """Yield the images of `span` as many at once as are alike and lie side by side.

        Args:
            start: Place of the first image in the store's order.
            stop: Place after the last one.
            values: Pixels times channels that a run holds at most; one image may exceed it.
        """
        through = start
        for shard, row, position in self._rows(start, stop):
            if position == through:
                most = min(stop - position, max(1, values // shard.view(row).size))
                images, spacing = shard.run(row, most)
                through += len(images)
                rows = range(row, row + len(images)) if shard.has_regions else ()
                regions = tuple(region for row in rows if (region := shard.region(row)))
                yield ImageBatch(self.case_ids[position:through], images, spacing, regions)

    def digests(self) -> list[bytes]:
        """Return the digest of each image, in the store's order, as it was written."""
        numbers = sorted(set(self._shard_of))
        return [digest for number in numbers for digest in self._open(number).digests()]

    @property
    def written(self) -> list[bytes]:
        """Return the digests, read once."""
        if self._written is None:
            self._written = self.digests()
        return self._written

    def check(self, case_id: str, digest: bytes) -> None:
        """Refuse an image that is not the one that was written.

        Raises:
            DataError: Its pixels, its spacing or its region have changed on the disk.
        """
        digest_read = content_digest(
            self.image(case_id), self.spacing(case_id), self.region(case_id)
        )
        if digest_read != digest:
            raise DataError(
                "is not the image that was written: the file has changed on the disk",
                where=f"{self.folder.name} {case_id}",
                remedy="copy it back, or make it anew: `dvc repro --force` of the stage; then look "
                "after the disk",
            )

    def sizes(self) -> Iterator[int]:
        """Yield how many values each image has, in the store's order."""
        for number in sorted(set(self._shard_of)):
            yield from self._open(number).sizes()

    def image(self, case_id: str) -> Image:
        """Return one image as a read-only view.

        Raises:
            DataError: The store has no such case.
        """
        shard, row = self._locate(case_id)
        return shard.view(row)

    def spacing(self, case_id: str) -> Spacing | None:
        """Return the distances of an image's pixels; `image` says what is raised."""
        shard, row = self._locate(case_id)
        return shard.spacing(row)

    def region(self, case_id: str) -> Region | None:
        """Return the region of interest of an image, None in a store without regions."""
        shard, row = self._locate(case_id)
        return shard.region(row)

    def images(self, case_ids: Sequence[str]) -> Iterator[Image]:
        """Yield the images of some cases in the order asked for."""
        return (self.image(case_id) for case_id in case_ids)

    def _rows(self, start: int, stop: int) -> Iterator[tuple[Shard, int, int]]:
        """Yield the shard of each image, its row there and its place in the store's order."""
        for number in sorted(set(self._shard_of[start:stop])):
            shard, first = self._open_latest(number), bisect.bisect_left(self._shard_of, number)
            for row in range(max(start - first, 0), min(stop - first, len(shard))):
                yield shard, row, first + row

    def _locate(self, case_id: str) -> tuple[Shard, int]:
        position = self._position.get(case_id)
        if position is None:
            raise DataError("no such case", where=f"{self.folder} {case_id}")
        number = self._shard_of[position]
        if number not in self._shards:
            self._shards[number] = (self._open(number), self._shard_of.index(number))
        shard, first = self._shards[number]
        return shard, position - first

    def _open_latest(self, number: int) -> Shard:
        latest = self._latest  # replaced as a whole: other threads may be at another shard
        if number not in latest:
            latest = self._latest = {number: self._open(number)}
        return latest[number]

    def _open(self, number: int) -> Shard:
        path = self.folder / f"images-{number:05d}.arrow"
        try:
            return Shard(path)
        except (OSError, pa.ArrowException) as error:
            raise DataError(
                "damaged shard", where=str(path), remedy="run the stage that writes it"
            ) from error


@dataclass(frozen=True)
class Span:
    """Some images of a store, without their pixels.

    Attributes:
        folder: Absolute path of the store.
        sha256: Digest of the store's content.
        start: Place of the first image in the store's order.
        stop: Place after the last one.
    """

    folder: Path
    sha256: str
    start: int
    stop: int

    def __len__(self) -> int:
        """Return the number of images."""
        return self.stop - self.start

    def __iter__(self) -> Iterator[tuple[str, Image]]:
        """Yield (case id, image) in the store's order."""
        return self.store().span(self.start, self.stop)

    def check(self) -> None:
        """Refuse images that are not those that were written; `ImageStore.check` says more."""
        store = self.store()
        for place in range(self.start, self.stop):
            store.check(store.case_ids[place], store.written[place])

    def runs(self, values: int) -> Iterator[ImageBatch]:
        """Yield images that are alike together; `ImageStore.runs` says how."""
        return self.store().runs(self.start, self.stop, values)

    def store(self) -> ImageStore:
        """Return the store, opened once in each process."""
        return _opened(self.folder, self.sha256)


def spans(
    store: ImageStore, values: int, left_out: Collection[int] = frozenset()
) -> Iterator[Span]:
    """Cut a store into spans of about equal work, the same wherever they are worked on.

    Args:
        store: Any number of images of any sizes.
        values: Pixels times channels that a span holds at most; one image may exceed it.
        left_out: Places in the store's order that need no work.
    """
    folder, start, held = store.folder.resolve(), 0, 0
    for position, size in enumerate(store.sizes()):
        out = position in left_out
        if held and (out or held + size > values):
            yield Span(folder, store.sha256, start, position)
            held = 0
        if out:
            continue
        start = start if held else position
        held += size
    if held:
        yield Span(folder, store.sha256, start, len(store))


@dataclass(frozen=True)
class Kept:
    """Outputs that an earlier run made of images, to be used again for equal images.

    They lie beside DVC's outputs as hard links, so they take no room while these stand.

    Attributes:
        folder: The files.
        place: Digest of an image → its place in the outputs.
    """

    folder: Path
    place: dict[bytes, int]

    @classmethod
    def find(cls, folder: Path | None, identity: str) -> "Kept | None":
        """Return what an earlier run of the same code and options kept; None where there is none.

        Args:
            folder: Where runs of this stage keep it; None where they do not.
            identity: Of code and options.
        """
        if folder is None:
            return None
        try:
            if (folder / _IDENTITY).read_text() != identity:
                return None
            content = (folder / _KEYS).read_bytes()
        except OSError:
            return None
        keys = [
            content[start : start + DIGEST_BYTES] for start in range(0, len(content), DIGEST_BYTES)
        ]
        return cls(folder, {key: position for position, key in enumerate(keys)})

    @staticmethod
    def keep(
        folder: Path | None,
        identity: str,
        digests: Sequence[bytes],
        outputs: Sequence[Path],
        notes: str = "",
    ) -> None:
        """Keep outputs for later runs; where the disk knows no links, or is full, nothing is kept.

        Args:
            folder: Where to; None to keep nothing.
            identity: Of code and options.
            digests: Of the images, in the order of the outputs.
            outputs: Files.
            notes: What else is to be known of them.
        """
        if folder is None:
            return
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            folder.mkdir(parents=True)
            for path in outputs:
                os.link(path, folder / path.name)
            (folder / _KEYS).write_bytes(b"".join(digests))
            (folder / NOTES).write_text(notes)
            (folder / _IDENTITY).write_text(identity)


@lru_cache(maxsize=1)
def _opened(folder: Path, sha256: str) -> ImageStore:  # noqa: ARG001 - tells rewritten stores apart
    return ImageStore(folder)


def modality_folders(images: Path) -> dict[str, Path]:
    """Return modality → folder of its store, the first one `images` itself.

    Args:
        images: Folder of a store.

    Returns:
        Only `images`, under an empty name, where cases have one image each.

    Raises:
        DataError: The record of modalities is damaged.
    """
    record = images / _RECORD
    if not record.exists():
        return {"": images}
    try:
        first, *others = json.loads(record.read_text(encoding="utf-8"))
        check_names([first, *others])
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            "unreadable record", where=str(record), remedy="run the stage that writes it"
        ) from error
    return {first: images, **{name: images / name for name in others}}


def write_modalities(images: Path, names: Sequence[str]) -> None:
    """Note which modalities a folder holds.

    Args:
        images: Folder of the first modality's store.
        names: Modalities in order; nothing is noted of fewer than two.

    Raises:
        DataError: A name cannot be that of a folder and of features.
    """
    if len(names) > 1:
        check_names(names)
        (images / _RECORD).write_text(json.dumps(list(names)) + "\n", encoding="utf-8")


def check_names(names: Sequence[str]) -> None:
    """Refuse names that cannot be those of folders and of features.

    Raises:
        DataError: Names the first of them.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise DataError(
                f"the modality `{name}`",
                where="modalities",
                allowed="letters, digits, _ and -, a letter first",
                remedy="rename it in the table",
            )
