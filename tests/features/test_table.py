"""The feature table: rows by case, columns by name, file form."""

from pathlib import Path

import numpy as np
import pytest

from skiagram.errors import DataError
from skiagram.features.table import FeatureTable

TABLE = FeatureTable(
    np.array(["b", "a", "c"]),
    ("width", "height"),
    np.array([[1, 2], [3, np.nan], [5, 6]], dtype=np.float32),
)


def test_table_survives_its_file(tmp_path: Path) -> None:
    TABLE.write(tmp_path / "features.parquet")
    read = FeatureTable.read(tmp_path / "features.parquet")
    assert read.names == TABLE.names
    assert read.values.dtype == np.float32
    assert read.case_id.tolist() == ["b", "a", "c"]
    np.testing.assert_array_equal(read.values, TABLE.values)


def test_rows_are_found_by_case() -> None:
    chosen = TABLE.of(np.array(["c", "b"]))
    assert chosen.case_id.tolist() == ["c", "b"]
    np.testing.assert_array_equal(chosen.values, TABLE.values[[2, 0]])
    with pytest.raises(DataError, match=r"d: 1 cases without features"):
        TABLE.of(np.array(["a", "d"]))


def test_columns_are_chosen_by_name_in_the_order_asked_for() -> None:
    chosen = TABLE.columns(("height", "width"))
    assert chosen.names == ("height", "width")
    np.testing.assert_array_equal(chosen.values, TABLE.values[:, ::-1])
    with pytest.raises(DataError, match=r"no feature `age`.*extract the feature sets"):
        TABLE.columns(("age",))
