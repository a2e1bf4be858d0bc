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

from skiagram.cli.check_report import checked_text
from skiagram.cli.file_arguments import read_file_options
from skiagram.cli.init import DataSet, check_data_set, write_data_set
from skiagram.composition import Composition
from skiagram.compute.files import locked, write_files
from skiagram.errors import DataError, OptionError, listed, printable, refusal
from skiagram.intake.file_options import FileOptions
from skiagram.intake.tables import AnyTable, describe_table
from skiagram.options import PARAMS, split_names
from skiagram.projects.files import (
    AT_WORK,
    CHOICES,
    environment,
    is_made,
    read_shipped,
    require_dvc,
    require_new,
    shipped_root,
)
from skiagram.projects.left_out import explain_taken
from skiagram.projects.option_files import edit_option_file, find_place
from skiagram.steps.check import offer_check
from skiagram.steps.checked import CHECKED, remove_checked
from skiagram.steps.digest import changed_files
from skiagram.steps.network_time import plan_network_time
from skiagram.steps.preflight import DataSetFacts, check_run, find_unread
from skiagram.steps.presets import FittingChoices, choices_of, read_encoders

_QUICK_FOLDS = 2
# What each line sets anew in params.yaml, so that a line without `--quick` is a whole run again.
_USUAL_CHOICES = (
    "restoration",
    "proposal",
    "features",
    "baselines",
    "encoders",
    "networks",
    "combinations",
    "repeats",
    "folds",
)
_LISTS = ("baselines", "networks")
ASKED = (*_LISTS, "features", "restoration", "repeats", "folds")  # choices with words of their own
_TOGETHER = "all_models"  # config of the combination of all arms
HOURS = 1 / 3  # for all networks
_WAITING = "Another `skiagram run` is at work in this project; waiting for its end."


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

    def resolved(self, composition: Composition) -> "Asked":
        """Return the same with whole paths, whole names of options and the encoders of models."""
        choices = dict(self.choices)
        if "baselines" in choices:
            choices["encoders"] = read_encoders(choices["baselines"], composition)
        find = composition.find_option
        values = {find(address): value for address, value in self.values.items()}
        return replace(self, files=self.files.resolved(), choices=choices, values=values)

    def choose(self, fitting: FittingChoices | None = None) -> dict[str, Any]:
        """Return what a run would be: choice of params.yaml → value.

        Args:
            fitting: What fits the data; None where that is not known.
        """
        shipped = read_shipped(CHOICES)
        chosen = {name: value for name, value in shipped.items() if name in _USUAL_CHOICES}
        if fitting is not None:
            chosen |= fitting.params
        if fitting is not None and self.quick:
            networks = fitting.params.get("networks", ["tiny_cnn"])
            chosen |= {"folds": _QUICK_FOLDS, "baselines": [*fitting.quick], "networks": networks}
        own = {name: value for name, value in self.values.items() if not name.startswith("conf.")}
        return {**chosen, **self.choices, **own}

    def leave_out_unread(
        self, chosen: dict[str, Any], composition: Composition, fitted: Mapping[str, Any]
    ) -> list[str]:
        """Take default models out of the choices whose features the line left out; return them.

        Args:
            fitted: Options of models that fit the data.
        """
        if "features" not in self.choices or "baselines" in self.choices:
            return []
        run = Composition(composition.root, {**chosen, **fitted})
        unread = find_unread(run, chosen["baselines"])
        chosen["baselines"] = [name for name in chosen["baselines"] if name not in unread]
        return [*unread]


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
    # What is chosen, before a project is made for it
    folder = project.resolve()
    if not is_made(folder):
        require_new(folder)
    composition = Composition(folder if is_made(folder) else shipped_root())
    asked = asked.resolved(composition)
    chosen = asked.choose()
    if asked.files.is_table and "features" not in asked.choices:
        chosen["features"] = "measured"
    asked.leave_out_unread(chosen, composition, {})
    check_run(Composition(composition.root, chosen | dict(asked.values)))
    # the table and the names of files, which must be there and need no project
    described = None if asked.files.is_arrays else describe_table(asked.files)
    # the data set and its project, by one command at a time
    with gone_if_refused(project), locked(project / AT_WORK, _WAITING), _inside(project):
        try:
            _add_and_choose(asked, described, project, composition)
        except BaseException:
            remove_checked(Path())
            raise
    # its run
    with _inside(project), locked(Path(AT_WORK), _WAITING):
        if warning := explain_taken(Path()):
            print(warning, file=sys.stderr)
        # its stages take over what was checked
        os.environ[CHECKED] = "yes"
        try:
            return run_stages(Path())
        finally:
            remove_checked(Path())


