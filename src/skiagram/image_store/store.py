"""Image stores: folders of Arrow files that are memory-mapped and read without a copy.

A folder holds `images-….arrow`, each named by its content, `cases.arrow` with the id and the digest
of each image, and an `index.json` that gives the order of the shards and the content's SHA-256.
Images keep their own size and depth; a missing pixel is NaN in a float image. A store holds either
images or volumes; the distance of pixels stays with them where it is known.

Of cases that have several images, such as PET and MR, the first modality's lie in the folder
itself, where every stage finds them, those of the others in stores of their name within it. The
store of a data set without images lists its cases, each with the digest of its values, and has no
shards.
"""

import bisect
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from skiagram.arrays import Floats, Texts, Whole
from skiagram.errors import refusal
from skiagram.image_store.index import INDEX
from skiagram.image_store.shards import (
    CASE_TABLE,
    Shard,
    case_schema,
    content_digest,
    shard_path,
    unusable,
)
from skiagram.images import Image, Region, Spacing

_RECORD = "modalities.json"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_SHARD_NAME = re.compile("[0-9a-f]+")


@dataclass(frozen=True)
class ImageBatch:
    """Images of one shape and depth that follow one another in a store."""

    case_ids: list[str]
    images: Image  # (n, height, width[, channels]) or (n, depth, height, width, 1), read-only
    spacing: Floats  # (n, 2), or (n, 3) of volumes, mm; NaN where unknown
    regions: tuple[Region, ...] = ()


