"""Definitions read from docstrings."""

import numpy as np
import pytest

from skiagram.features.feature import Column, Definition, Feature, Features


class Rings(Features):
    """Rings of an image.

    In the formulas r is a radius,
    in pixels.

    Attributes:
        none: Of them.
    """

    @Feature
    def width(self) -> Column:
        """Mean width of a ring
        around the centre (AB12); 0 without rings.

        Formula: Σ (r₂ − r₁)
            / N
        Unit: pixel
        Range: [0, ∞)
        """
        return np.zeros(1)


def test_all_parts_are_read_from_the_docstring() -> None:
    assert Rings.definitions("rings_<at>") == (
        Definition(
            name="rings_<at>_width",
            meaning="Mean width of a ring around the centre; 0 without rings.",
            formula="Σ (r₂ − r₁) / N",
            unit="pixel",
            range="[0, ∞)",
            ibsi="AB12",
            notes="In the formulas r is a radius, in pixels.",
        ),
    )


def test_parts_that_are_missing_are_empty() -> None:
    found = Definition.read("x", "Mean (of all).")
    assert (found.meaning, found.formula, found.unit, found.range, found.ibsi) == (
        "Mean (of all).",
        "",
        "",
        "",
        "",
    )


@pytest.mark.parametrize(
    ("column", "fits"),
    [
        ("lbp_radius_2_uniform_10", True),
        ("lbp_radius_2_not_uniform", False),
        ("lbp_radius_2_uniform_10_more", False),
        ("the_lbp_radius_2_uniform_10", False),
    ],
)
def test_a_placeholder_stands_for_one_word(column: str, fits: bool) -> None:
    name = "lbp_radius_<radius>_uniform_<bright>"
    assert Definition(name, "", "", "", "").fits(column) is fits


class Sides(Features):
    """Sides of a box."""

    length = Feature.of(lambda box: np.full(1, box.sides[0]), "Longer side.", "a", "mm", "from b")
    width = Feature.of(lambda box: np.full(1, box.sides[1]), "Shorter side (CD34).", "b", "mm", "0")

    def __init__(self) -> None:
        self.sides = (3.0, 2.0)


def test_features_without_methods_have_columns_and_definitions_of_their_own() -> None:
    np.testing.assert_array_equal(Sides().columns(), [[3, 2]])
    assert Sides.definitions("box") == (
        Definition("box_length", "Longer side.", "a", "mm", "from b"),
        Definition("box_width", "Shorter side.", "b", "mm", "0", "CD34"),
    )
