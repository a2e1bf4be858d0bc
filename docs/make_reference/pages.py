"""All pages that are made from the code; those of the command line and of the features in full."""

import re
from itertools import groupby
from pathlib import Path

import yaml

from make_reference.markup import code, explanation, summary, table
from make_reference.metrics_page import metrics_page, schemas
from make_reference.options_page import options_page
from skiagram.case_features.covariates import Covariates
from skiagram.case_features.earlier import Earlier
from skiagram.case_features.extraction import Family
from skiagram.case_features.measured import Measured
from skiagram.cli.main import COMMANDS, EXIT_CODES
from skiagram.features.feature import Definition
from skiagram.features.filtered import Filtered
from skiagram.features.perturbed import Perturbed
from skiagram.options import build

_COMMAND_LINE = """\
# Command line

`make` sets up and runs the whole; `dvc` runs stages and experiments; `skiagram` is for images of
your own, before and after the pipeline. Each stage also runs alone, `python pipeline/<stage>.py`,
with overrides such as `model=svm model.kernel=linear`. `skiagram COMMAND --help` lists a
command's arguments; of a command with many it lists the usual ones, `--help-all` all of them.

"""
_TARGET = re.compile(r"([a-z-]+):.*## (.*)")


def command_line_page(project: Path) -> str:
    """Return the page.

    Args:
        project: Folder of the Makefile.
    """
    codes = f"## Exit codes\n\nOf `skiagram` and of every stage:\n\n```text\n{EXIT_CODES}\n```\n"
    return "\n".join(
        [_COMMAND_LINE + _targets(project / "Makefile"), codes, *map(_command, COMMANDS)]
    )


def _targets(makefile: Path) -> str:
    lines = map(_TARGET.fullmatch, makefile.read_text(encoding="utf-8").splitlines())
    rows = [[code(f"make {line[1]}"), line[2]] for line in lines if line]
    return "## `make`\n\n" + table(["target", "what it does"], rows)


def _command(name: str) -> str:
    summary = COMMANDS[name]["summary"]
    title = f"## `skiagram {name}`\n\n{summary[0].upper()}{summary[1:]}.\n"
    return f"{title}\n```text\n{COMMANDS[name]['examples']}\n```\n"


_FEATURES = """\
# Features

Columns of `data/features.parquet`: one row per case, float32. Each family is one config of
`conf/features`, chosen by `features` in `params.yaml`. Names in angle brackets stand for options or
places. Four-letter codes are those of the reference manual of the Image Biomarker Standardisation
Initiative (IBSI, [arXiv:1612.07003](https://arxiv.org/abs/1612.07003)); features without one are
not defined there. All families but `colour` reduce a colour image to its luminance (ITU-R BT.709).
PyRadiomics' names stand for the same formulas, but that its lengths of axes divide by n, not n − 1
(`skiagram features --names pyradiomics` writes the table under them, without these). A feature is
finite for every image, also for a constant one; only a missing covariate is NaN.

The unit `1` is that of plain numbers. A range in brackets is closed, in parentheses open.

"""
_HEADER = ("column", "IBSI", "PyRadiomics", "meaning", "formula", "unit", "range")
_COVARIATES = """\
`covariates_<column>` for a number, `covariates_<column>_<category>` (0 or 1) for a text: what is
known of a case besides its image. `covariates` is the model on them alone: a
model of images has to beat it.
"""


def features_page(project: Path) -> str:
    """Return the page.

    Args:
        project: Folder of `conf/`.
    """
    parts = [_family(name, family) for name, family in families(project).items()]
    return "\n".join([_FEATURES, *parts])


def families(project: Path) -> dict[str, Family]:
    """Return name → feature family as its config makes it."""
    files = sorted((project / "conf" / "features").glob("*.yaml"))
    return {
        file.stem: build(yaml.safe_load(file.read_text(encoding="utf-8")), file.stem)
        for file in files
    }


def _family(name: str, family: Family) -> str:
    heading = f"## `{name}`\n\n"
    if isinstance(family, Covariates):
        return heading + _COVARIATES
    if isinstance(family, Earlier | Measured):
        return f"{heading}{summary(type(family))} {explanation(type(family))}".strip() + "\n"
    about = f"{summary(type(family))} {explanation(type(family))}".strip()
    about += f"\n\n{len(family.names())} columns as committed"
    if isinstance(family, Filtered | Perturbed):
        kinds = [type(one).__module__.rpartition(".")[2] for one in family.families]
        return f"{heading}{about}, with those of {', '.join(map(code, kinds))} after the point.\n"
    about += ".\n"
    groups = groupby(family.definitions(), lambda one: one.notes)
    return "\n".join([heading + about, *(_group(notes, list(group)) for notes, group in groups)])


def _group(notes: str, definitions: list[Definition]) -> str:
    rows = [
        (
            code(one.name),
            one.ibsi,
            code(theirs) if (theirs := one.pyradiomics) else "",
            one.meaning,
            one.formula,
            one.unit,
            one.range,
        )
        for one in definitions
    ]
    return (f"{notes}\n\n" if notes else "") + table(_HEADER, rows)


PROJECT = Path(__file__).parents[2]
_NOTICE = "<!-- Built by `make reference` from the code; changes belong there. -->\n\n"


def pages(project: Path) -> dict[str, str]:
    """Return file name → text of every page.

    Args:
        project: Folder of `conf/` and `params.yaml`.
    """
    made = {
        "command-line.md": command_line_page(project),
        "features.md": features_page(project),
        "metrics.md": metrics_page(),
        "options.md": options_page(project),
    }
    return {name: _NOTICE + text for name, text in made.items()} | schemas()
