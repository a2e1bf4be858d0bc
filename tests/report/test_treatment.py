import pandas as pd

from skiagram.report.treatment import treatment_summary


def test_every_kind_of_fault_is_counted_by_case() -> None:
    table = pd.DataFrame(
        {
            "missing": [0, 5, 65],
            "outliers": [0, 0, 0],
            "dead_lines": [0, 1, 0],
            "noise": [0.1, 0.2, float("nan")],
        }
    )
    missing, outliers, dead_lines, noise = treatment_summary(table)
    assert missing == (
        "2 of 3 cases had missing pixels (where there were any: median 35, at most 65)."
    )
    assert outliers == "No case had outlying pixels that were replaced."
    assert dead_lines.startswith("1 of 3 cases had dead rows or columns")
    assert "median 0.150 (quartiles 0.125–0.175)" in noise


def test_noise_that_was_left_is_said_so() -> None:
    table = pd.DataFrame(
        {"missing": [0], "outliers": [0], "dead_lines": [0], "noise": [float("nan")]}
    )
    assert treatment_summary(table)[-1] == "No noise was taken out."


def test_an_empty_table_is_said_so() -> None:
    table = pd.DataFrame({"missing": [], "outliers": [], "dead_lines": [], "noise": []})
    assert treatment_summary(table) == ("No case was restored.",)
