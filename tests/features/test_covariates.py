"""Covariates become columns; what is missing stays missing."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from skiagram.errors import OptionError
from skiagram.features.covariates import Covariates

TABLE = pd.DataFrame(
    {
        "case_id": ["a", "b", "c"],
        "age": [61.0, np.nan, 47.0],
        "side": ["right", "left", None],
        "images": [1, 2, 3],
    }
)


def encoded(columns: tuple[str, ...] | None) -> dict[str, NDArray[np.float32]]:
    table = Covariates(columns=columns).encode(TABLE)
    assert table.case_id.tolist() == ["a", "b", "c"]
    return dict(zip(table.names, table.values.T, strict=True))  # noqa: PD011


def test_null_takes_every_number_and_no_text() -> None:
    columns = encoded(None)
    assert list(columns) == ["covariates_age", "covariates_images"]
    np.testing.assert_array_equal(columns["covariates_age"], np.array([61, np.nan, 47], np.float32))
    assert columns["covariates_images"].dtype == np.float32


def test_a_text_is_a_column_a_category_as_pandas_makes_them() -> None:
    columns = encoded(("side", "age"))
    expected = pd.get_dummies(TABLE["side"], prefix="covariates_side", dtype="float32")
    assert list(columns) == [*expected.columns, "covariates_age"]
    for name in expected.columns.tolist():
        np.testing.assert_array_equal(columns[name], expected[name])
    assert columns["covariates_side_left"][2] == columns["covariates_side_right"][2] == 0


@pytest.mark.parametrize(
    ("columns", "table", "message"),
    [
        (("sex",), TABLE, "no covariate `sex`. Allowed: age, side, images"),
        (None, TABLE[["case_id"]], "no covariate is chosen. Allowed: none: the data set has no"),
        ((), TABLE, "no covariate is chosen"),
    ],
)
def test_what_the_data_set_lacks_is_named(
    columns: tuple[str, ...] | None, table: pd.DataFrame, message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        Covariates(columns=columns).encode(table)
