"""The feature table: a row a case, a float32 column a named feature."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.features.batch import Batch
from skiagram.features.contract import FeatureFamily
from skiagram.features.covariates import Covariates
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
        values: (n, n_features) float32; finite, but NaN where a covariate is missing.
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

    def columns(self, names: Sequence[str]) -> "FeatureTable":
        """Return the named features, in the given order.

        Raises:
            DataError: A feature is not in the table.
        """
        position = {name: at for at, name in enumerate(self.names)}
        missing = [name for name in names if name not in position]
        if missing:
            raise DataError(
                f"no feature `{missing[0]}`",
                where="features",
                remedy="extract the feature sets that the model was trained on",
            )
        values = self.values[:, [position[name] for name in names]]
        return FeatureTable(self.case_id, tuple(names), values)

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


def extract(
    store: ImageStore,
    families: Sequence[FeatureFamily | Covariates],
    covariates: pd.DataFrame | None = None,
) -> FeatureTable:
    """Compute the features of all images of a store, and put chosen covariates beside them.

    Args:
        store: Restored images.
        families: Chosen families; the covariates' columns come last.
        covariates: Column `case_id` and what else is known of each case; None for nothing.

    Raises:
        DataError: Two families share a name, or a feature of an image is not finite; names the
            case.
        OptionError: A covariate is chosen that the data set lacks.
    """
    of_images = [family for family in families if not isinstance(family, Covariates)]
    table = _of_images(store, of_images)
    known = pd.DataFrame({"case_id": table.case_id})
    if covariates is not None:
        known = known.merge(covariates, on="case_id", how="left", validate="one_to_one")
    columns = [family.encode(known) for family in families if isinstance(family, Covariates)]
    names = (*table.names, *(name for part in columns for name in part))
    if len(set(names)) != len(names):
        raise DataError("two feature families share a name", where="features")
    beside = [values[:, None] for part in columns for values in part.values()]
    values = np.hstack([table.values, *beside])  # noqa: PD011
    return FeatureTable(table.case_id, names, values)


def _of_images(store: ImageStore, families: Sequence[FeatureFamily]) -> FeatureTable:
    if not families:
        return FeatureTable(np.array(store.case_ids), (), np.empty((len(store), 0), np.float32))
    names = tuple(name for family in families for name in family.names())
    case_ids: list[str] = []
    values: list[NDArray[np.float32]] = []
    for batch_ids, batch in _batches(store):
        features = np.hstack([family.extract(batch) for family in families])
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


def _batches(store: ImageStore) -> Iterator[tuple[list[str], Batch]]:
    ids: list[str] = []
    images: list[Image] = []
    most = 1
    for case_id, image in store:
        if images and (image.shape != images[0].shape or len(images) >= most):
            yield ids, _stack(store, ids, images)
            ids, images = [], []
        most = min(_BATCH_IMAGES, _BATCH_PIXELS // image.size)
        ids.append(case_id)
        images.append(image)
    if images:
        yield ids, _stack(store, ids, images)


def _stack(store: ImageStore, ids: list[str], images: list[Image]) -> Batch:
    stacked = np.stack(images).astype(np.float32)
    bad = ~np.isfinite(stacked.reshape(len(ids), -1)).all(axis=1)
    if bad.any():
        raise DataError(
            "missing pixels",
            where=ids[int(np.argmax(bad))],
            remedy="choose a restoration that fills missing values",
        )
    unknown = (np.nan, np.nan)
    spacing = np.array([store.spacing(case_id) or unknown for case_id in ids])
    return Batch(stacked, spacing=spacing)
