"""What is known of cases is read from the tables that ingest wrote, once for all callers."""

import numpy as np
import pandas as pd
import pytest

from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.covariates import Covariates
from skiagram.errors import DataError
from skiagram.features.first_order import FirstOrder
from skiagram.preparation import Covariate
from skiagram.records.files import write_table
from skiagram.tasks.cases import SEALED, Cases

CASE_ID = np.array(["a", "b", "c", "d"])


def write_tables(folder):
    """Two visits of a patient for training and of one whose labels are sealed."""
    split = np.array(["train", "train", "test", "test"])
    label = np.array([0, 1, SEALED, SEALED])
    Cases(CASE_ID, np.array(["p", "p", "q", "q"]), split, label).write(folder / "cases.parquet")
    known = pd.DataFrame({"case_id": CASE_ID, "age": [50.0, 51.0, 60.0, 61.0]})
    write_table(known, folder / "covariates.parquet")
    visits = pd.DataFrame({"case_id": CASE_ID, "visit": [1, 2, 2, 1], "region": 0})
    write_table(visits, folder / "visits.parquet")
    write_table(visits[["case_id"]], folder / "measured.parquet")


def test_patients_are_of_development_cases_and_visits_of_all(tmp_path):
    write_tables(tmp_path)
    histories = CaseHistories.read(tmp_path)
    assert histories.covariates["age"].tolist() == [50, 51, 60, 61]
    assert histories.patients == {"a": "p", "b": "p"}
    assert histories.previous == {"b": ("a",), "c": ("d",)}


def test_columns_that_families_choose_are_described_and_no_others(tmp_path):
    write_tables(tmp_path)
    histories = CaseHistories.read(tmp_path)
    families = [FirstOrder(region="whole"), Covariates(columns=("age",))]
    assert histories.describe(families) == [Covariate("age", None, usual=(50.01, 50.99))]
    assert histories.describe(families[:1]) == CaseHistories().describe(families) == []


def test_a_missing_table_is_named(tmp_path):
    write_tables(tmp_path)
    (tmp_path / "visits.parquet").unlink()
    with pytest.raises(DataError, match=r"visits\.parquet"):
        CaseHistories.read(tmp_path)
