"""`skiagram run`: from images and labels to the report in one command."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from skiagram.cli.asked import ASKED, WAITING, Asked, inside, read_hours, take_choices
from skiagram.cli.file_arguments import read_file_options
from skiagram.compute.files import locked
from skiagram.errors import refusal
from skiagram.options import OptionLoader
from skiagram.projects.files import AT_WORK, is_made, require_dvc, require_new
from skiagram.projects.left_out import explain_taken
from skiagram.steps.checked import CHECKED, remove_checked
from skiagram.steps.settled import digest_inputs, is_settled


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
            values[address] = yaml.load(text, Loader=OptionLoader)  # noqa: S506, a SafeLoader
        except yaml.YAMLError as error:
            raise refusal("cli.unreadable_value", address, text=text) from error
    # choices of params.yaml, by an option of their own or by `--set`
    values |= {name: vars(arguments)[name] for name in ASKED if vars(arguments)[name] is not None}
    choices = take_choices(values)
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
