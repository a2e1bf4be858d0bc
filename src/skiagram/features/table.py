"""The feature table: a row a case, a float32 column a named feature."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.features.contract import FeatureFamily
from skiagram.records import read_table, write_table
from skiagram.store import Image, ImageStore

_BATCH_IMAGES = 256
_BATCH_PIXELS = 2**16  # intermediates of a batch then stay in a processor's cache


@dataclass(frozen=True)
class FeatureTable:
    """Named features of some cases.

    Attributes:
        case_id: (n,) str.
        names: Feature names in column order.
        values: (n, n_features) float32, finite.
    """

    case_id: NDArray[np.str_]
    names: tuple[str, ...]
    values: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.case_id)

    def select(self, rows: NDArray[np.int64]) -> "FeatureTable":
        """Return the given rows, in the given order."""
        return FeatureTable(self.case_id[rows], self.names, self.values[rows])

    def of(self, case_id: NDArray[np.str_]) -> "FeatureTable":
        """Return the rows of the given cases.

        Raises:
            DataError: A case has no features.
        """
        position = {name: at for at, name in enumerate(self.case_id.tolist())}
        missing = [name for name in case_id.tolist() if name not in position]
        if missing:
            raise DataError(f"{len(missing)} cases without features", where=missing[0])
        return self.select(np.array([position[name] for name in case_id.tolist()], dtype=np.int64))

    def write(self, path: Path) -> None:
        """Write the table as Parquet."""
        columns = pd.DataFrame(self.values, columns=list(self.names))
        columns.insert(0, "case_id", self.case_id)
        write_table(columns, path)

    @classmethod
    def read(cls, path: Path) -> "FeatureTable":
        """Read a table written by `write`."""
        table = read_table(path)
        names = tuple(table.columns[1:])
        values = table[list(names)].to_numpy(dtype=np.float32)
        return cls(table["case_id"].to_numpy(dtype=str), names, values)


def extract(store: ImageStore, families: Sequence[FeatureFamily]) -> FeatureTable:
    """Compute the features of all images of a store, a batch of equal sizes at a time.

    Raises:
        DataError: Two families share a name, or a feature is not finite; names the case.
    """
    names = tuple(name for family in families for name in family.names())
    if len(set(names)) != len(names):
        raise DataError("two feature families share a name", where="features")
    case_ids: list[str] = []
    values: list[NDArray[np.float32]] = []
    for batch_ids, images in _batches(store):
        features = np.hstack([family.extract(images) for family in families])
        with np.errstate(over="ignore"):  # an infinite feature is named below
            block = features.astype(np.float32)
        bad = ~np.isfinite(block)
        if bad.any():
            row, column = (int(at[0]) for at in np.nonzero(bad))
            raise DataError(
                f"feature `{names[column]}` is {block[row, column]}", where=batch_ids[row]
            )
        case_ids += batch_ids
        values.append(block)
    return FeatureTable(np.array(case_ids), names, np.vstack(values))


def _batches(store: ImageStore) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    ids: list[str] = []
    images: list[Image] = []
    most = 1
    for case_id, image in store:
        if images and (image.shape != images[0].shape or len(images) >= most):
            yield ids, _stack(ids, images)
            ids, images = [], []
        most = min(_BATCH_IMAGES, _BATCH_PIXELS // image.size)
        ids.append(case_id)
        images.append(image)
    if images:
        yield ids, _stack(ids, images)


def _stack(ids: list[str], images: list[Image]) -> NDArray[np.float32]:
    stacked = np.stack(images).astype(np.float32)
    bad = ~np.isfinite(stacked.reshape(len(ids), -1)).all(axis=1)
    if bad.any():
        raise DataError(
            "missing pixels",
            where=ids[int(np.argmax(bad))],
            remedy="choose a restoration that fills missing values",
        )
    return stacked
