"""The table beside the LIDC-IDRI nodules, checked against the images."""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError

_NEEDED = (
    *("nodule_id", "patient_id", "series_uid", "malignancy", "pixel_spacing_mm"),
    *("equiv_diameter", "rescale_intercept", "rescale_slope", "slice_thickness"),
    "manufacturer",
)


def read_nodules(images: Path, table: Path) -> tuple[NDArray[np.int16], pd.DataFrame]:
    """Read images and table; what is known of a series' scanner holds for all its nodules.

    Args:
        images: `.npz` with `images` (n, height, width) int16 and `nodule_id` (n,).
        table: CSV, a row a nodule in the same order.

    Raises:
        DataError: A file is damaged, a column is missing, or the two do not belong together.
    """
    try:
        with np.load(images, allow_pickle=False) as archive:
            pixels, nodule = archive["images"], archive["nodule_id"]
        rows = pd.read_csv(table)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(
            f"cannot be read ({error})", where=f"{images.name}, {table.name}",
            remedy="replace the files; both must be whole",
        ) from error  # fmt: skip
    missing = [name for name in _NEEDED if name not in rows]
    if missing:
        raise DataError(f"no column `{missing[0]}`", where=table.name, allowed=", ".join(_NEEDED))
    if pixels.ndim != 3 or rows["nodule_id"].tolist() != nodule.tolist():
        raise DataError(
            f"{len(rows)} rows that are not the {len(nodule)} nodules of {images.name}",
            where=table.name,
            allowed="a row a nodule, in the order of the images",
        )
    scanner = ["rescale_intercept", "rescale_slope", "slice_thickness", "manufacturer"]
    rows[scanner] = rows.groupby("series_uid", sort=False)[scanner].transform("first")
    return pixels, rows
