"""What each kind of outcome refuses: a cell, all cells together, and another cohort's."""

from dataclasses import asdict

import numpy as np
import pytest

from skiagram.errors import DataError, OptionError
from skiagram.options import check
from skiagram.tasks.columns import VALUE
from tests.tasks.cohort import COMPETING, FINDINGS, GRADE, NUMBER, OUTCOME
from tests.yaml_rows import of_rows

OUTCOMES = {"time": OUTCOME, "competing": COMPETING, "number": NUMBER, "grade": GRADE}
OUTCOMES |= {"findings": FINDINGS}


def make(name, options):
    """Return an outcome with other options, where there are some."""
    outcome = OUTCOMES[name]
    return check(type(outcome), asdict(outcome) | (options or {}), "outcome")


@of_rows(__file__, "cells")
def test_a_value_that_cannot_be_is_refused_with_its_row(outcome, changed, value, label, said):
    with pytest.raises(DataError) as refused:
        make(outcome, changed).check(value, label, "line 7")
    for words in ("line 7", said):
        assert words in str(refused.value)
    assert VALUE not in str(refused.value)


@of_rows(__file__, "cases")
def test_cases_that_cannot_be_learned_from_are_refused(outcome, changed, cases, said):
    count, value, label = (np.array(column) for column in zip(*cases, strict=True))
    with pytest.raises(DataError) as refused:
        make(outcome, changed).settle(value.repeat(count, axis=0), label.repeat(count))
    for words in said:
        assert words in str(refused.value)
    assert VALUE not in str(refused.value)


@of_rows(__file__, "cohorts")
def test_another_cohort_keeps_its_column_and_has_what_the_project_knows(
    outcome, taken, other, said
):
    at_home, theirs = OUTCOMES[outcome], make(outcome, taken)
    of_cohort = at_home.of_cohort(theirs)
    assert of_cohort.column == theirs.column
    grouped = theirs if outcome == "number" else at_home  # quarters are those of the cohort
    assert of_cohort.classes == grouped.classes
    if other is not None:
        with pytest.raises(OptionError) as refused:
            at_home.of_cohort(make(outcome, other))
        assert said in str(refused.value)
