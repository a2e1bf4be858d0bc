"""What each kind of outcome refuses: a cell, all cells together, and another cohort's."""

import numpy as np
import pytest

from skiagram.errors import DataError, OptionError
from skiagram.options import check
from skiagram.tasks.columns import VALUE
from tests.tasks.cohort import COMPETING, FINDINGS, GRADE, NUMBER, OUTCOME
from tests.yaml_rows import read_yaml

OUTCOMES = {"time": OUTCOME, "competing": COMPETING, "number": NUMBER, "grade": GRADE}
OUTCOMES |= {"findings": FINDINGS}
ROWS = read_yaml(__file__)


def changed(row, options):
    """Return the outcome of a row with other options."""
    outcome = OUTCOMES[row["outcome"]]
    return check(type(outcome), vars(outcome) | options, "outcome")


@pytest.mark.parametrize("row", ROWS["cells"], ids=str)
def test_a_value_that_cannot_be_is_refused_with_its_row(row):
    with pytest.raises(DataError) as refused:
        changed(row, row.get("changed", {})).check(row["value"], row["label"], "line 7")
    said = str(refused.value)
    assert "line 7" in said
    assert row["said"] in said
    assert VALUE not in said


@pytest.mark.parametrize("row", ROWS["cases"], ids=str)
def test_cases_that_cannot_be_learned_from_are_refused(row):
    count, value, label = (np.array(column) for column in zip(*row["cases"], strict=True))
    with pytest.raises(DataError) as refused:
        changed(row, row.get("changed", {})).settle(value.repeat(count), label.repeat(count))
    said = str(refused.value)
    assert not [words for words in row["said"] if words not in said]
    assert VALUE not in said


@pytest.mark.parametrize("row", ROWS["cohorts"], ids=str)
def test_another_cohort_keeps_its_column_and_has_what_the_project_knows(row):
    outcome, taken = changed(row, {}), changed(row, row["taken"])
    of_cohort = outcome.of_cohort(taken)
    assert of_cohort.column == taken.column
    grouped = taken if row["outcome"] == "number" else outcome  # quarters are those of the cohort
    assert of_cohort.classes == grouped.classes
    if "other" in row:
        with pytest.raises(OptionError) as refused:
            outcome.of_cohort(changed(row, row["other"]))
        assert row["said"] in str(refused.value)
