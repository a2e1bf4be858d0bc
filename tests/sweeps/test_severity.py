"""Where a model holds and breaks is read from the rows of a sweep."""

from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.figures import AUC, DIFFERENCE
from skiagram.sweeps.rows import Row
from skiagram.sweeps.runs import RowResult
from skiagram.sweeps.severity import amount_of, find_limits, list_worse_images
from tests.sweeps.made_figures import make_figures
from tests.yaml_rows import of_rows


@of_rows(__file__)
def test_whole_intervals_say_where_a_model_holds_and_breaks(changes, holds_to, breaks_at):
    estimates = (Estimate(sum(change) / 2, *change) for change in changes)
    assert find_limits([*enumerate(estimates, start=1)], 0.02) == (holds_to, breaks_at)


def result(number, data, images, scored, change):
    reference = 1 if data == "films" else 4
    figures = {AUC: Estimate(0.8 + change, 0.7, 0.9)}
    if scored:
        figures[DIFFERENCE] = Estimate(change, change - 0.01, change + 0.01)
    row = Row(number, {"data": data, "images": images}, {"scored": scored}, reference)
    return RowResult(row, make_figures({("svm", "SVM", "classical"): figures}, margin=0.02))


def noise(amount):
    return {"corruption": "noise", "amount": amount}


def test_rows_of_each_reference_are_curves_in_the_order_of_their_amounts():
    failed = RowResult(Row(6, {"data": "films"}, {"scored": noise(0.5)}, 1), reason="lost")
    films, slides = list_worse_images(
        [
            result(1, "films", "unchanged", {}, 0.0),
            result(2, "films", "more", noise(0.2), -0.1),
            result(3, "films", "less", noise(0.1), -0.002),
            result(4, "slides", "unchanged", {}, 0.0),
            result(5, "slides", "less", noise(0.1), -0.3),
            failed,
        ]
    )
    assert (films.name, slides.name) == ("films", "slides")
    assert [amount_of(row) for row in films.rows["noise"]] == [0.1, 0.2]
    assert [row.row.number for row in slides.rows["noise"]] == [5]
    assert (films.clean.row.number, slides.clean.row.number) == (1, 4)
