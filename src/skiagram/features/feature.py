"""What a feature is: a column of the feature table; `definitions.toml` says what it means."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Floats

Column = Floats  # (n,)
KURTOSIS = "firstorder_Kurtosis"  # PyRadiomics' is that of a normal distribution 3, not 0
# PyRadiomics' are by a covariance over n voxels, the IBSI's over n - 1
AXIS_LENGTHS = ("shape_MajorAxisLength", "shape_MinorAxisLength", "shape_LeastAxisLength")
_PLACEHOLDER = re.compile(r"<\w+>")


@dataclass(frozen=True)
class Definition:
    """One feature, or several that differ in an option or a place.

    Attributes:
        name: The column's name; `<…>` stands for one word.
        meaning: What it measures, and its value where that is not obvious.
        unit: Its unit; `1` for a plain number.
        range: Its least and its largest value.
        ibsi: Code in the IBSI's manual (arXiv:1612.07003), or nothing.
        notes: What the formulas of its group have in common, such as their symbols, or nothing.
    """

    name: str
    meaning: str
    formula: str
    unit: str
    range: str
    ibsi: str = ""
    notes: str = ""
    pyradiomics: str = ""

    def fits(self, column: str) -> bool:
        """Tell whether a column is this feature, with a word in each place of its name."""
        parts = _PLACEHOLDER.split(self.name)
        return re.fullmatch("[a-z0-9]+".join(map(re.escape, parts)), column) is not None


def find_definition(column: str, definitions: Sequence[Definition]) -> Definition | None:
    """Find the definition of a column, also of one of several images; None where none fits.

    Args:
        column: Name in the table; what stands before a dot is the image.
        definitions: Of the families.
    """
    definition = next((definition for definition in definitions if definition.fits(column)), None)
    _, dot, feature_column = column.partition(".")
    if definition is None and dot:
        return find_definition(feature_column, definitions)
    return definition


@cache
def read_definitions(sections: tuple[str, ...], prefix: str) -> tuple[Definition, ...]:
    """Read the features of sections of `definitions.toml`.

    Args:
        sections: Names in the file.
        prefix: What the names of the features begin with.

    Returns:
        In the order of the file, which is that of the columns.
    """
    # Names, formulas and limits of each feature, as the file of definitions has them.
    definitions = []
    for section in sections:
        table = _sections()[section]
        notes = table.get("notes", "")
        definitions += [
            Definition(f"{prefix}_{name}", meaning, formula, unit, limits, ibsi, notes, theirs)
            for name, ibsi, theirs, meaning, formula, unit, limits in table["features"]
        ]
    return tuple(definitions)


@cache
def _sections() -> dict[str, Any]:
    """Read the file of definitions, once in a process."""
    return tomllib.loads(Path(__file__).with_name("definitions.toml").read_text(encoding="utf-8"))


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Column:
    """Divide (n,) by (n,), with 0 where the denominator is 0."""
    zeros = np.zeros(denominator.shape)
    return np.divide(numerator, denominator, out=zeros, where=denominator != 0)
