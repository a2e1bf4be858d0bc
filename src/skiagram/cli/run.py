"""`skiagram run`: from images and labels to the report in one command."""

import argparse
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from skiagram.cli.check_report import checked_text
from skiagram.cli.file_arguments import read_file_options
from skiagram.cli.init import add_data_set
from skiagram.composition import Composition
from skiagram.compute.files import locked, write_files
from skiagram.errors import AuditStop, DataError, OptionError, printable, refusal
from skiagram.intake.file_options import FileOptions
from skiagram.intake.tables import AnyTable, describe_table
from skiagram.options import PARAMS
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
from skiagram.steps.check import AnyChecked, KeptCheck, offer_check
from skiagram.steps.checked import CHECKED, remove_checked
from skiagram.steps.digest import changed_files
from skiagram.steps.network_time import plan_network_time
from skiagram.steps.preflight import DataSetFacts, check_run
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
        raise refusal("cli.hours", kind=OptionError, text=text)
    return hours


def run(arguments: argparse.Namespace) -> int:
    """Run everything that is out of date; return the exit code of the last step."""
    from skiagram.cli.show import show_results

    # What the line says: files, project and changed options.
    options = read_file_options(arguments)
    project: Path = arguments.project or Path(f"{options.short_name}-project")
    values = _read_values(arguments.set)
    # choices of params.yaml that the line names by an option of their own
    user_choices: dict[str, Any] = {}
    for choice in ASKED:
        value = getattr(arguments, choice)
        if value is not None and choice in _LISTS:
            names = [name.strip() for name in value.split(",") if name.strip()]
            value = [] if names == ["none"] else names
        if value is not None:
            user_choices[choice] = value
    code = run_data_set(
        options, project, user_choices, values, read_hours(arguments.hours), quick=arguments.quick
    )
    if code:
        return code
    code = show_results(project, shown=project)
    # A first look is no result: this is said below its figures.
    if arguments.quick:
        print("This was a first look, with two folds and few models. For results type the same")
        print("line without `--quick`.")
    return code


