"""Writes an image store; `skiagram.store` says what it is."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skiagram.errors import DataError
from skiagram.shards import DTYPES, Image, Spacing, is_volume, schema

SHARD_BYTES = 256 * 1024**2
_BATCH_BYTES = 8 * 1024**2
_NAMES = {np.dtype(name): name for name in DTYPES}  # to ask a depth for its name takes longer


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
        self._schema: Any = None
        self._digest = hashlib.sha256()
        self._shard_by_case: dict[str, int] = {}  # case id → shard, in the order of the store

    def __enter__(self) -> "ShardWriter":
        """Return the writer itself."""
        return self

    def add(self, case_id: str, image: Image, spacing: Spacing | None = None) -> None:
        """Append one image or volume.

        Args:
            case_id: Opaque id, unique in the store.
            image: (height, width) or (height, width, channels), or (depth, height, width, 1);
                uint8, uint16, int16 or float32.
            spacing: Distance of its slices (a volume's alone), rows and columns, mm; None where
                it is unknown.

        Raises:
            DataError: The id is taken, the image's shape or depth cannot be stored, it is a volume
                among images or an image among volumes, or the spacing is not positive and finite.
        """
        if case_id in self._shard_by_case:
            raise DataError("two images of one case id", where=case_id)
        self._check(case_id, image)
        volumes = is_volume(image)
        known = None if spacing is None else tuple(float(distance) for distance in spacing)
        if known is not None and (
            len(known) != 2 + volumes or not all(0 < distance < math.inf for distance in known)
        ):
            raise DataError(
                f"pixel spacing {known}",
                where=case_id,
                allowed=f"{2 + volumes} distances, positive, finite mm",
            )
        pixels = np.ascontiguousarray(image).tobytes()
        if self._written and self._written + len(pixels) > self._shard_bytes:
            self._close_shard()
        shape = image.shape if volumes else np.atleast_3d(image).shape
        row = (case_id, *shape, _NAMES[image.dtype], known, pixels)
        self._rows.append(row)
        self._digest.update(repr(row[:-1]).encode())
        self._digest.update(pixels)
        self._shard_by_case[case_id] = self._shards
        self._row_bytes += len(pixels)
        self._written += len(pixels)
        if self._row_bytes >= _BATCH_BYTES:
            self._flush()

    def _check(self, case_id: str, image: Image) -> None:
        volumes = is_volume(image)
        shaped = image.ndim in (2, 3) or (volumes and image.shape[3] == 1)
        if not shaped or 0 in image.shape or image.dtype not in _NAMES:
            raise DataError(
                f"image of shape {image.shape} and type {image.dtype}",
                where=case_id,
                allowed="(height, width[, channels]) or (depth, height, width, 1), none of them 0, "
                f"as {', '.join(DTYPES)}",
            )
        if self._schema is None:
            self._schema = schema(volumes=volumes)
        elif volumes != ("depth" in self._schema.names):
            raise DataError(
                "a volume among images" if volumes else "an image among volumes",
                where=case_id,
                allowed="images alone or volumes alone in a data set",
            )

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._file is None:
            path = self._folder / f"images-{self._shards:05d}.arrow"
            self._file = pa.ipc.new_file(path, self._schema)
        fields = zip(zip(*self._rows, strict=True), self._schema, strict=True)
        arrays = [pa.array(column, field.type) for column, field in fields]
        self._file.write_batch(pa.record_batch(arrays, schema=self._schema))
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
