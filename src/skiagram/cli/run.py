"""`skiagram run`: from images and labels to the report in one command."""

import argparse
import math
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from skiagram.cli.file_arguments import read_file_options
from skiagram.compute.files import locked
from skiagram.errors import DataError, OptionError, refusal
from skiagram.intake.file_options import FileOptions
from skiagram.projects.files import AT_WORK, environment, is_made, require_dvc, require_new
from skiagram.projects.left_out import explain_taken
from skiagram.steps.checked import CHECKED, remove_checked
from skiagram.steps.settled import digest_inputs, is_settled

_LISTS = ("baselines", "networks")
ASKED = (*_LISTS, "features", "restoration", "repeats", "folds")  # choices with words of their own
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


def run(arguments: argparse.Namespace) -> int:
    """Run everything that is out of date; return the exit code of the last step."""
    from skiagram.cli.show import show_results

    # What the line says: files, project and changed options.
    options = read_file_options(arguments)
    project: Path = arguments.project or Path(f"{options.short_name}-project")
    # addresses such as `svm.kernel`, and values in the words of YAML
    values: dict[str, Any] = {}
    for word in arguments.set:
        address, equals, text = word.partition("=")
        if not equals:
            raise refusal("cli.no_value", "--set", word=word, address=f"--set {address}")
        try:
            values[address] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise refusal("cli.unreadable_value", address, text=text) from error
    # choices of params.yaml that the line names by an option of their own
    choices: dict[str, Any] = {}
    for choice in ASKED:
        value = getattr(arguments, choice)
        if value is not None and choice in _LISTS:
            names = [name.strip() for name in value.split(",") if name.strip()]
            value = [] if names == ["none"] else names
        if value is not None:
            choices[choice] = value
    asked = Asked(options, choices, values, read_hours(arguments.hours), arguments.quick)
    code = run_data_set(asked, project)
    if code:
        return code
    code = show_results(project, shown=project)
    # A first look is no result: this is said below its figures.
    if arguments.quick:
        print("This was a first look, with two folds and few models. For results type the same")
        print("line without `--quick`.")
    return code


def run_data_set(asked: Asked, project: Path) -> int:
    """Check a data set, make or renew its project, and run every stage that is out of date.

    Args:
        project: Folder of the project; one that is there goes on where it stopped.

    Returns:
        The exit code of a stage that failed, else 0.

    Raises:
        SkiagramError: The data set or a choice cannot be used; nothing was run.
    """
    from skiagram.projects.running import run_stages

    require_dvc(project)
    folder = project.resolve()
    if not is_made(folder):
        require_new(folder)
    # The data set in its project, and what fits it; of the same line, files and choices nothing is
    # read again.
    asked = replace(asked, files=asked.files.resolved())
    inputs = digest_inputs(asked, asked.files.paths)
    if is_made(folder) and is_settled(folder, inputs):
        print(
            "Files, options and choices are as you have checked them before. What the audit found"
        )
        print("stands in the report.")
    else:
        from skiagram.cli.prepare import prepare_run  # takes seconds to import

        prepare_run(asked, project, inputs)
    # its run
    with inside(project), locked(Path(AT_WORK), WAITING):
        if warning := explain_taken(Path()):
            print(warning, file=sys.stderr)
        # its stages take over what was checked
        os.environ[CHECKED] = "yes"
        try:
            return run_stages(Path())
        finally:
            remove_checked(Path())


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
