"""What the page says of another cohort beside the project."""

from dataclasses import replace

import pytest

from skiagram.evaluation.evaluation_record import EXTERNAL
from skiagram.evaluation.external import COHORT
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.statistics.estimate import Estimate
from skiagram.tasks.number import Number
from skiagram.tasks.task import Task
from tests.report.examples_of_results import binary, material
from tests.report.pages import section

CLASSES = binary().task
NUMBER = Task(Number(column="length", unit="mm"), "holdout")


@pytest.mark.parametrize(
    ("task", "contender", "gain", "words"),
    [
        (CLASSES, "deep", (0.03, 0.01, 0.05), ", network minus classical in AUC: +0.030"),
        (CLASSES, "encoder", (0.03, 0.01, 0.05), ", frozen encoder minus classical in AUC: +0.030"),
        (CLASSES, "either", (0.03, 0.01, 0.05), ", deep model minus classical in AUC: +0.030"),
        (NUMBER, "deep", (-2.0, -3.0, -1.0), ", network minus classical in mean absolute error"),
    ],
)
def test_the_difference_says_what_is_compared_and_of_an_error_which_side_is_better(
    task, contender, gain, words
):
    figure, gain = task.predicted.primary, Estimate(*gain)
    row = make_row(gain, EXTERNAL, figure, model=contender, versus="classical", group=COHORT)
    rows = FigureTable((row,))
    evaluation = replace(binary(), task=task, contender=contender, figures=rows)
    said = section("external", evaluation, material()).text
    assert f"On this cohort{words}" in said
    assert ("below 0" in said) == (task is NUMBER)
