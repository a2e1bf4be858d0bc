"""What a run is asked for, by a line or from Python, and the project that it works in."""

import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from skiagram.errors import DataError, OptionError, refusal
from skiagram.intake.file_options import FileOptions
from skiagram.options import split_names
from skiagram.projects.files import environment

LISTS = ("baselines", "networks")
ASKED = (*LISTS, "features", "restoration", "repeats", "folds")  # choices with words of their own
HOURS = 1 / 3  # for all networks
WAITING = "Another `skiagram run` is at work in this project; waiting for its end."


def read_hours(text: str | float) -> float:
    """Read a time above 0.

    Raises:
        OptionError: It is none.
    """
    try:
        hours = float(Fraction(str(text)))  # `1/3`, too
    except (ValueError, ArithmeticError):
        hours = math.nan
    if not 0 < hours < math.inf:
        raise refusal("cli.hours", text=text)
    return hours


def take_choices(values: dict[str, Any]) -> dict[str, Any]:
    """Take the choices of `ASKED` out of all options that are asked for; models as lists."""
    choices = {name: values.pop(name) for name in ASKED if name in values}
    for name in choices.keys() & {*LISTS}:
        names = split_names(choices[name] or [])
        choices[name] = [] if names == ["none"] else names
    return choices


@dataclass(frozen=True)
class Asked:
    """What a line, or a call from Python, asks a run for.

    Attributes:
        files: The files of the data set.
        choices: Choice of params.yaml, one of `ASKED` → value.
        values: Address of any other option, such as `svm.kernel` → value.
        hours: For training all networks.
        quick: Whether it is a first look: two folds, few baselines and a tiny network.
    """

    files: FileOptions
    choices: Mapping[str, Any]
    values: Mapping[str, Any]
    hours: float = HOURS
    quick: bool = False


@contextmanager
def inside(project: Path) -> Iterator[None]:
    """Work in the folder of a project, under its variables, and come back."""
    before = dict(os.environ)
    with chdir(project):
        os.environ.update(environment(Path()))
        try:
            yield
        finally:
            for name in os.environ.keys() - before.keys():
                del os.environ[name]
            os.environ.update(before)


@contextmanager
def gone_if_refused(*paths: Path) -> Iterator[None]:
    """Remove files and folders that are new where their data set is refused: nothing was run."""
    new = [path.resolve() for path in paths if not path.exists()]
    try:
        yield
    except (DataError, OptionError):
        for path in new:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        raise
