import math
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiagram.report.formatting import format_count, name_class
from skiagram.statistics.estimate import (
    Estimate,
    format_decimal,
    format_difference,
    format_estimate,
    format_interval,
    format_signed,
)
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        *((format_decimal, *each) for each in ((0.8734, "0.873"), (-0.0214, "−0.021"))),
        *((format_decimal, *each) for each in ((-0.0001, "0.000"), (None, "–"), (math.nan, "–"))),
        *((format_signed, *each) for each in ((0.021, "+0.021"), (-0.021, "−0.021"))),
        *((format_signed, *each) for each in ((0.0001, "0.000"), (None, "–"))),
        *((format_count, *each) for each in ((93322, "93,322"), (13.5, "13.5"), (None, "–"))),
    ],
)
def test_numbers_have_their_digits_a_true_minus_or_a_dash(write, value, text):
    assert write(value) == text


@pytest.mark.parametrize(
    ("write", "estimate", "text"),
    [
        (format_estimate, Estimate(0.873, 0.81, 0.92), "0.873 (0.81 to 0.92)"),
        (format_estimate, Estimate(0.5), "0.500"),
        (format_estimate, Estimate(None, reason="one class"), "–"),
        (partial(format_estimate, why=True), Estimate(None, reason="one class"), "– (one class)"),
        (format_interval, Estimate(0.02, -0.03, 0.07), "(−0.03 to 0.07)"),
        (format_difference, Estimate(0.008, -0.0004, 0.0149), "+0.008 (0.000 to +0.015)"),
        (format_difference, Estimate(-0.007, -0.019, 0.006), "−0.007 (−0.019 to +0.006)"),
    ],
)
def test_bounds_are_as_fine_as_they_mean_and_no_dash_stands_beside_a_minus(write, estimate, text):
    assert write(estimate) == text


@given(st.floats(-1, 1))
def test_printed_numbers_are_within_half_a_unit(value):
    assert float(format_decimal(value).replace("−", "-")) == pytest.approx(
        value, abs=0.0005 + 1e-12
    )


def test_a_class_called_by_a_number_stands_in_quotes():
    task = Task(Classes(("benign", "1"), 1), "cv")
    assert [name_class(task, label) for label in (0, 1)] == ["benign", "“1”"]
