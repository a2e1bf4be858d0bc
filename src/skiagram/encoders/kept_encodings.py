"""What an encoder made of images in earlier runs, and what it makes now, in the store of pieces.

Rows lie in tables, one for what some seconds brought: an added image adds one row, ten thousand
rows are few files, and parallel runs add tables without a lock.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from skiagram.arrays import Singles
from skiagram.compute.pieces import DIGITS, PieceStore
from skiagram.image_store.shards import DIGEST_BYTES

KIND = "encodings"  # of the pieces
_KEYS, _ROWS = "digests.bin", "rows.npy"
_KEY = np.dtype((np.void, DIGEST_BYTES))
_SECONDS = 10.0  # between two tables: a run that is killed loses the rows of so many


class KeptEncodings:
    """Rows of numbers that one encoder made, each by the digest of its image or place.

    Args:
        store: Where they are kept; None to keep none.
        identity: All that a row depends on besides its image.
    """

    def __init__(self, store: PieceStore | None, identity: str) -> None:
        self._store = store
        self._name = f"{KIND}-{hashlib.sha256(identity.encode()).hexdigest()[:DIGITS]}"
        self._waiting: dict[bytes, Singles] = {}
        self._since = perf_counter()

    def find(self, digests: Collection[bytes]) -> dict[bytes, Singles]:
        """Find the rows that earlier runs kept.

        Args:
            digests: Of the images or places.

        Returns:
            Digest → row, of those that have one.
        """
        # Only the rows that are asked for are taken from each table.
        unique_digests = set(digests)
        found: dict[bytes, Singles] = {}
        for table in [] if self._store is None else self._store.parts(self._name):
            with suppress(OSError, ValueError, IndexError):  # of one that was removed meanwhile
                keys: list[bytes] = np.frombuffer((table / _KEYS).read_bytes(), _KEY).tolist()
                values = np.load(table / _ROWS, mmap_mode="r", allow_pickle=False)
                for row, key in enumerate(keys):
                    if key in unique_digests:
                        found[key] = np.array(values[row])
        return found

    @contextmanager
    def adding(self) -> Iterator[None]:
        """Keep at the end, whatever ends it, the rows that wait."""
        self._since = perf_counter()
        try:
            yield
        finally:
            self._keep_waiting()

    def add(self, rows: Mapping[bytes, Singles]) -> None:
        """Have rows kept within seconds, or when `adding` ends.

        Args:
            rows: Digest → row.
        """
        self._waiting.update(rows)
        if perf_counter() - self._since > _SECONDS:
            self._keep_waiting()

    def _keep_waiting(self) -> None:
        """Write what waits as a table, one for each width of rows."""
        # Each table is a piece of its own, so that parallel runs need no lock.
        waiting, self._waiting, self._since = self._waiting, {}, perf_counter()
        if self._store is None:
            return
        for width in {len(row) for row in waiting.values()}:
            keys = [key for key, row in waiting.items() if len(row) == width]
            values = np.stack([waiting[key] for key in keys])
            name = f"{self._name}-{hashlib.sha256(b''.join(keys)).hexdigest()[: DIGITS // 2]}"
            self._store.keep(name, partial(_write_table, keys, values))


def _write_table(keys: Sequence[bytes], values: Singles, folder: Path) -> None:
    """Write keys and rows side by side, in one order of bytes on every machine."""
    (folder / _KEYS).write_bytes(b"".join(keys))
    np.save(folder / _ROWS, values.astype("<f4"), allow_pickle=False)