def run_data_set(
    options: FileOptions,
    project: Path,
    user_choices: Mapping[str, Any],
    values: Mapping[str, Any],
    hours: float = HOURS,
    *,
    quick: bool = False,
) -> int:
    """Check a data set, make or renew its project, and run every stage that is out of date.

    Args:
        options: The files of the data set.
        project: Folder of the project; one that is there goes on where it stopped.
        user_choices: Choice of params.yaml, one of `ASKED` → value.
        values: Address of any other option, such as `svm.kernel` → value.
        hours: For training all networks.
        quick: Whether it is a first look: two folds, few baselines and a tiny network.

    Returns:
        The exit code of a stage that failed, else 0.

    Raises:
        SkiagramError: The data set or a choice cannot be used; nothing was run.
    """
    from skiagram.projects.files import make_project
    from skiagram.projects.running import run_stages

    require_dvc(project)
    options, user_choices = options.resolved(), dict(user_choices)
    # What is chosen, before a project is made for it
    folder = project.resolve()
    if not is_made(folder):
        require_new(folder)
    usual = {name: value for name, value in read_shipped(CHOICES).items() if name in _USUAL_CHOICES}
    composition = Composition(folder if is_made(folder) else shipped_root())
    if "baselines" in user_choices:
        user_choices["encoders"] = read_encoders(user_choices["baselines"], composition)
    values = {composition.find_option(address): value for address, value in values.items()}
    check_run(Composition(composition.root, usual | user_choices | values))
    # the table and the names of files, which must be there and need no project
    described = None if options.is_arrays else describe_table(options)

    def begin() -> None:
        """Make the project, once its data can be used and its choices followed."""
        if not is_made(folder):
            print(*make_project(folder), f"The project is {project}.", flush=True)

    # the data set and its project, by one command at a time
    with gone_if_refused(project), locked(project / AT_WORK, _WAITING), _inside(project):
        checking = options, described, project, composition, begin
        try:
            _add_and_choose(*checking, usual, user_choices, values, hours, quick=quick)
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
    options: FileOptions,
    described: AnyTable | None,
    project: Path,
    composition: Composition,
    begin: Callable[[], None],
    usual: Mapping[str, Any],
    user_choices: Mapping[str, Any],
    values: Mapping[str, Any],
    hours: float,
    *,
    quick: bool,
) -> None:
    """Add the data set to the project in this folder, and write what its run chooses.

    Args:
        composition: Of the project, or of a new one.
        begin: Makes the project, once its data can be used and its choices followed.
        usual: Choices of a new project, by name; see `run_data_set` for the others.
        values: Whole name of an option → value.
    """

    def choose(choices: FittingChoices) -> dict[str, Any]:
        """Return what a run of it all would be: choice of params.yaml → value."""
        first_look: dict[str, Any] = {}
        if quick:
            networks = choices.params.get("networks", ["tiny_cnn"])
            baselines = [*choices.quick]
            first_look = {"folds": _QUICK_FOLDS, "baselines": baselines, "networks": networks}
        own = {name: value for name, value in values.items() if not name.startswith("conf.")}
        return {**usual, **choices.params, **first_look, **user_choices, **own}

    def begin_with(checked: AnyChecked) -> None:
        """Make the project once what fits the data can be followed, its own new configs apart."""
        choices = choices_of(checked)
        changes = {**choose(choices), **values}
        del changes["dataset"]
        if not choices.files:
            data = DataSetFacts.of_checked(checked.source, checked.data)
            check_run(Composition(composition.root, changes), data)
        begin()

    # The data set, and the choices that fit it.
    kept = KeptCheck.of_run(composition)
    choices, data = _add_checked(options, described, project, kept, begin_with)
    chosen = choose(choices)
    if choices.files:
        check_run(Composition(Path(), {**chosen, **values}), data)
    # what was assumed; of the frozen network where the line leaves its models in
    if not options.is_table:
        frozen = choices.frozen if user_choices.get("encoders", True) else ""
        for sentence in filter(None, [choices.why, frozen]):
            print(sentence)
    # networks that there is time for
    if not quick and "networks" not in user_choices:
        choices, planned = plan_network_time(
            choices, user_choices, hours, of_classes=not data.predicted.has_value
        )
        chosen |= {"networks": choices.params.get("networks", chosen["networks"])}
        print(*filter(None, [planned]), flush=True)
    # all arms together are a row of the report, never what stands for an arm
    together = [_TOGETHER] if _TOGETHER in Composition(Path()).list_files("combination") else []
    several = bool(chosen["baselines"] and (chosen["encoders"] or chosen["networks"]))
    if several and "combinations" not in data.predicted.undefined and not quick:
        chosen["combinations"] = values.get("combinations", together)
    # into params.yaml and the configs
    changed = {file: dict(file_values) for file, file_values in choices.options.items()}
    for name, value in values.items():
        path, option = find_place(name)
        if name not in chosen:
            changed.setdefault(path.as_posix(), {})[option] = value
    for file, file_values in {PARAMS: chosen, **changed}.items():
        edit_option_file(Path(file), file_values)


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


def _add_checked(
    options: FileOptions,
    described: AnyTable | None,
    project: Path,
    kept: KeptCheck,
    begin: Callable[[AnyChecked], None],
) -> tuple[FittingChoices, DataSetFacts]:
    """Add or renew a data set; return the choices that fit it, and its facts."""
    # A data set that is there is renewed.
    name = options.short_name
    config = Path(f"conf/dataset/{name}.yaml")
    renew = config.exists()
    added = add_data_set(options, renew=renew, described=described, kept=kept, begin=begin)
    checked = added.checked
    source, data, choices = checked.source, checked.data, choices_of(checked)
    # the config tells every file of images
    files = changed_files(Path(), [name]) if added.files.of_features else None
    text = checked_text(checked)
    print(printable(text), end="\n\n" if text else "", flush=True)
    # After a finding that stops nothing is run.
    if data.report.stopping:
        print(printable(data.report.explain_stop({}, str(project / config)).rstrip()))
        raise refusal("cli.audit_stops", name, kind=AuditStop)
    # What stages take over.
    offer_check(kept, name, data, source.design, files)
    write_files({path: text.encode() for path, text in choices.files.items()})
    return choices, DataSetFacts.of_checked(source, data)


def _read_values(words: Sequence[str]) -> dict[str, Any]:
    """Read address → value of words such as `svm.kernel=linear`.

    Raises:
        OptionError: A word has no value, or none that can be read.
    """
    values = {}
    # An address, and a value in the words of YAML.
    for word in words:
        address, equals, text = word.partition("=")
        if not equals:
            address = f"--set {address}"
            raise refusal("cli.no_value", "--set", kind=OptionError, word=word, address=address)
        try:
            values[address] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise refusal("cli.unreadable_value", address, kind=OptionError, text=text) from error
    return values
