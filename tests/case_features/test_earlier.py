"""A case is compared with the visit before, of the same patient and region."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.earlier import Earlier, previous_cases
from skiagram.case_features.extraction import extract
from skiagram.errors import OptionError
from skiagram.features.first_order import FirstOrder
from skiagram.records.feature_table import FeatureTable
from skiagram.tasks.cases import Cases
from tests.numbered_store import numbered

# patient, visit, region and brightness of each case, not in the order of visits
ROWS = {
    "a": ("p", 2, 0, 7.0),
    "b": ("q", 1, 0, 100.0),
    "c": ("p", 1, 0, 4.0),
    "d": ("p", 3, 0, 9.5),
    "e": ("p", 1, 1, 50.0),
    "f": ("q", 2, 0, 90.0),
    "g": ("q", 1, 0, 110.0),
    "h": ("p", 3, 1, 51.0),
}
CASE_ID = np.array(list(ROWS))
VISITS = pd.DataFrame(
    [(name, visit, region) for name, (_, visit, region, _) in ROWS.items()],
    columns=["case_id", "visit", "region"],
)
TABLE = FeatureTable(
    CASE_ID,
    ("first_order_mean", "acquisition_height", "PET.glcm_contrast"),
    np.array([[value, 5, 2 * value] for *_, value in ROWS.values()], np.float32),
)


OF_PATIENTS = np.array([patient for patient, *_ in ROWS.values()])
CASES = Cases(CASE_ID, OF_PATIENTS, np.full(8, "train"), np.zeros(8, int))
PREVIOUS = previous_cases(VISITS, CASES)


def test_the_visit_before_is_the_last_one_of_the_same_patient_and_region():
    assert PREVIOUS == {"a": ("c",), "d": ("a",), "f": ("b", "g"), "h": ("e",)}


def test_changes_are_since_the_visit_before_and_first_visits_are_marked():
    encoded = Earlier(columns=None).encode(TABLE, PREVIOUS)
    assert encoded.names == (
        "earlier_none",
        "earlier_first_order_mean",
        "earlier_PET_glcm_contrast",
    )
    none, mean, contrast = encoded.values.T  # noqa: PD011 - a table of features
    expected = {"a": 3.0, "d": 2.5, "f": 90.0 - 105.0, "h": 1.0}
    assert_array_equal(none, [name not in expected for name in ROWS])
    assert_array_equal(mean, [expected.get(name, 0.0) for name in ROWS])
    assert_array_equal(contrast, 2 * mean)


def test_later_visits_and_other_patients_change_nothing():
    """Every row that is no earlier image of a case may be anything."""
    plain = Earlier(columns=None).encode(TABLE, PREVIOUS)
    for row, name in enumerate(ROWS):
        needed = {name, *PREVIOUS.get(name, ())}
        values = TABLE.values.copy()  # noqa: PD011 - a table of features
        values[[other not in needed for other in ROWS]] = 1e6
        changed = FeatureTable(TABLE.case_id, TABLE.names, values)
        encoded = Earlier(columns=None).encode(changed, PREVIOUS)
        assert_array_equal(encoded.values[row], plain.values[row])  # noqa: PD011


def test_a_new_case_is_compared_with_images_given_beside_it():
    rows = np.flatnonzero(np.isin(CASE_ID, ["c", "b"]))
    encoded = Earlier(columns=("glcm",)).encode(
        TABLE.select(np.array([0, 5])), PREVIOUS, TABLE.select(rows)
    )
    assert_array_equal(encoded.values, [[0, 6.0], [0, -20.0]])


@pytest.mark.parametrize("columns", [("lbp",), ()])
def test_a_family_that_is_not_extracted_is_named(columns):
    with pytest.raises(OptionError, match="no feature of "):
        Earlier(columns=columns).encode(TABLE, PREVIOUS)


def test_data_without_visits_are_refused_with_the_remedy(tmp_path):
    store = numbered(tmp_path, [(5, 5)] * 3, 2**20)
    families = [FirstOrder(region="whole"), Earlier(columns=None)]
    previous = previous_cases(VISITS[["case_id"]], CASES)
    with pytest.raises(OptionError, match=r"no patient has an earlier image.*--visit"):
        extract(store, families, CaseHistories(previous=previous))
    names = store.case_ids
    table = extract(store, families, CaseHistories(previous={names[1]: (names[0],)}))
    mean = table.columns(["first_order_mean"]).values[:, 0]  # noqa: PD011
    change = table.columns(["earlier_first_order_mean"]).values[:, 0]  # noqa: PD011
    assert_array_equal(change, [0, mean[1] - mean[0], 0])
