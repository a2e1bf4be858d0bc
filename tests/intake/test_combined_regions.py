"""Regions of a patient become one case, with the values that pandas has of its groups."""

import numpy as np
import pandas as pd
import pytest

from skiagram.errors import DataError
from skiagram.intake.combined_regions import (
    combine_regions,
    has_combination,
    has_several,
    originals_of,
)
from skiagram.tables.frames import read_table

FEATURES = ["volume", "entropy"]


def table():
    generator = np.random.default_rng(3)
    patient = np.repeat([f"P{at}" for at in range(20)], generator.integers(1, 6, 20))
    return pd.DataFrame(
        {
            "patient": patient,
            "stage": [f"s{int(name[1:]) % 3}" for name in patient],
            "roi": [f"lesion {at}" for at in range(len(patient))],
            "volume": generator.lognormal(3, 1, len(patient)).round(2),
            "entropy": generator.normal(size=len(patient)).round(3),
        }
    )


def rows_of(frame):
    return read_table(frame.to_csv(index=False).encode())


def test_sums_means_highest_and_the_largest_are_those_of_pandas():
    frame = table()
    rows, names = combine_regions(rows_of(frame), "patient", FEATURES, ["stage"], "volume")
    groups = frame.groupby("patient", sort=False)
    assert rows["patient"].tolist() == [*groups.groups]
    assert names[0] == "regions"
    assert "roi" not in rows
    assert rows["regions"].tolist() == groups.size().tolist()
    largest = frame.loc[groups["volume"].idxmax()]
    for name in FEATURES:
        expected = {
            f"sum_{name}": groups[name].sum(),
            f"mean_{name}": groups[name].mean(),
            f"highest_{name}": groups[name].max(),
            f"largest_{name}": largest[name],
        }
        for column, values in expected.items():
            got = rows[column].tolist()
            assert got == pytest.approx(values.tolist(), rel=1e-12)
    assert originals_of(names) == FEATURES


def test_an_empty_cell_is_left_out_and_without_a_volume_none_is_the_largest():
    frame = table()
    frame.loc[0, "entropy"] = None
    rows, names = combine_regions(rows_of(frame), "patient", FEATURES, [], None)
    known = frame.loc[frame["patient"] == "P0", "entropy"]
    expected = known.mean() if known.notna().any() else None
    cell = rows["mean_entropy"].iloc[0]
    assert cell == "" if expected is None else float(cell) == pytest.approx(expected)
    assert has_combination(names, "mean")
    assert not has_combination(names, "largest")


def test_rows_of_a_patient_that_differ_are_refused_by_their_lines():
    frame = table()
    frame.loc[frame.index[frame["patient"].duplicated()][0], "stage"] = "another"
    rows = rows_of(frame)
    assert has_several(rows, "patient", [])
    assert not has_several(rows, "patient", ["stage"])
    with pytest.raises(DataError, match=r"column `stage`, first in lines \d+ and \d+"):
        combine_regions(rows, "patient", FEATURES, ["stage"], "volume")
