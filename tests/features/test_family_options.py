"""Options that make no sense are refused by their name, whatever the family."""

from typing import Any

import pytest
import yaml

from skiagram.errors import OptionError
from skiagram.options import build
from tests.features.test_families import FOLDER

NONSENSE: dict[str, list[tuple[str, Any]]] = {
    "fractal": [("tile", 8), ("highest_frequency", 0.6)],
    "gabor": [("wavelengths", [8, 4]), ("wavelengths", [1]), ("orientations", 5), ("bandwidth", 0)],
    "glcm": [
        *[("distances", []), ("distances", [0]), ("distances", [1, 1]), ("aggregation", "mean")],
        ("levels", {"bin_number": 8, "bin_width": 2.0}),
        ("levels", {"bin_number": None, "bin_width": None}),
        ("levels", {"bin_number": 1, "bin_width": None}),
        ("levels", {"bin_number": None, "bin_width": 0.0}),
    ],
    "granulometry": [("radii", radii) for radii in ([], [0], [2, 1], [1, 1], [2000])],
    "hog": [("grid", 0), ("block", 17), ("orientations", 1)],
    "lbp": [("radii", []), ("radii", [2, 1]), ("radii", [0]), ("neighbours", 3)],
    "ngldm": [("distance", 0), ("distance", 8), ("coarseness", -1)],
    "wavelet": [
        *[("wavelet", "db99"), ("wavelet", "morl"), ("levels", 0)],
        ("statistics", ["entropy", "entropy"]),
    ],
}


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [(name, *pair) for name, pairs in NONSENSE.items() for pair in pairs],
)
def test_nonsense_is_refused_by_name(name: str, option: str, value: object) -> None:
    options = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    with pytest.raises(OptionError, match=rf"{name}\.{option}"):
        build(options | {option: value}, name)


def test_a_block_larger_than_the_grid_is_refused() -> None:
    options = yaml.safe_load((FOLDER / "hog.yaml").read_text())
    with pytest.raises(OptionError, match="at most 2 cells"):
        build(options | {"grid": 2, "block": 3}, "hog")
