"""What each kind of outcome refuses: a cell, all cells together, and another cohort's."""

from dataclasses import replace

import numpy as np
import pytest

from skiagram.errors import DataError, OptionError
from skiagram.tasks.columns import VALUE
from skiagram.tasks.findings import Findings
from skiagram.tasks.grade import Grade
from skiagram.tasks.number import Number
from tests.tasks.cohort import COMPETING, FINDINGS, GRADE, NUMBER, OUTCOME


@pytest.mark.parametrize(
    ("outcome", "value", "label", "words"),
    [
        (OUTCOME, -3.0, 0, "`days`: the time -3"),
        (OUTCOME, np.nan, 1, "event without a time"),
        (OUTCOME, np.nan, 0, "no time"),
        (NUMBER, np.nan, 0, "no number"),
        (GRADE, 3.0, 1, ""),
        (FINDINGS, 27.0, 0, ""),
        # The message named `outcome_value`, which is no column of the user's table.
        (replace(OUTCOME, column=VALUE), -999, 0, "line 7: the time -999."),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_row(outcome, value, label, words):
    with pytest.raises(DataError) as refused:
        outcome.check(value, label, "line 7")
    assert "line 7" in str(refused.value)
    assert words in str(refused.value)
    assert VALUE not in str(refused.value)


DAYS, EACH = np.arange(1.0, 101.0), np.ones(100, dtype=np.int64)
RARE = np.repeat([0, 1, 2], (40, 40, 4))
THREE = np.ones(3), np.zeros(3, dtype=np.int64)


@pytest.mark.parametrize(
    ("outcome", "value", "label", "words"),
    [
        (replace(OUTCOME, horizons=(365.0,)), DAYS, EACH, ["followed beyond 365 days"]),
        (OUTCOME, DAYS, EACH * (DAYS <= 4), ["4 events among 100"]),
        (
            COMPETING,
            DAYS,
            np.where(DAYS <= 4, 2, 1),
            ["4 cases of 100 have another event", "--no-event"],
        ),
        (NUMBER, np.full(30, 3.0), EACH[:30] * 0, ["every case has the number 3"]),
        (NUMBER, np.arange(5.0), EACH[:5] * 0, ["5 cases"]),
        (GRADE, RARE + 1.0, RARE, ["4 cases of the grade dense", "join it with the grade beside"]),
        (replace(OUTCOME, column=VALUE), *THREE, ["column of `--event`: "]),
        (Grade(column=VALUE, grades=("1", "2", "3")), *THREE, ["column of `--grade`: "]),
        (Number(column=VALUE), *THREE, ["column of `--number`: "]),
        (
            Findings(column=VALUE, findings=("a", "b"), balanced_by=("a", "b")),
            *THREE,
            ["column of `--findings`: "],
        ),
    ],
)
def test_cases_that_cannot_be_learned_from_are_refused(outcome, value, label, words):
    with pytest.raises(DataError) as refused:
        outcome.settle(value, label)
    assert not [word for word in words if word not in str(refused.value)]
    assert VALUE not in str(refused.value)


@pytest.mark.parametrize(
    ("outcome", "taken", "other", "words"),
    [
        (OUTCOME, OUTCOME, COMPETING, "no other events, as in the project"),
        (COMPETING, OUTCOME, None, ""),
        (
            NUMBER,
            Number(column="size", unit="mm", groups=3),
            Number(column="size", unit="cm"),
            "cm. Allowed: mm, as in",
        ),
        (
            GRADE,
            Grade(column="other", grades=("1", "2", "3")),
            Grade(column="other", grades=("1", "2", "3", "4")),
            "a word for each of clear, some, dense",
        ),
        (
            FINDINGS,
            FINDINGS,
            Findings(column="other", findings=("mass", "nodule")),
            "mass, nodule, effusion, in this order",
        ),
    ],
)
def test_another_cohort_keeps_its_column_and_has_what_the_project_knows(
    outcome, taken, other, words
):
    assert outcome.of_cohort(taken).column == taken.column
    grouped = taken if outcome is NUMBER else outcome  # quarters are those of the cohort
    assert outcome.of_cohort(taken).classes == grouped.classes
    if other is not None:
        with pytest.raises(OptionError) as refused:
            outcome.of_cohort(other)
        assert words in str(refused.value)
