"""The page of features: name, definition and, where there is one, the IBSI's code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from make_reference.docstrings import summary
from make_reference.markdown import code, table
from skiagram.features.cooccurrence import Cooccurrence
from skiagram.features.extent import Extent
from skiagram.features.feature import Features
from skiagram.features.first_order import FirstOrder
from skiagram.features.gradient import GradientMagnitude
from skiagram.features.intensity_histogram import IntensityHistogram
from skiagram.options import build

_IBSI = re.compile(r"(.*?) \((\w{4})\)(.*)")
_INTRODUCTION = """\
# Features

Columns of `data/features.parquet`: a row a case, float32. Each family is one option file of
`conf/features`, chosen by `features` in `params.yaml`. Names in angle brackets stand for options or
places. Four-letter codes are those of the reference manual of the Image Biomarker Standardisation
Initiative (IBSI, [arXiv:1612.07003](https://arxiv.org/abs/1612.07003)); features without one are
not defined there. All families but `colour` reduce a colour image to its luminance (ITU-R BT.709).
A feature is finite for every image, also for a constant one; only a missing covariate is NaN.

"""


@dataclass(frozen=True)
class Definition:
    """One feature, or several that differ in an option or a place.

    Attributes:
        name: The column's name; `<…>` stands for one word.
        meaning: What it measures.
        ibsi: Code in the IBSI's manual, or nothing.
    """

    name: str
    meaning: str
    ibsi: str = ""

    def fits(self, column: str) -> bool:
        """Return whether a column of the table is this feature."""
        parts = re.split(r"<\w+>", self.name)
        return re.fullmatch("[a-z0-9]+".join(map(re.escape, parts)), column) is not None


_DOCUMENTED: dict[str, tuple[tuple[str, type[Features]], ...]] = {
    "statistics": (
        ("statistics", FirstOrder),
        ("statistics_histogram", IntensityHistogram),
        ("statistics_gradient", GradientMagnitude),
        ("statistics", Extent),
    ),
    "texture": (("texture_glcm_distance_<distance>", Cooccurrence),),
}
_DETAILS = "Mean energy of the sub-band of one scale and orientation, logarithm; level 1 is finest."
_WRITTEN = {
    "statistics": (
        Definition("statistics_zone_<row>_<column>_mean", "Mean intensity of a zone, from 1."),
    ),
    "texture": (
        Definition(
            "texture_lbp_radius_<radius>_uniform_<bright>",
            "Share of pixels whose 8 neighbours hold one arc of so many that are at least as "
            "bright (Ojala et al. 2002, equation 9).",
        ),
        Definition("texture_lbp_radius_<radius>_not_uniform", "Share of all other pixels."),
    ),
    "wavelet": (
        Definition(
            "wavelet_level_<level>_approximation_log_energy",
            "Mean energy of what is coarser than all levels, logarithm.",
        ),
        *(
            Definition(f"wavelet_level_<level>_{orientation}_log_energy", _DETAILS)
            for orientation in ("horizontal", "vertical", "diagonal")
        ),
    ),
    "colour": (
        Definition("colour_<channel>_mean", "Mean of a channel, see below."),
        Definition("colour_<channel>_standard_deviation", "Its standard deviation."),
        Definition("colour_<channel>_skewness", "Its skewness."),
        Definition(
            "colour_hue_cosine", "Cosine of the mean hue; pixels count by their saturation."
        ),
        Definition("colour_hue_sine", "Sine of the mean hue."),
        Definition("colour_hue_concentration", "How far the hues agree, 0 to 1."),
        Definition("colour_entropy", "Entropy of the joint histogram of red, green, blue; bits."),
        Definition(
            "colour_<channel>_contrast",
            "Mean of a CIELAB channel in the central ellipse (half the sides) minus outside it.",
        ),
        Definition("colour_asymmetry_left_right", "Mean colour difference from the mirror image."),
        Definition("colour_asymmetry_top_bottom", "The same, upside down."),
    ),
}
_NOTES = {
    "colour": "Channels: `red`, `green`, `blue` (sRGB, 0 to 1); `lightness`, `a`, `b` (CIELAB); "
    "`saturation`, `value` (HSV). Colour images only.\n",
}
_COVARIATES = """\
## `covariates`

`covariates_<column>` for a number, `covariates_<column>_<category>` (0 or 1) for a text: what is
known of a case besides its image. `logistic_regression_covariates` is the model on them alone: what
an image has to beat.
"""


def features_page(project: Path) -> str:
    """Return the page.

    Args:
        project: Folder of `conf/`.
    """
    parts = [_family(project, family) for family in _WRITTEN]
    return "\n".join([_INTRODUCTION, *parts, _COVARIATES])


def definitions(family: str) -> Iterator[Definition]:
    """Yield the features of a family."""
    for prefix, group in _DOCUMENTED.get(family, ()):
        for name in group.names(""):
            text = summary(vars(group)[name[1:]])
            known = _IBSI.fullmatch(text)
            meaning, ibsi = (known[1] + known[3], known[2]) if known else (text, "")
            yield Definition(f"{prefix}{name}", meaning, ibsi)
    yield from _WRITTEN[family]


def columns(project: Path, family: str) -> tuple[str, ...]:
    """Return the columns that a family's option file gives."""
    path = project / "conf" / "features" / f"{family}.yaml"
    names: tuple[str, ...] = build(yaml.safe_load(path.read_text(encoding="utf-8")), family).names()
    return names


def _family(project: Path, family: str) -> str:
    rows = [[code(one.name), one.meaning, one.ibsi] for one in definitions(family)]
    return (
        f"## `{family}`\n\n{len(columns(project, family))} columns as committed.\n\n"
        + _NOTES.get(family, "")
        + ("\n" if family in _NOTES else "")
        + table(["column", "meaning", "IBSI"], rows)
    )
