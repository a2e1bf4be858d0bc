from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagram.report.formatting import format_count, name_class
from skiagram.statistics import estimate
from skiagram.statistics.estimate import Estimate, format_decimal, format_signed
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.yaml_rows import of_rows

WRITERS = {
    "decimal": format_decimal,
    "signed": format_signed,
    "count": format_count,
    "estimate": estimate.format_estimate,
    "estimate with its reason": partial(estimate.format_estimate, why=True),
    "interval": estimate.format_interval,
    "difference": estimate.format_difference,
}


@of_rows(__file__, "numbers")
def test_numbers_have_their_digits_a_true_minus_or_a_dash(form, value, text):
    assert WRITERS[form](value) == text


@of_rows(__file__, "figures")
def test_bounds_are_as_fine_as_they_mean_and_no_dash_stands_beside_a_minus(form, figure, text):
    assert WRITERS[form](Estimate(**figure)) == text


@given(st.floats(-1, 1))
def test_printed_numbers_are_within_half_a_unit(value):
    assert float(format_decimal(value).replace("−", "-")) == pytest.approx(
        value, abs=0.0005 + 1e-12
    )


def test_a_class_called_by_a_number_stands_in_quotes():
    task = Task(Classes(("benign", "1"), 1), "cv")
    assert [name_class(task, label) for label in (0, 1)] == ["benign", "“1”"]
