import pandas as pd

from skiagram.report.treatment import treatment_summary


def test_every_kind_of_fault_is_counted_by_case() -> None:
    table = pd.DataFrame(
        {"missing": [0, 5, 65], "outliers": [0, 0, 0], "noise": [0.1, 0.2, float("nan")]}
    )
    missing, outliers, noise = treatment_summary(table)
    assert missing == (
        "2 of 3 cases had missing pixels filled (where there were any: median 35, at most 65)."
    )
    assert outliers == "No case had outlying pixels replaced."
    assert "median 0.150 (quartiles 0.125–0.175)" in noise


def test_noise_that_was_not_estimated_is_said_so() -> None:
    table = pd.DataFrame({"missing": [0], "outliers": [0], "noise": [float("nan")]})
    assert treatment_summary(table)[2] == "The noise was not estimated."


def test_an_empty_table_is_said_so() -> None:
    table = pd.DataFrame({"missing": [], "outliers": [], "noise": []})
    assert treatment_summary(table) == ("No case was restored.",)
