"""Decisions on figures: each rule at its bounds."""

from dataclasses import replace

import pytest

from skiagram.evaluation.criteria import (
    excludes_loss,
    find_deciding_margins,
    find_side,
    find_standing,
    is_beyond_chance,
    is_reversed,
    is_surely_lost,
    is_told_apart,
    list_as_good,
)
from skiagram.evaluation.evaluation_record import SECONDARY
from skiagram.evaluation.figure_table import make_row
from skiagram.statistics.estimate import Estimate
from tests.yaml_rows import read_yaml

ROWS = read_yaml(__file__, "intervals.yaml")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['interval']}")
def test_each_place_of_the_interval_has_its_standing_its_side_and_what_it_excludes(row):
    change, margin = Estimate(0.0, *row["interval"]), 0.02
    rule = find_standing(change, margin)
    assert (rule.because, rule.decision) == (row["standing"], row["decision"])
    assert find_side(change) == row["side"]
    assert find_deciding_margins(change) == row["margins"]
    assert excludes_loss(change, margin) == (row["loss"] == "excluded")
    assert is_surely_lost(change, margin) == (row["loss"] == "sure")


def test_what_is_less_than_the_margin_behind_the_best_is_as_good():
    assert list_as_good([0.75, 0.875, 0.5], 0.125) == [False, True, False]
    assert list_as_good([0.76, 0.875, 0.875], 0.125) == [True, True, True]
    assert list_as_good([], 0.02) == []


def test_bounds_decide_of_reversed_scores():
    assert is_reversed(Estimate(0.3, 0.2, 0.49))
    assert not is_reversed(Estimate(0.3, 0.2, 0.5))
    assert (is_beyond_chance(0.049), is_beyond_chance(0.05), is_beyond_chance(None)) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("p", "p_holm", "apart"), [(0.01, 0.2, False), (0.01, 0.04, True), (0.04, None, True)]
)
def test_the_corrected_p_decides_where_there_is_one(p, p_holm, *, apart):
    row = replace(make_row(Estimate(0.1), SECONDARY, "auc", p=p), p_holm=p_holm)
    assert is_told_apart(row) is apart