def _add_and_choose(
    asked: Asked, described: AnyTable | None, project: Path, composition: Composition
) -> None:
    """Add the data set to the project in this folder, and write what its run chooses.

    Args:
        described: The table; None for a file of arrays.
        project: As the user calls it.
        composition: Of the project, or of a new one.
    """
    # The data set, and the choices that fit it; one that is there is renewed.
    name = asked.files.short_name
    config = Path(f"conf/dataset/{name}.yaml")
    renew = config.exists()
    data_set = check_data_set(asked.files, renew=renew, described=described, run=composition)
    checked = data_set.checked
    # families that the line names may leave the covariates to subgroups alone
    families = split_names(asked.choices.get("features", "covariates"))
    choices = choices_of(checked, reads_covariates="covariates" in families)
    data, chosen = DataSetFacts.of_checked(checked), asked.choose(choices)
    fitted = {  # options of models that fit the data
        f"conf.model.{Path(file).stem}.{dotted}": value
        for file, file_values in choices.options.items()
        for dotted, value in file_values.items()
        if file.startswith("conf/model/")
    }
    if left_out := asked.leave_out_unread(chosen, composition, fitted):
        print(f"Left out, as `--features` has not what they read: {listed(left_out)}.")
    if not choices.files:  # else once the configs that it names are written
        changes = {**chosen, **fitted, **asked.values}
        del changes["dataset"]
        check_run(Composition(composition.root, changes), data)
    _write(data_set, project, config)
    write_files({path: text.encode() for path, text in choices.files.items()})
    if choices.files:
        check_run(Composition(Path(), {**chosen, **fitted, **asked.values}), data)
    # what was assumed; of the frozen network where the line leaves its models in
    if not asked.files.is_table:
        frozen = choices.frozen if asked.choices.get("encoders", True) else ""
        for sentence in filter(None, [choices.why, frozen]):
            print(sentence)
    # networks that there is time for
    if not asked.quick and "networks" not in asked.choices:
        choices, planned = plan_network_time(
            choices, asked.choices, asked.hours, of_classes=not data.predicted.has_value
        )
        chosen |= {"networks": choices.params.get("networks", chosen["networks"])}
        print(*filter(None, [planned]), flush=True)
    # all arms together are a row of the report, never what stands for an arm
    together = [_TOGETHER] if _TOGETHER in Composition(Path()).list_files("combination") else []
    several = bool(chosen["baselines"] and (chosen["encoders"] or chosen["networks"]))
    if several and "combinations" not in data.predicted.undefined and not asked.quick:
        chosen["combinations"] = asked.values.get("combinations", together)
    # into params.yaml and the configs
    changed = {file: dict(file_values) for file, file_values in choices.options.items()}
    for option, value in asked.values.items():
        path, dotted = find_place(option)
        if option not in chosen:
            changed.setdefault(path.as_posix(), {})[dotted] = value
    for file, file_values in {PARAMS: chosen, **changed}.items():
        edit_option_file(Path(file), file_values)


def _write(data_set: DataSet, project: Path, config: Path) -> None:
    """Make the project of a new data set and write it; say what it is, and offer it to stages.

    Raises:
        AuditStop: The audit found what makes every figure untrustworthy.
    """
    from skiagram.projects.files import make_project

    folder, checked, name = Path().resolve(), data_set.checked, data_set.files.name
    if not is_made(folder):
        print(*make_project(folder), f"The project is {project}.", flush=True)
    write_data_set(data_set)
    # the config tells every file of images
    files = changed_files(Path(), [name]) if data_set.files.of_features else None
    text = checked_text(checked)
    print(printable(text), end="\n\n" if text else "", flush=True)
    # After a finding that stops nothing is run.
    if checked.report.stopping:
        print(printable(checked.report.explain_stop({}, str(project / config)).rstrip()))
        raise refusal("cli.audit_stops", name)
    offer_check(checked, files)


@contextmanager
def _inside(project: Path) -> Iterator[None]:
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
