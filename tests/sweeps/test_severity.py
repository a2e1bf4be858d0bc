"""Where a model holds and breaks is read from the rows of a sweep."""

import pytest

from skiagram.errors import OptionError
from skiagram.options import check
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.figures import AUC, DIFFERENCE, ModelFigure, RowFigures
from skiagram.sweeps.rows import Row, Sweep, expand_rows
from skiagram.sweeps.runs import RowResult
from skiagram.sweeps.severity import Condition, find_severity, make_curve
from tests.yaml_rows import of_rows

BLANK = Estimate(0.8, 0.7, 0.9)


@of_rows(__file__)
def test_whole_intervals_say_where_a_model_holds_and_breaks(changes, holds_to, breaks_at):
    conditions = [
        Condition(amount, BLANK, Estimate(sum(change) / 2, *change), None, None)
        for amount, change in enumerate(changes, start=1)
    ]
    curve = make_curve("noise", conditions, 0.02)
    assert (curve.holds_to, curve.breaks_at) == (holds_to, breaks_at)


def result(number, data, images, scored, change):
    reference = 1 if data == "films" else 4
    figures = [ModelFigure("svm", "SVM", "classical", AUC, Estimate(0.8 + change, 0.7, 0.9))]
    if scored:
        difference = Estimate(change, change - 0.01, change + 0.01)
        figures.append(ModelFigure("svm", "SVM", "classical", DIFFERENCE, difference))
    row = Row(number, {"data": data, "images": images}, {"scored": scored}, reference)
    return RowResult(row, RowFigures(tuple(figures), 40, 30, margin=0.02))


def noise(amount):
    return {"corruption": "noise", "amount": amount}


def test_rows_of_each_reference_are_curves_in_the_order_of_their_amounts():
    failed = RowResult(Row(6, {"data": "films"}, {"scored": noise(0.5)}, 1), reason="lost")
    found = find_severity(
        [
            result(1, "films", "unchanged", {}, 0.0),
            result(2, "films", "more", noise(0.2), -0.1),
            result(3, "films", "less", noise(0.1), -0.002),
            result(4, "slides", "unchanged", {}, 0.0),
            result(5, "slides", "less", noise(0.1), -0.3),
            failed,
        ]
    )
    assert found.margin == 0.02
    films, slides = found.data
    assert (films.name, slides.name) == ("films", "slides")
    (curve,) = films.models[0].curves
    assert [each.amount for each in curve.conditions] == [0.1, 0.2]
    assert (curve.holds_to, curve.breaks_at) == (0.1, 0.2)
    assert curve.mean_change == pytest.approx(-0.051)
    assert slides.models[0].curves[0].breaks_at == 0.1


def test_an_analysis_without_worse_images_is_refused_before_a_row_runs():
    values = {"question": "What?", "axes": {"seed": [0, 1]}, "analysis": "severity"}
    with pytest.raises(OptionError, match="images made worse"):
        expand_rows(check(Sweep, values, "sweep"))
