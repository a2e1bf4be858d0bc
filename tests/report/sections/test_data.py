import pandas as pd

from skiagram.report.sections.data import describe_treatment, tabulate_cases
from tests.report.examples_of_results import binary, texts


def test_every_kind_of_fault_is_counted_by_case() -> None:
    faults = {"missing": [0, 5, 65], "outliers": [0, 0, 0], "dead_lines": [0, 1, 0]}
    table = pd.DataFrame(faults | {"noise": [0.1, 0.2, float("nan")]})
    missing, outliers, dead_lines, noise = describe_treatment(table)
    assert missing == "2 of 3 cases had missing pixels (per such case: median 35, at most 65)."
    assert outliers == "No case had outlier pixels that were replaced."
    assert dead_lines.startswith("1 of 3 cases had dead rows or columns")
    assert "median 0.150 (quartiles 0.125–0.175)" in noise
    assert describe_treatment(table[2:])[-1] == "No noise was removed."
    assert describe_treatment(table[:0]) == ("No case was restored.",)


def test_cases_are_counted_by_class_and_part() -> None:
    table = tabulate_cases(binary(), patients_known=False)
    assert table.columns == ["Development", "Reported"]
    assert texts(table.row("abnormal")) == ["140", "60"]
    assert table.row("abnormal").mark == "positive"
    assert texts(table.row("All cases")) == ["350", "150"]
    assert texts(table.row("Groups")) == ["175", "75"]
