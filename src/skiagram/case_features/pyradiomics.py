"""PyRadiomics' names of features, beside those of the IBSI, and the table under them.

Van Griethuysen et al., Cancer Research 77(21), 2017. The names stand for the same formulas;
PyRadiomics' own values differ where it prepares images otherwise: bins of a width begin at a
multiple of it, not at the region's minimum, and NGTDM counts voxels without a neighbour
(`isolated: true` in its config).
"""

import re
from collections.abc import Sequence

import pandas as pd

from skiagram.features.feature import AXIS_LENGTHS, KURTOSIS, Definition, find_definition
from skiagram.records.feature_table import FeatureTable


def pyradiomics_table(
    table: FeatureTable, definitions: Sequence[Definition], modalities: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the columns of a table that PyRadiomics has too, under its names.

    Its lengths of axes are left out: they differ by the number of a region's voxels, which no table
    has. `original_` stands before features of the image, the filter's name before those of a
    filter, and before both the modality where cases have several images. Kurtosis is raised by 3. A
    feature at several distances keeps the distance at its end.

    Args:
        modalities: Images of each case; empty where it has one.

    Returns:
        Column `case_id` and one a feature.
    """
    columns: dict[str, object] = {"case_id": table.case_id}
    for name, values in zip(table.names, table.values.T, strict=True):  # noqa: PD011
        modality, _, rest = name.partition(".")
        feature, before = (rest, f"{modality}_") if modality in modalities else (name, "")
        definition = find_definition(feature, definitions)
        theirs = definition.pyradiomics if definition else ""
        if theirs and theirs not in AXIS_LENGTHS:
            filtered = feature.rpartition(".")[0] or "original"
            distance = re.search(r"_distance_(\d+)_", feature)
            end = f"_distance_{distance[1]}" if distance else ""
            raised = values + 3 if theirs == KURTOSIS else values
            columns[f"{before}{filtered}_{theirs}{end}"] = raised
    return pd.DataFrame(columns)
