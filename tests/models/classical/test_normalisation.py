"""Each normalisation does what its definition says and survives constant columns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from skiagram.models.classical.normalisation import MaximumThenSumScaler, Normalisation, scaler
from tests.models.classical.families import NORMALISATIONS

Values = NDArray[np.float64]
VALUES: Values = np.random.default_rng(0).gamma(2, 50, size=(200, 3))
TABLES = arrays(np.float32, (9, 2), elements=st.floats(-(2.0**60), 2.0**60, width=32))


def normalised(normalisation: Normalisation, values: Values) -> Values:
    """Fit and apply."""
    result: Values = scaler(normalisation).fit(values).transform(values)
    return result


def test_definitions() -> None:
    standard = (VALUES - VALUES.mean(0)) / VALUES.std(0)
    np.testing.assert_allclose(normalised("standard", VALUES), standard)
    span = (VALUES - VALUES.min(0)) / (VALUES.max(0) - VALUES.min(0))
    np.testing.assert_allclose(normalised("min_max", VALUES), span, atol=1e-12)
    low, middle, high = np.percentile(VALUES, [25, 50, 75], axis=0)
    np.testing.assert_allclose(normalised("robust", VALUES), (VALUES - middle) / (high - low))
    by_maximum = VALUES / VALUES.max(axis=0)
    by_sum = by_maximum / by_maximum.sum(axis=0)
    np.testing.assert_allclose(normalised("maximum_then_sum", VALUES), by_sum)
    assert scaler("none") == "passthrough"


@pytest.mark.parametrize("normalisation", [one for one in NORMALISATIONS if one != "none"])
@settings(deadline=None, max_examples=25)
@given(table=TABLES, constant=st.floats(-(2.0**60), 2.0**60, width=32))
def test_any_table_stays_finite_and_a_constant_column_constant(
    normalisation: Normalisation, table: NDArray[np.float32], constant: float
) -> None:
    values = np.hstack([table, np.full((len(table), 1), constant)]).astype(np.float64)
    result = normalised(normalisation, values)
    assert np.isfinite(result).all()
    assert np.ptp(result[:, 2]) == 0


@settings(deadline=None, max_examples=25)
@given(TABLES)
def test_the_articles_own_gives_columns_of_unit_norm_and_keeps_signs(
    table: NDArray[np.float32],
) -> None:
    values = table.astype(np.float64)
    result = normalised("maximum_then_sum", values)
    norm = np.abs(result).sum(axis=0)
    np.testing.assert_allclose(norm, np.where(np.abs(values).max(axis=0) > 0, 1, 0), atol=1e-9)
    assert (np.sign(result) * np.sign(values) >= 0).all()


def test_new_rows_are_scaled_by_what_the_training_rows_taught() -> None:
    fitted = MaximumThenSumScaler().fit(np.array([[1.0, -2.0], [3.0, 2.0]]))
    np.testing.assert_allclose(fitted.transform(np.array([[8.0, 8.0]])), [[2.0, 2.0]])
