"""One shard of an image store: an Arrow IPC file whose images are views into its buffers.

The number of axes says what an array is: (height, width) an image of one channel, (height, width,
channels) one of several, (depth, height, width, 1) a volume. A store of volumes has a column more,
`depth`, and three distances a case; files of images are as they would be without volumes.
"""

import bisect
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

DTYPES = ("uint8", "uint16", "int16", "float32")

Image = NDArray[Any]  # (height, width[, channels]), or a volume of (depth, height, width, 1)
Spacing = tuple[float, ...]  # of neighbouring slices (volumes alone), rows and columns, mm


def is_volume(image: Image) -> bool:
    """Return whether an array of a store is a volume, (depth, height, width, 1)."""
    return image.ndim == 4


def schema(*, volumes: bool) -> pa.Schema:
    """Return the columns of a shard of images or of volumes."""
    sides = ("depth", "height", "width") if volumes else ("height", "width")
    return pa.schema(
        [
            pa.field("case_id", pa.string(), nullable=False),
            *(pa.field(side, pa.int32(), nullable=False) for side in sides),
            pa.field("channels", pa.int32(), nullable=False),
            pa.field("dtype", pa.string(), nullable=False),
            pa.field("spacing", pa.list_(pa.float64(), len(sides))),
            pa.field("pixels", pa.large_binary(), nullable=False),
        ]
    )


class Shard:
    """One mapped file; a scalar of an Arrow array is a copy, so views are cut from its buffers.

    Args:
        path: A file of a finished store.

    Raises:
        OSError: It cannot be read.
        pyarrow.ArrowInvalid: It is no whole Arrow file.
    """

    def __init__(self, path: Path) -> None:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        self._volumes = "depth" in reader.schema.names
        self._batches = [reader.get_batch(at) for at in range(reader.num_record_batches)]
        self._ends = list(itertools.accumulate(batch.num_rows for batch in self._batches))

    def __len__(self) -> int:
        """Return the number of images."""
        return self._ends[-1] if self._ends else 0

    def case_id(self, row: int) -> str:
        """Return the case id of a row."""
        batch, at = self._locate(row)
        return str(batch["case_id"][at].as_py())

    def spacing(self, row: int) -> Spacing | None:
        """Return the distances of a row's slices, rows and columns, mm; None where unknown."""
        batch, at = self._locate(row)
        found = batch["spacing"][at].as_py()
        return None if found is None else tuple(found)

    def view(self, row: int) -> Image:
        """Return the image of a row as a read-only view."""
        batch, at = self._locate(row)
        sides = ("depth", "height", "width") if self._volumes else ("height", "width")
        shape = tuple(batch[name][at].as_py() for name in (*sides, "channels"))
        _, offsets, pixels = batch["pixels"].buffers()
        flat = np.frombuffer(
            pixels,
            dtype=batch["dtype"][at].as_py(),
            count=int(np.prod(shape)),
            offset=int(np.frombuffer(offsets, dtype=np.int64)[at]),
        )
        one_channel = not self._volumes and shape[-1] == 1
        return flat.reshape(shape[:-1] if one_channel else shape)

    def _locate(self, row: int) -> tuple[Any, int]:
        batch = bisect.bisect_right(self._ends, row)
        return self._batches[batch], row - (self._ends[batch] - self._batches[batch].num_rows)
