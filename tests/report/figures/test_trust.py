"""Figures of calibration, decisions and doubt."""

import dataclasses

from skiagram.report.figures.decision_curve import decision_curve
from skiagram.report.figures.forest import forest
from skiagram.report.figures.reliability import reliability
from skiagram.report.figures.risk_coverage import risk_coverage
from skiagram.report.figures.subgroups import subgroups
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import TITLES, binary


def test_only_the_best_of_each_arm_is_drawn() -> None:
    for draw in (reliability, decision_curve, risk_coverage):
        figure = draw(full())
        assert figure is not None
        assert TITLES["small_cnn"] in figure.description
        assert TITLES["random_forest"] in figure.description
        assert TITLES["svm"] not in figure.description


def test_words_of_a_figure_hold_its_numbers() -> None:
    curve, bins, risk = decision_curve(full()), reliability(full()), risk_coverage(full())
    assert curve
    assert bins
    assert risk
    assert "0.350 at 0.1" in curve.description
    assert "0.900 (0.80–0.95) of 50 at 0.90" in bins.description
    assert "0.200 with all cases kept, area 0.080" in risk.description


def test_what_is_not_known_is_not_drawn() -> None:
    assert (reliability(binary()), decision_curve(binary()), risk_coverage(binary())) == (None,) * 3


def test_the_difference_stands_below_the_models_where_there_is_one() -> None:
    with_both = forest(full())
    assert "+0.021 (−0.030 to 0.046)" in with_both.description
    alone = forest(dataclasses.replace(full(), difference=None))
    assert "minus" not in alone.description
    assert "Best network minus" in with_both.svg
    assert "Best network minus" not in alone.svg


def test_parts_of_the_cases_that_have_an_auc_are_drawn() -> None:
    figure = subgroups(full())
    assert figure is not None
    assert "view_position CC 0.830 (0.73–0.88)" in figure.description
    assert "view position: MLO" in figure.svg
    assert "40 values" not in figure.svg
    assert subgroups(binary()) is None
