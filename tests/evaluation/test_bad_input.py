"""Input that does not fit together is refused by name, never mended."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skiagram.errors import DataError
from tests.evaluation.scenario import evaluated, finished, scenario
from tests.yaml_rows import of_rows

KNOWN = scenario()


@of_rows(__file__)
def test_a_cell_that_is_no_score_or_no_case_is_named(part, column, value, said):
    model = finished(KNOWN, "svm")
    row = np.flatnonzero(model.table["part"] == part)[2]
    model.table.loc[row, column] = value
    with pytest.raises(DataError, match=f"scores of svm.*{said}"):
        evaluated(KNOWN, [model])


def without_case(case):
    model = finished(KNOWN, "svm")
    lost = (model.table["part"] == "out_of_fold") & (model.table["case_id"] == case)
    return [replace(model, table=model.table[~lost])]


SHORT = pd.DataFrame({"case_id": KNOWN.cases.case_id[:-1], "age": 60.0})
STRANGE = pd.DataFrame({"first": ["case-0000"], "second": ["case-9999"]})


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "models",
            without_case("case-0003"),
            "svm, out_of_fold: 1 case ids are missing: case-0003",
        ),
        ("sealed", KNOWN.sealed.iloc[1:], "sealed labels: 1 case ids are missing"),
        ("sealed", KNOWN.sealed.assign(label=7), r"labels: label 7 of case-0120\. Allowed: 0 to 1"),
        ("duplicates", STRANGE, "duplicates: 1 case ids are unknown: case-9999"),
        ("covariates", SHORT, "covariates: 1 case ids are missing: case-0199"),
    ],
)
def test_what_does_not_match_the_cases_is_named(name, value, message):
    values = {"models": [finished(KNOWN, "svm")], name: value}
    with pytest.raises(DataError, match=message):
        evaluated(KNOWN, **values)
