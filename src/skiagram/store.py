"""Image shards: Arrow IPC files that are memory-mapped and read without a copy.

A folder holds `images-00000.arrow`, … of at most 256 MB each and an `index.json` that gives the
order of the cases and the content's SHA-256. Images keep their own size and depth; a missing pixel
is NaN in a float image. Layout of an image: (height, width) for one channel, else
(height, width, channels). The distance of its pixels stays with it where it is known.
"""

import bisect
import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from skiagram.errors import DataError

SHARD_BYTES = 256 * 1024**2
_BATCH_BYTES = 8 * 1024**2
_DTYPES = ("uint8", "uint16", "int16", "float32")
_SCHEMA = pa.schema(
    [
        pa.field("case_id", pa.string(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("channels", pa.int32(), nullable=False),
        pa.field("dtype", pa.string(), nullable=False),
        pa.field("spacing", pa.list_(pa.float64(), 2)),
        pa.field("pixels", pa.large_binary(), nullable=False),
    ]
)

Image = NDArray[Any]
Spacing = tuple[float, float]  # distance of neighbouring rows and of neighbouring columns, mm


class ShardWriter:
    """Writes images to shards in bounded memory; use as a context manager.

    Args:
        folder: New or empty folder.
        shard_bytes: Pixels a shard holds at most (one image may exceed it).
    """

    def __init__(self, folder: Path, *, shard_bytes: int = SHARD_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._shard_bytes = shard_bytes
        self._rows: list[tuple[Any, ...]] = []
        self._row_bytes = 0
        self._written = 0
        self._shards = 0
        self._file: Any = None
        self._digest = hashlib.sha256()
        self._shard_by_case: dict[str, int] = {}  # case id → shard, in the order of the store

    def __enter__(self) -> "ShardWriter":
        """Return the writer itself."""
        return self

    def add(self, case_id: str, image: Image, spacing: Spacing | None = None) -> None:
        """Append one image.

        Args:
            case_id: Opaque id, unique in the store.
            image: (height, width) or (height, width, channels); uint8, uint16, int16 or float32.
            spacing: Distance of its rows and of its columns, mm; None where it is unknown.

        Raises:
            DataError: The id is taken, the image's shape or depth cannot be stored, or the spacing
                is not positive and finite.
        """
        if case_id in self._shard_by_case:
            raise DataError("two images of one case id", where=case_id)
        if image.ndim not in (2, 3) or 0 in image.shape or str(image.dtype) not in _DTYPES:
            raise DataError(
                f"image of shape {image.shape} and type {image.dtype}",
                where=case_id,
                allowed=f"(height, width[, channels]), none of them 0, as {', '.join(_DTYPES)}",
            )
        known = None if spacing is None else (float(spacing[0]), float(spacing[1]))
        if known is not None and not all(0 < distance < math.inf for distance in known):
            raise DataError(f"pixel spacing {known}", where=case_id, allowed="positive, finite mm")
        pixels = np.ascontiguousarray(image).tobytes()
        if self._written and self._written + len(pixels) > self._shard_bytes:
            self._close_shard()
        row = (case_id, *np.atleast_3d(image).shape, str(image.dtype), known, pixels)
        self._rows.append(row)
        self._digest.update(repr(row[:-1]).encode())
        self._digest.update(pixels)
        self._shard_by_case[case_id] = self._shards
        self._row_bytes += len(pixels)
        self._written += len(pixels)
        if self._row_bytes >= _BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._file is None:
            self._file = pa.ipc.new_file(self._folder / f"images-{self._shards:05d}.arrow", _SCHEMA)
        columns = zip(*self._rows, strict=True)
        arrays = [
            pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)
        ]
        self._file.write_batch(pa.record_batch(arrays, schema=_SCHEMA))
        self._rows, self._row_bytes = [], 0

    def _close_shard(self) -> None:
        self._flush()
        if self._file is not None:
            self._file.close()
            self._file = None
            self._shards += 1
            self._written = 0

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the last shard and, unless an error is under way, write the index."""
        self._close_shard()
        if kind is None:
            index = {
                "sha256": self._digest.hexdigest(),
                "case_id": list(self._shard_by_case),
                "shard": list(self._shard_by_case.values()),
            }
            (self._folder / "index.json").write_text(json.dumps(index))


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
        self._position = {case_id: at for at, case_id in enumerate(self.case_ids)}
        self._shards: dict[int, tuple[_Shard, int]] = {}

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.case_ids)

    def __iter__(self) -> Iterator[tuple[str, Image]]:
        """Yield (case id, image) in the store's order, one shard mapped at a time."""
        return self.span(0, len(self))

    def span(self, start: int, stop: int) -> Iterator[tuple[str, Image]]:
        """Yield what iteration yields, from one place of the order up to, without, another."""
        for number in sorted(set(self._shard_of[start:stop])):
            shard, first = self._open(number), bisect.bisect_left(self._shard_of, number)
            for row in range(max(start - first, 0), min(stop - first, len(shard))):
                yield shard.case_id(row), shard.view(row)

    def image(self, case_id: str) -> Image:
        """Return one image as a read-only view.

        Raises:
            DataError: The store has no such case.
        """
        shard, row = self._locate(case_id)
        return shard.view(row)

    def spacing(self, case_id: str) -> Spacing | None:
        """Return the distance of an image's rows and columns; `image` says what is raised."""
        shard, row = self._locate(case_id)
        return shard.spacing(row)

    def images(self, case_ids: Sequence[str]) -> Iterator[Image]:
        """Yield the images of some cases in the order asked for."""
        return (self.image(case_id) for case_id in case_ids)

    def _locate(self, case_id: str) -> tuple["_Shard", int]:
        at = self._position.get(case_id)
        if at is None:
            raise DataError("no such case", where=f"{self.folder} {case_id}")
        number = self._shard_of[at]
        if number not in self._shards:
            self._shards[number] = (self._open(number), self._shard_of.index(number))
        shard, first = self._shards[number]
        return shard, at - first

    def _open(self, number: int) -> "_Shard":
        path = self.folder / f"images-{number:05d}.arrow"
        try:
            return _Shard(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise DataError(
                f"damaged shard ({error})", where=str(path), remedy="run the stage that writes it"
            ) from error


class _Shard:
    """One mapped file; a scalar of an Arrow array is a copy, so views are cut from its buffers."""

    def __init__(self, path: Path) -> None:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        self._batches = [reader.get_batch(at) for at in range(reader.num_record_batches)]
        self._ends = list(itertools.accumulate(batch.num_rows for batch in self._batches))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def case_id(self, row: int) -> str:
        batch, at = self._locate(row)
        return str(batch["case_id"][at].as_py())

    def spacing(self, row: int) -> Spacing | None:
        batch, at = self._locate(row)
        found = batch["spacing"][at].as_py()
        return None if found is None else (found[0], found[1])

    def view(self, row: int) -> Image:
        batch, at = self._locate(row)
        height, width, channels = (
            batch[name][at].as_py() for name in ("height", "width", "channels")
        )
        _, offsets, pixels = batch["pixels"].buffers()
        flat = np.frombuffer(
            pixels,
            dtype=batch["dtype"][at].as_py(),
            count=height * width * channels,
            offset=int(np.frombuffer(offsets, dtype=np.int64)[at]),
        )
        return flat.reshape((height, width) if channels == 1 else (height, width, channels))

    def _locate(self, row: int) -> tuple[Any, int]:
        batch = bisect.bisect_right(self._ends, row)
        return self._batches[batch], row - (self._ends[batch] - self._batches[batch].num_rows)
