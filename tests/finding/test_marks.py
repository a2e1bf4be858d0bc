"""Marks: distances in mm, hits, suppression, scores of cases."""

import numpy as np
import pytest

from skiagram.finding.marks import (
    FALSE,
    REPEATED,
    HitRule,
    case_scores,
    intersection_over_union,
    positions,
    suppress,
)
from skiagram.records.places import tabulate_places

RULE = HitRule(rule="distance", minimum=2.5, overlap=0.2)
SPACING = {"a": (0.5, 0.5), "b": None, "v": (3.0, 1.0, 1.0)}


def marks(*rows):
    return tabulate_places([(case, centre, 5.0) for case, centre, _ in rows]).assign(
        score=[score for *_, score in rows]
    )


def test_positions_are_mm_with_slices_first():
    table = tabulate_places([("a", (4, 6), 1), ("b", (4, 6), 1), ("v", (2, 4, 6), 1)])
    assert positions(table, SPACING).tolist() == [[0, 2, 3], [0, 4, 6], [6, 4, 6]]


def test_each_lesion_counts_once_and_a_further_mark_is_neither_hit_nor_false():
    lesions = tabulate_places([("a", (10, 10), 3.0), ("a", (50, 50), 1.0), ("b", (9, 9), 2)])
    found = marks(
        ("a", (10, 12), 0.2),  # on the first lesion, after a higher one
        ("a", (10, 15), 0.9),  # 2.5 mm from it
        ("a", (50, 54), 0.5),  # 2 mm from a lesion of 1 mm: the minimum counts
        ("a", (50, 60), 0.8),  # 5 mm from it
        ("v", (0, 0, 0), 1.0),  # a case without lesions
    )
    assert RULE.match(found, lesions, SPACING).tolist() == [REPEATED, 0, 1, FALSE, FALSE]
    assert RULE.reached(found, lesions, SPACING).tolist() == [True, True, False]


def test_of_two_lesions_within_reach_each_gets_a_mark():
    lesions = tabulate_places([("b", (10, 10), 8.0), ("b", (14, 10), 8.0)])
    found = marks(("b", (11, 10), 0.9), ("b", (10, 10), 0.8), ("b", (12, 10), 0.7))
    assert RULE.match(found, lesions, SPACING).tolist() == [0, 1, REPEATED]


@pytest.mark.parametrize("flat", [True, False])
def test_the_overlap_of_circles_and_balls_is_that_of_points_drawn_in_them(flat):
    axes = 2 if flat else 3
    points = np.random.default_rng(0).uniform(-2, 4, (400_000, axes))
    second = np.zeros(axes)
    second[0] = 1.2
    inside = np.linalg.norm(points, axis=1) <= 1.5, np.linalg.norm(points - second, axis=1) <= 1.0
    drawn = (inside[0] & inside[1]).sum() / (inside[0] | inside[1]).sum()
    one, other = np.array([1.5]), np.array([1.0])
    share = intersection_over_union(np.array([1.2]), one, other, flat)
    assert share[0] == pytest.approx(drawn, abs=0.01)
    far = intersection_over_union(np.array([2.5, 0.1]), one, other, flat)
    assert far.tolist() == pytest.approx([0, 1 / 1.5**axes])


def test_a_mark_near_a_higher_one_is_left_out_by_mm():
    table = marks(("a", (0, 0), 0.5), ("a", (0, 8), 0.9), ("a", (0, 20), 0.1), ("b", (0, 8), 0.2))
    assert suppress(table, 4.0, SPACING)["score"].tolist() == [0.9, 0.1, 0.2]
    assert suppress(table, 3.9, SPACING)["score"].tolist() == [0.5, 0.9, 0.1, 0.2]


def test_a_case_scores_as_its_highest_marks():
    table = marks(("a", (0, 0), 0.5), ("a", (0, 8), 0.9), ("b", (0, 8), 0.2))
    assert case_scores(table, ["a", "b", "v"], 1, -1.0).tolist() == [0.9, 0.2, -1]
    assert case_scores(table, ["a", "b", "v"], 2, -1.0).tolist() == pytest.approx([0.7, -0.4, -1])
