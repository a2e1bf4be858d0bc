"""Tables of places in images: lesions, candidates or marks."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Whole

PLACES = {"case_id": "str", "slice": "float64", "row": "float64", "column": "float64"}
PLACES |= {"radius": "float64"}
MARKS = "marks.parquet"
IDEAL_MARKS = "ideal_marks.parquet"  # of generated data; sealed


def tabulate_places(rows: Sequence[tuple[str, Sequence[float], float]]) -> pd.DataFrame:
    """Return a table of places: lesions, candidates or marks; it has its columns without any, too.

    Columns: `case_id`; `slice` (NaN in plane images), `row` and `column` of the centre in pixels of
    the image as ingest stores it; `radius` in mm, in pixels where the spacing is unknown.

    Args:
        rows: Case, [slice,] row and column, and radius of each place.
    """
    filled = [
        (case, *[np.nan] * (3 - len(centre)), *centre, radius) for case, centre, radius in rows
    ]
    return pd.DataFrame(filled, columns=list(PLACES)).astype(PLACES)


def coordinates(places: pd.DataFrame) -> Floats:
    """Return (n, 3) slice (NaN in plane images), row and column of a table of places."""
    return places[["slice", "row", "column"]].to_numpy(dtype=np.float64)


def of_cases(places: pd.DataFrame) -> dict[str, Whole]:
    """Find case → (m,) its rows in a table of places, in their order."""
    grouped = places.groupby("case_id", sort=False).indices
    return {str(case): np.asarray(rows, dtype=np.int64) for case, rows in grouped.items()}
