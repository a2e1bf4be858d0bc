"""A table becomes numbers as the training cases alone say, and comes back from its folder."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from skiagram.errors import DataError, ModelFailure
from skiagram.features.table import FeatureTable
from skiagram.models.deep.inputs import TableEncoder

pytestmark = pytest.mark.slow

NAMES = ("covariates_age", "covariates_side_left", "covariates_side_right", "covariates_dose")


def table(rows: list[list[float]], names: tuple[str, ...] = NAMES) -> FeatureTable:
    values = np.array(rows, dtype=np.float32)
    return FeatureTable(np.array([f"c{at}" for at in range(len(rows))]), names, values)


KNOWN = table([[40, 1, 0, 1], [np.nan, 1, 0, 2], [60, 0, 0, 4], [80, 1, 0, 1]])


def test_equals_scikit_learns_steps_without_constant_columns() -> None:
    encoder = TableEncoder.fit(KNOWN, "network")
    filled = SimpleImputer(strategy="median", add_indicator=True).fit_transform(KNOWN.values)
    expected = StandardScaler().fit_transform(filled[:, [0, 1, 3, 4]])
    assert encoder.width == 4  # age, left, dose, and where age was missing
    np.testing.assert_allclose(encoder.encode(KNOWN).numpy(), expected, rtol=1e-6, atol=1e-6)


def test_a_category_that_training_never_saw_moves_nothing() -> None:
    encoder = TableEncoder.fit(KNOWN, "network")
    unknown, unseen = encoder.encode(table([[50, 0, 0, 1], [50, 0, 1, 1]])).numpy()
    np.testing.assert_array_equal(unseen, unknown)


def test_what_other_cases_hold_changes_no_encoding() -> None:
    encoder = TableEncoder.fit(KNOWN, "network")
    one, other = table([[50, 1, 0, 2], [7, 0, 1, 9]]), table([[50, 1, 0, 2], [np.nan, 1, 1, -3]])
    np.testing.assert_array_equal(encoder.encode(one)[0], encoder.encode(other)[0])


def test_further_columns_and_another_order_play_no_part_and_an_absent_one_is_named() -> None:
    encoder = TableEncoder.fit(KNOWN, "network")
    order = [3, 1, 0, 2]
    shuffled = FeatureTable(
        KNOWN.case_id,
        (*(NAMES[at] for at in order), "covariates_more"),
        np.column_stack([KNOWN.values[:, order], np.arange(4)]).astype(np.float32),
    )
    np.testing.assert_array_equal(encoder.encode(shuffled), encoder.encode(KNOWN))
    with pytest.raises(DataError, match="no feature `covariates_dose`"):
        encoder.encode(KNOWN.columns(NAMES[:3]))


def test_a_table_that_tells_no_case_from_another_is_refused() -> None:
    with pytest.raises(ModelFailure, match="no covariate differs between the training cases"):
        TableEncoder.fit(table([[1, 0, 0, np.nan]] * 5), "network")


def test_comes_back_from_its_folder_with_equal_bytes(tmp_path: Path) -> None:
    encoder = TableEncoder.fit(KNOWN, "network")
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        TableEncoder.fit(KNOWN, "network").save(tmp_path / name)
    files = [sorted((tmp_path / name).iterdir()) for name in ("one", "other")]
    assert [one.read_bytes() for one in files[0]] == [one.read_bytes() for one in files[1]]
    again = TableEncoder.load(tmp_path / "one")
    np.testing.assert_array_equal(again.encode(KNOWN), encoder.encode(KNOWN))
    (tmp_path / "one" / "table.skops").write_bytes(b"no archive")
    with pytest.raises(DataError, match="unreadable model"):
        TableEncoder.load(tmp_path / "one")
