"""What a column of the feature table means, read from the docstring of the feature.

The first paragraph is the meaning; it holds the feature's code in the reference manual of the Image
Biomarker Standardisation Initiative (IBSI, arXiv:1612.07003) where the manual defines it. Lines
`Formula:`, `Unit:` and `Range:` follow.
"""

import inspect
import re
from dataclasses import dataclass

_CODE = re.compile(r"(.*?) \(([0-9A-Z]{4})\)(.*)")
_PARTS = ("Formula", "Unit", "Range")
_PLACEHOLDER = re.compile(r"<\w+>")


@dataclass(frozen=True)
class Definition:
    """One feature, or several that differ in an option or a place.

    Attributes:
        name: The column's name; `<…>` stands for one word.
        meaning: What it measures, and its value where that is not obvious.
        formula: How it is computed.
        unit: Its unit; `1` for a plain number.
        range: Its least and its largest value.
        ibsi: Code in the IBSI's manual, or nothing.
        notes: What the formulas of its group have in common, such as their symbols, or nothing.
    """

    name: str
    meaning: str
    formula: str
    unit: str
    range: str
    ibsi: str = ""
    notes: str = ""

    def fits(self, column: str) -> bool:
        """Return whether a column of the table is this feature."""
        parts = _PLACEHOLDER.split(self.name)
        return re.fullmatch("[a-z0-9]+".join(map(re.escape, parts)), column) is not None


def definition(name: str, docstring: str, notes: str = "") -> Definition:
    """Read a feature's definition; parts that the docstring lacks are empty.

    Args:
        name: The column's name.
        docstring: As this module describes.
        notes: Of its group.
    """
    text = inspect.cleandoc(docstring)
    summary = " ".join(text.split("\n\n")[0].split())
    coded = _CODE.fullmatch(summary)
    meaning, ibsi = (coded[1] + coded[3], coded[2]) if coded else (summary, "")
    formula, unit, limits = (_part(text, part) for part in _PARTS)
    return Definition(name, meaning, formula, unit, limits, ibsi, notes)


def explanation(docstring: str) -> str:
    """Return what a docstring says between its first line and its list of attributes."""
    _, _, rest = inspect.cleandoc(docstring).partition("\n\n")
    return " ".join(re.split(r"^Attributes:$", rest, flags=re.MULTILINE)[0].split())


def _part(text: str, part: str) -> str:
    others = "|".join(f"{one}:" for one in _PARTS)
    found = re.search(rf"^{part}: (.+(?:\n(?!{others}|\n).+)*)", text, re.MULTILINE)
    return " ".join(found[1].split()) if found else ""