class ImageStore:
    """Reads a folder that a `ShardWriter` wrote; images are views into the mapped files.

    Its length is that of its images, of which cases may have none.
    """

    def __init__(self, folder: Path) -> None:
        """Open a store by its index and its table of cases.

        Shards are mapped when they are reached.

        Args:
            folder: What a `ShardWriter` wrote.

        Raises:
            DataError: The store was not written to its end, is damaged, or both files disagree.
        """
        import pyarrow as pa

        # The index and the table of cases.
        self.folder = folder
        unfinished = unusable("no finished image store", folder)
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            self.sha256 = str(index["sha256"])
            self.has_images = index["shards"] is not None
            self.shards = [(str(name), int(number)) for name, number in index["shards"] or ()]
            self._cases = pa.ipc.open_file(pa.memory_map(str(folder / CASE_TABLE))).read_all()
            self._cases.validate(full=True)
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise unfinished from error
        # Where each shard ends in the order of cases; both files must agree.
        self.ends = list(itertools.accumulate(number for _, number in self.shards))
        usable = all(_SHARD_NAME.fullmatch(name) and number > 0 for name, number in self.shards)
        images = len(self._cases) if self.has_images else 0
        if not usable or self._cases.schema != case_schema() or len(self) != images:
            raise unfinished
        self._open_shards: dict[int, Shard] = {}
        self._latest: dict[int, Shard] = {}  # at most one, for spans that follow one another

    @cached_property
    def case_ids(self) -> list[str]:
        """The ids in the store's order."""
        return self.ids(0, len(self._cases))

    def ids(self, start: int, stop: int) -> list[str]:
        """List the ids from one place of the order up to, without, another.

        They are read from the mapped table: a store of a million cases keeps no list of them.
        """
        ids: list[str] = self._cases["case_id"].slice(start, stop - start).to_pylist()
        return ids

    @cached_property
    def _position(self) -> dict[str, int]:
        return {case_id: position for position, case_id in enumerate(self.case_ids)}

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    def __iter__(self) -> Iterator[tuple[str, Image]]:
        """Yield (case id, image) in the store's order, one shard mapped at a time."""
        return self.span(0, len(self))

    def span(self, start: int, stop: int) -> Iterator[tuple[str, Image]]:
        """Yield (case id, image) from one place of the order up to, without, another.

        One shard is mapped at a time. Images are read-only views.

        Args:
            start: First place, from 0.
            stop: Place behind the last.
        """
        ids = self.ids(start, stop)
        for shard, row, position in self._rows(start, stop):
            yield ids[position - start], shard.view(row)

    def runs(self, start: int, stop: int, values: int) -> Iterator[ImageBatch]:
        """Yield the images of `span` as many at once as are alike and lie side by side.

        Args:
            start: First place, from 0.
            stop: Place behind the last.
            values: Pixels times channels that a run holds at most; one image may exceed it.
        """
        # Images already given as part of a longer run are passed over.
        through = start
        for shard, row, position in self._rows(start, stop):
            if position == through:
                # No more at once than the values asked for.
                most = min(stop - position, max(1, values // shard.view(row).size))
                images, spacing = shard.run(row, most)
                through += len(images)
                rows = range(row, row + len(images)) if shard.has_regions else ()
                regions = tuple(region for row in rows if (region := shard.region(row)))
                yield ImageBatch(self.ids(position, through), images, spacing, regions)

    def digests(self) -> list[bytes]:
        """Read the digest of each image, in the store's order, as it was written."""
        digests: list[bytes] = self._cases["digest"].to_pylist()
        return digests

    def check(self, start: int, stop: int) -> None:
        """Refuse images, from one place of the order up to another, that are not as written.

        Raises:
            DataError: The digest of an image, with its spacing and region, is another.
        """
        digests = self._cases["digest"].slice(start, stop - start).to_pylist()
        # Every image is read again and held against its digest.
        for (shard, row, position), digest in zip(self._rows(start, stop), digests, strict=True):
            if content_digest(shard.view(row), shard.spacing(row), shard.region(row)) != digest:
                raise refusal(
                    "image_store.changed_image",
                    f"{self.folder.name} {self.ids(position, position + 1)[0]}",
                )

    def image(self, case_id: str) -> Image:
        """Read one image as a read-only view.

        Args:
            case_id: The case.

        Raises:
            DataError: The case is not there, or the store has no images.
        """
        shard, row = self._locate(case_id)
        return shard.view(row)

    def spacing(self, case_id: str) -> Spacing | None:
        """Read the distances of an image's pixels, mm; None where unknown.

        Args:
            case_id: The case.

        Returns:
            Of rows and columns, and of slices before them in a volume.
        """
        shard, row = self._locate(case_id)
        return shard.spacing(row)

    def region(self, case_id: str) -> Region | None:
        """Read the region of interest of an image, None in a store without regions."""
        shard, row = self._locate(case_id)
        return shard.region(row)

    def places(self, case_ids: Texts) -> Whole:
        """Find the place of each of some cases in the order.

        Memory holds no id of other cases afterwards.

        Args:
            case_ids: (n,) ids.

        Returns:
            (n,) int64, −1 of one that is not there.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        ids = self._cases["case_id"].combine_chunks()
        places = pc.index_in(pa.array(case_ids, pa.string()), value_set=ids)
        return np.asarray(places.fill_null(-1).to_numpy(), dtype=np.int64)

    def image_at(self, position: int) -> Image:
        """Read the image at a place of the order as a read-only view."""
        shard, row = self.at(position)
        return shard.view(row)

    def at(self, position: int) -> tuple[Shard, int]:
        """Find the shard of an image by its place in the order, and its row there.

        Shards stay open: whoever asks by place or by case asks in any order.

        Args:
            position: Place in the store's order, from 0.
        """
        number = bisect.bisect_right(self.ends, position)
        if number not in self._open_shards:
            self._open_shards[number] = self.open_shard(number)
        return self._open_shards[number], position - (self.ends[number] - self.shards[number][1])

    def _rows(self, start: int, stop: int) -> Iterator[tuple[Shard, int, int]]:
        """Yield the shard of each image, its row there and its place in the store's order."""
        number = bisect.bisect_right(self.ends, start)
        # Shard by shard, each opened when it is reached.
        while start < stop:
            latest = self._latest  # replaced as a whole: other threads may be at another shard
            if number not in latest:
                latest = self._latest = {number: self.open_shard(number)}
            first = self.ends[number] - self.shards[number][1]
            for position in range(start, min(stop, self.ends[number])):
                yield latest[number], position - first, position
            start, number = self.ends[number], number + 1

    def _locate(self, case_id: str) -> tuple[Shard, int]:
        """Find the shard of a case and its row there; a case that is not there is refused."""
        self.require_images()
        position = self._position.get(case_id)
        if position is None:
            raise refusal("image_store.no_such_case", f"{self.folder} {case_id}")
        return self.at(position)

    def require_images(self) -> None:
        """Refuse to look at images of cases that have none."""
        if not self.has_images:
            raise refusal("image_store.no_images", str(self.folder))

    def open_shard(self, number: int) -> Shard:
        """Map a shard, and hold its number of images against that of the index."""
        # The file must hold as many images as the index says.
        name, images = self.shards[number]
        path = shard_path(self.folder, name)
        shard = Shard(path)
        if len(shard) != images:
            raise unusable("damaged shard", path)
        return shard


@dataclass(frozen=True)
class Span:
    """The images from one place of a store's order up to another, without their pixels."""

    folder: Path
    sha256: str
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[tuple[str, Image]]:
        return self.store().span(self.start, self.stop)

    def check(self) -> None:
        self.store().check(self.start, self.stop)

    def runs(self, values: int) -> Iterator[ImageBatch]:
        return self.store().runs(self.start, self.stop, values)

    def store(self) -> ImageStore:
        """Open the store, once in each process: spans follow one another over the same files."""
        return _opened(self.folder, self.sha256)


def spans(store: ImageStore, values: int) -> Iterator[Span]:
    """Cut a store into spans of about equal work, the same wherever they are worked on.

    Args:
        store: The store; its spans name its folder and its digest.
        values: Pixels times channels that a span holds at most; one image may exceed it.

    Yields:
        Spans in the store's order, which together hold every image once.
    """
    store.require_images()
    # A span ends before the image that would make it too large; it may cross shards.
    folder, start, position, total = store.folder.resolve(), 0, 0, 0
    for number in range(len(store.shards)):
        for size in store.open_shard(number).sizes.tolist():
            if total and total + size > values:
                yield Span(folder, store.sha256, start, position)
                start, total = position, 0
            total += size
            position += 1
    if total:
        yield Span(folder, store.sha256, start, position)


@lru_cache(maxsize=1)
def _opened(folder: Path, sha256: str) -> ImageStore:  # noqa: ARG001 - tells rewritten stores apart
    return ImageStore(folder)


def modality_folders(images: Path) -> dict[str, Path]:
    """Find the folder of each modality's store, the first one's being `images` itself.

    Args:
        images: Folder of images.

    Returns:
        Modality → folder, in the order in which they were given. Where cases have one image each,
        it is under an empty name.

    Raises:
        DataError: The record of modalities cannot be read.
    """
    # Without a record there is one modality, which has no name.
    record = images / _RECORD
    if not record.exists():
        return {"": images}
    try:
        first, *others = json.loads(record.read_text(encoding="utf-8"))
        _check_names([first, *others])
    except (OSError, ValueError, TypeError) as error:
        raise unusable("unreadable record", record) from error
    return {first: images, **{name: images / name for name in others}}


def write_modalities(images: Path, names: Sequence[str]) -> None:
    """Note the modalities, in order, beside the first one's store; nothing where there is one.

    Args:
        images: Folder of the first one's store.
        names: Of all, the first one first.

    Raises:
        DataError: A name is no name of a folder.
    """
    if len(names) > 1:
        _check_names(names)
        (images / _RECORD).write_text(json.dumps(list(names)) + "\n", encoding="utf-8")


def _check_names(names: Sequence[str]) -> None:
    """Refuse names that are no folder everywhere: a letter, then letters, digits, `_` and `-`."""
    for name in names:
        if not _NAME.fullmatch(name):
            raise refusal("image_store.modality_name", name=name)
