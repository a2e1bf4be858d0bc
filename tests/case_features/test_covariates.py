"""Covariates become columns; what is missing stays missing."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skiagram.case_features.covariates import (
    MIN_PATIENTS,
    Covariates,
    Site,
    development_patients,
    tabulate_covariates,
)
from skiagram.errors import OptionError
from skiagram.preparation import Covariate
from skiagram.tasks.cases import SEALED, Cases

TABLE = pd.DataFrame(
    {
        "case_id": ["a", "b", "c"],
        "age": [61.0, np.nan, 47.0],
        "side": ["right", "left", None],
        "images": [1, 2, 3],
    }
)


def encoded(columns):
    table = Covariates(columns=columns, least_patients=1).encode(TABLE)
    assert table.case_id.tolist() == ["a", "b", "c"]
    return dict(zip(table.names, table.values.T, strict=True))  # noqa: PD011


def test_null_takes_every_number_and_no_text():
    columns = encoded(None)
    assert list(columns) == ["covariates_age", "covariates_images"]
    assert_array_equal(columns["covariates_age"], np.array([61, np.nan, 47], np.float32))
    assert columns["covariates_images"].dtype == np.float32


def test_a_text_is_a_column_a_category_as_pandas_makes_them():
    columns = encoded(("side", "age"))
    expected = pd.get_dummies(TABLE["side"], prefix="covariates_side", dtype="float32")
    assert list(columns) == [*expected.columns, "covariates_age"]
    for name in expected.columns.tolist():
        assert_array_equal(columns[name], expected[name])
    assert columns["covariates_side_left"][2] == columns["covariates_side_right"][2] == 0


@pytest.mark.parametrize(
    ("columns", "table", "message"),
    [
        (("sex",), TABLE, "no covariate `sex`. Allowed: age, side, images"),
        (None, TABLE[["case_id"]], "no covariate is chosen. Allowed: none: the data set has no"),
        ((), TABLE, "no covariate is chosen"),
        (("side",), TABLE, "no text that 5 patients for training share"),
    ],
)
def test_what_the_data_set_lacks_is_named(columns, table, message):
    with pytest.raises(OptionError, match=message):
        Covariates(columns=columns).encode(table)


def views(*counts):
    """Return a table with so many cases of each text, and a number that tells cases apart."""
    view = [text for text, count in counts for _ in range(count)]
    names = [f"case-{at:02d}" for at in range(len(view))]
    return pd.DataFrame({"case_id": names, "view": view, "age": np.arange(len(view)) / 7})


def test_a_text_of_few_patients_is_no_category_and_counts_as_none():
    table = views(("CC", MIN_PATIENTS), ("MLO", MIN_PATIENTS - 1), (None, 2))
    chosen = Covariates(columns=("view", "age"))
    low, high = np.quantile(table["age"], (0.01, 0.99)).tolist()
    age = Covariate("age", None, usual=(low, high))
    assert chosen.describe(table) == (Covariate("view", ("CC",)), age)
    found = chosen.encode(table)
    assert found.names == ("covariates_view_CC", "covariates_age")
    assert found.values[:, 0].tolist() == [1] * MIN_PATIENTS + [0] * (MIN_PATIENTS + 1)  # noqa: PD011
    assert_array_equal(found.values[:, 1], table["age"].to_numpy(np.float32))  # noqa: PD011


def test_only_patients_of_development_cases_count_and_each_once():
    table = views(("one woman", 9), ("shared", 6), ("sealed", 9))
    split = np.repeat(["train", "validation", "test"], [9, 6, 9])
    patient = np.array(["a"] * 9 + list("bcdefg") + [f"t{at}" for at in range(9)])
    label = np.where(split == "test", SEALED, 0)
    cases = Cases(table["case_id"].to_numpy(str), patient, split, label)
    known = Covariates(columns=("view",)).describe(table, development_patients(cases))
    assert known == (Covariate("view", ("shared",)),)


def test_a_site_is_a_column_a_site_also_where_numbers_name_it():
    table = pd.DataFrame({"case_id": list("abcd"), "site": [3.0, 12.0, 3.0, np.nan]})
    family = Site(columns=("site",), least_patients=1)
    encoded_table = family.encode(table)
    assert encoded_table.names == ("site_site_12", "site_site_3")
    assert_array_equal(encoded_table.values, [[0, 1], [1, 0], [0, 1], [0, 0]])
    assert family.describe(table) == (Covariate("site", ("12", "3"), "site_"),)


def test_sites_of_long_numbers_are_told_apart():
    family = Site(columns=("site",), least_patients=1)
    for numbers in ([1234567, 1234568], [1234567.0, 1234568.0], [0.12345678, 0.12345679]):
        table = pd.DataFrame({"case_id": list("abc"), "site": [*numbers, numbers[0]]})
        encoded = family.encode(table)
        texts = [f"{number:.8f}".rstrip("0").rstrip(".") for number in numbers]
        assert encoded.names == tuple(f"site_site_{text}" for text in texts)
        assert_array_equal(encoded.values, [[1, 0], [0, 1], [1, 0]])
    with pytest.raises(ValueError, match="one column"):
        Site(columns=None)


def test_other_cases_get_the_columns_of_those_in_training():
    """Their cells are texts: an empty one is unknown, and a text of no category counts as none."""
    known = (Covariate("age", None), Covariate("side", ("left", "right")))
    cells = {"case_id": ["a", "b"], "age": ["40.1", ""], "side": ["right", "middle"]}
    table = tabulate_covariates(pd.DataFrame(cells), known)
    assert table.names == ("covariates_age", "covariates_side_left", "covariates_side_right")
    expected = np.array([[40.1, 0, 1], [np.nan, 0, 0]], np.float32)
    assert_array_equal(table.values, expected)
    assert tabulate_covariates(pd.DataFrame(cells), ()).names == ()
