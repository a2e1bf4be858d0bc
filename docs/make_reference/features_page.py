"""The page of features: name, code, meaning, formula, unit and range of every column."""

from itertools import groupby
from pathlib import Path

import yaml

from make_reference.docstrings import summary
from make_reference.markdown import code, table
from skiagram.features.contract import FeatureFamily
from skiagram.features.covariates import Covariates
from skiagram.features.definition import Definition, explanation
from skiagram.options import build

_INTRODUCTION = """\
# Features

Columns of `data/features.parquet`: a row a case, float32. Each family is one option file of
`conf/features`, chosen by `features` in `params.yaml`. Names in angle brackets stand for options or
places. Four-letter codes are those of the reference manual of the Image Biomarker Standardisation
Initiative (IBSI, [arXiv:1612.07003](https://arxiv.org/abs/1612.07003)); features without one are
not defined there. All families but `colour` reduce a colour image to its luminance (ITU-R BT.709).
A feature is finite for every image, also for a constant one; only a missing covariate is NaN.

The unit `1` is that of plain numbers. A range in brackets is closed, in parentheses open.

"""
_HEADER = ("column", "IBSI", "meaning", "formula", "unit", "range")
_COVARIATES = """\
`covariates_<column>` for a number, `covariates_<column>_<category>` (0 or 1) for a text: what is
known of a case besides its image. `logistic_regression_covariates` is the model on them alone: what
an image has to beat.
"""


def features_page(project: Path) -> str:
    """Return the page.

    Args:
        project: Folder of `conf/`.
    """
    parts = [_family(name, family) for name, family in families(project).items()]
    return "\n".join([_INTRODUCTION, *parts])


def families(project: Path) -> dict[str, FeatureFamily | Covariates]:
    """Return name → feature family as its option file makes it."""
    files = sorted((project / "conf" / "features").glob("*.yaml"))
    return {
        file.stem: build(yaml.safe_load(file.read_text(encoding="utf-8")), file.stem)
        for file in files
    }


def _family(name: str, family: FeatureFamily | Covariates) -> str:
    heading = f"## `{name}`\n\n"
    if isinstance(family, Covariates):
        return heading + _COVARIATES
    about = f"{summary(type(family))} {explanation(type(family).__doc__ or '')}".strip()
    about += f"\n\n{len(family.names())} columns as committed.\n"
    groups = groupby(family.definitions(), lambda one: one.notes)
    return "\n".join([heading + about, *(_group(notes, list(group)) for notes, group in groups)])


def _group(notes: str, definitions: list[Definition]) -> str:
    rows = [
        (code(one.name), one.ibsi, one.meaning, one.formula, one.unit, one.range)
        for one in definitions
    ]
    return (f"{notes}\n\n" if notes else "") + table(_HEADER, rows)
