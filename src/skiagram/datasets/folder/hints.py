"""What tells the label of a listed file without its pixels: place, name, format, other columns."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from skiagram.audit.contract import Traits
from skiagram.audit.traits import columns_of, format_of, sample
from skiagram.datasets.contract import Entry
from skiagram.datasets.folder.examination import Examination
from skiagram.records import Cases

_LAST_NUMBER = re.compile(r"(\d+)\D*$")


def hints(entries: Sequence[Entry], examined: Sequence[Examination], cases: Cases) -> Traits:
    """Collect what the audit's probes can be tried on before anything is ingested.

    Args:
        entries: The readable files, in the order of the table.
        examined: What they hold, in the same order.
        cases: The case table under file names, in the same order.
    """
    rows = sample(cases)
    formats = np.array([format_of(one.shape, one.depth) for one in examined])
    table = pd.DataFrame([dict(entry.covariates) for entry in entries])
    table.insert(0, "case_id", cases.case_id)
    return Traits(
        rows,
        {"file_order": _order([entry.name for entry in entries])[rows], "format": formats[rows]},
        columns_of(table, cases.case_id[rows].tolist()),
    )


def _order(names: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return (n, 3) place in the table, place among sorted names, last number of the name."""
    numbers = [_LAST_NUMBER.search(name) for name in names]
    place = np.unique(names, return_inverse=True)[1]
    last = [float(found[1]) if found else np.nan for found in numbers]
    return np.column_stack([np.arange(len(names)), place, last]).astype(np.float64)
