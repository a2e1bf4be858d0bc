"""Each normalisation does what its definition says and survives constant columns."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.feature_selection import mutual_info_classif
from sklearn.metrics import roc_auc_score

from skiagram.fitting.contract import FitContext
from skiagram.models.classical.preprocessing import (
    ColumnSelector,
    scaler,
)
from tests.models.classical.families import cohort, model

VALUES = np.random.default_rng(0).gamma(2, 50, size=(200, 3))
TABLES = arrays(np.float32, (9, 2), elements=st.floats(-(2.0**60), 2.0**60, width=32))


def normalised(normalisation, values):
    return scaler(normalisation).fit(values).transform(values)


def test_definitions():
    standard = (VALUES - VALUES.mean(0)) / VALUES.std(0)
    assert_allclose(normalised("standard", VALUES), standard)
    span = (VALUES - VALUES.min(0)) / (VALUES.max(0) - VALUES.min(0))
    assert_allclose(normalised("min_max", VALUES), span, atol=1e-12)
    low, middle, high = np.percentile(VALUES, [25, 50, 75], axis=0)
    assert_allclose(normalised("robust", VALUES), (VALUES - middle) / (high - low))
    by_maximum = VALUES / VALUES.max(axis=0)
    by_sum = by_maximum / by_maximum.sum(axis=0)
    assert_allclose(normalised("maximum_then_sum", VALUES), by_sum)
    assert scaler("none") == "passthrough"


@pytest.mark.parametrize("normalisation", ["standard", "min_max", "robust", "maximum_then_sum"])
@given(table=TABLES, constant=st.floats(-(2.0**60), 2.0**60, width=32))
def test_any_table_stays_finite_and_a_constant_column_constant(normalisation, table, constant):
    values = np.hstack([table, np.full((len(table), 1), constant)]).astype(np.float64)
    result = normalised(normalisation, values)
    assert np.isfinite(result).all()
    assert np.ptp(result[:, 2]) == 0


METHODS = ("variance", "auc", "mutual_information", "mrmr", "l1", "recursive")


def planted(classes=2):
    """Return values whose columns 2 and 5 tell the class; 6 is 2 again with a little noise."""
    generator = np.random.default_rng(0)
    label = np.arange(150) % classes
    values = generator.normal(size=(150, 8))
    values[:, 2] += 3 * label
    values[:, 5] -= 2 * label
    values[:, 6] = values[:, 2] + 0.01 * values[:, 6]
    return values, label


@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize("classes", [2, 3])
def test_columns_that_tell_the_class_are_kept(method, classes):
    values, label = planted(classes)
    chosen = ColumnSelector(method, 3, 0).fit(values, label).chosen_
    assert chosen.sum() == 3
    assert chosen[2] or chosen[6]
    one_hot = np.eye(classes)[label]
    again = ColumnSelector(method, 3, 0).fit(values, one_hot)
    assert_array_equal(again.chosen_, chosen)
    assert_array_equal(again.transform(values), values[:, chosen])


def test_least_redundancy_prefers_the_second_witness_to_the_copy():
    values, label = planted()
    chosen = np.flatnonzero(ColumnSelector("mrmr", 2, 0).fit(values, label).chosen_)
    assert chosen.tolist() in ([2, 5], [5, 6])
    alike = np.flatnonzero(ColumnSelector("mutual_information", 2, 0).fit(values, label).chosen_)
    assert alike.tolist() == [2, 6]


def test_mutual_information_is_that_of_scikit_learn():
    values, label = planted()
    theirs = mutual_info_classif(values, label, random_state=4)
    chosen = ColumnSelector("mutual_information", 4, 4).fit(values, label).chosen_
    assert set(np.flatnonzero(chosen)) == set(np.argsort(-theirs)[:4])


def test_the_best_column_by_area_may_stand_either_way_up():
    values, label = planted()
    areas = [abs(roc_auc_score(label, column) - 0.5) for column in values.T]
    for turned in (values, -values):
        chosen = ColumnSelector("auc", 1, 0).fit(turned, label).chosen_
        assert np.flatnonzero(chosen).tolist() == [int(np.argmax(areas))]


@pytest.mark.parametrize("options", [{"selection": {"method": "l1", "keep": 2}}, {"components": 2}])
def test_what_is_scored_moves_nothing_that_was_learned(options):
    cases = cohort(2)
    fitted = model("svm", **options).fit(cases, FitContext(0))
    alone = fitted.scores(cases.inputs.select(np.array([0])))
    values = cases.inputs.values.copy()
    values[1:] *= 3
    others = fitted.scores(replace(cases.inputs, values=values))
    assert_allclose(others[0], alone[0], rtol=1e-12)
