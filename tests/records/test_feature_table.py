"""The feature table: rows by case, columns by name, file form."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skiagram.errors import DataError
from skiagram.records.feature_table import FeatureTable, has_prefix

TABLE = FeatureTable(
    np.array(["b", "a", "c"]),
    ("width", "height"),
    np.array([[1, 2], [3, np.nan], [5, 6]], dtype=np.float32),
)


def test_table_survives_its_file(tmp_path):
    TABLE.write(tmp_path / "features.parquet")
    read = FeatureTable.read(tmp_path / "features.parquet")
    assert read.names == TABLE.names
    assert read.values.dtype == np.float32
    assert read.case_id.tolist() == ["b", "a", "c"]
    assert_array_equal(read.values, TABLE.values)


def test_rows_are_found_by_case():
    chosen = TABLE.of(np.array(["c", "b"]))
    assert chosen.case_id.tolist() == ["c", "b"]
    assert_array_equal(chosen.values, TABLE.values[[2, 0]])
    with pytest.raises(DataError, match=r"d: 1 cases have no features"):
        TABLE.of(np.array(["a", "d"]))


def test_columns_are_chosen_by_name_in_the_order_asked_for():
    chosen = TABLE.columns(("height", "width"))
    assert chosen.names == ("height", "width")
    assert_array_equal(chosen.values, TABLE.values[:, ::-1])
    with pytest.raises(DataError, match=r"no feature `age`.*extract the feature families"):
        TABLE.columns(("age",))


@pytest.mark.parametrize(
    ("column", "prefix", "expected"),
    [
        ("glcm_distance_1_contrast", "glcm", True),
        ("glcm_distance_1_contrast", "glcm_distance_1", True),
        ("glcm_distance_16_contrast", "glcm_distance_1", False),
        ("gldzm_zone_percentage", "gl", False),
        ("glcm_contrast", "glcm_contrast", True),
        ("glcm_contrast", "glcm_", False),
    ],
)
def test_a_prefix_is_of_whole_words(column, prefix, expected):
    assert has_prefix(column, prefix) == expected
