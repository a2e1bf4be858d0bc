"""What the page says of another cohort beside the project."""

from dataclasses import replace

import pytest

from skiagram.evaluation.evaluation_record import EXTERNAL
from skiagram.evaluation.external import COHORT
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.report.sections.external import describe_external
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.number import Number
from skiagram.tasks.task import Task
from tests.report.examples_of_results import binary


@pytest.mark.parametrize(
    ("contender", "words"),
    [
        ("deep", "network minus classical in AUC"),
        ("encoder", "frozen encoder minus classical in AUC"),
        ("either", "deep model minus classical in AUC"),
    ],
)
def test_the_difference_is_called_as_what_stands_against_the_classical_models(contender, words):
    found = replace(binary(), contender=contender)
    gain = Estimate(0.03, 0.01, 0.05)
    row = make_row(gain, EXTERNAL, "roc_auc", model=contender, versus="classical", group=COHORT)
    first, *_ = describe_external(replace(found, figures=FigureTable((row,))))
    assert first.startswith(f"On this cohort, {words}: +0.030")
    assert "below 0" not in first


def test_of_an_error_it_is_said_which_side_is_better():
    number = Task(Number(column="length", unit="mm"), "holdout")
    name = number.predicted.primary
    gain = Estimate(-2.0, -3.0, -1.0)
    row = make_row(gain, EXTERNAL, name, model="deep", versus="classical", group=COHORT)
    found = replace(binary(), task=number, figures=FigureTable((row,)))
    first, *_ = describe_external(found)
    assert first.endswith("; below 0 the network is better.")
