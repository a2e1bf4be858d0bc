"""Definitions of features, and which column is which."""

import pytest

from skiagram.features.feature import Definition


@pytest.mark.parametrize(
    ("column", "fits"),
    [
        ("lbp_radius_2_uniform_10", True),
        ("lbp_radius_2_not_uniform", False),
        ("lbp_radius_2_uniform_10_more", False),
        ("the_lbp_radius_2_uniform_10", False),
    ],
)
def test_a_placeholder_stands_for_one_word(column, fits):
    name = "lbp_radius_<radius>_uniform_<bright>"
    assert Definition(name, "", "", "", "").fits(column) is fits
