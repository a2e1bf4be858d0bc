"""What the commands that read files, tables and their columns ask alike; `FileOptions` holds it."""

import argparse
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from operator import ge, gt, le, lt
from pathlib import Path
from string import Template
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from skiagram.datasets.folder.roles import COLUMNS, NO_COLUMN, REGIONS, ROLES, option_of
from skiagram.errors import refusal
from skiagram.intake.file_options import (
    FEATURES,
    FILES,
    NAMES,
    OPTIONS,
    TASK,
    FileOptions,
)

USUAL = (  # what `--help` of the commands that read a folder shows
    *("--positive", "--label", "--patient", "--site", "--split", "--covariates", "--masks"),
    *("--pattern", "--time", "--event", "--number", "--grade", "--findings", "--name"),
)
_WITH_PATTERN = (
    "the table is made as `skiagram table` does, and CSV has labels by patients or images;\n"
    "--patient, --marks, --masks and --label-value are then those of `table`"
)


_TYPES = {"path": Path, "int": int, "float": float, "word": str.strip}
_BOUNDS = {"above": gt, "least": ge, "below": lt, "most": le}


def declare_arguments(parser: argparse.ArgumentParser, rows: Iterable[Mapping[str, Any]]) -> None:
    """Declare the arguments of a command by its rows of `commands.yaml`."""
    place: argparse._ActionsContainer = parser
    for row in rows:
        if "group" in row:
            place = parser.add_argument_group(row["group"])
        elif "options" in row:
            add_options(place, row["options"])
        elif "files" in row:
            add_file_arguments(parser, **row["files"])
        else:
            taken = dict(row)
            if "type" in taken:
                taken["type"] = _TYPES[taken["type"]]
            if "bounds" in taken:
                option = row["name"].split()[-1]
                taken["type"] = _within(taken["type"], option, **taken.pop("bounds"))
            if "help" in taken:
                patient = ", else ".join(ROLES["patient"].usual)
                taken["help"] = Template(taken["help"]).safe_substitute(patient=patient)
            place.add_argument(*taken.pop("name").split(), **taken)


def _within(
    kind: Callable[[str], float], option: str, allowed: str, **bounds: float
) -> Callable[[str], float]:
    """Return what reads a number of an option, and refuses one out of its bounds."""

    def read(text: str) -> float:
        number = kind(text)
        if not all(_BOUNDS[name](number, bound) for name, bound in bounds.items()):
            raise refusal("cli.out_of_bounds", option, text=text, allowed=allowed)
        return number

    read.__name__ = kind.__name__  # by which argparse says that a text is no number
    return read


def require_new(path: Path, where: str) -> None:
    """Refuse to replace a file."""
    if path.exists():
        remedy = "name another, or remove it"
        raise refusal("cli.exists", where, path=path, remedy=remedy)


def add_options(parser: argparse._ActionsContainer, names: Iterable[str]) -> None:
    """Declare options by their fields of `FileOptions`, in the order that these have there."""
    types = get_type_hints(FileOptions)
    for option in fields(FileOptions):
        if option.name not in names:
            continue
        declared, kind = OPTIONS[option.name], types[option.name]
        taken: dict[str, Any] = {"default": option.default}
        # what argparse takes for values of the field's type
        if isinstance(kind, UnionType) or NoneType in get_args(kind):
            (kind,) = {*get_args(kind)} - {NoneType}
        if kind is bool:
            taken["action"] = "store_true"
        elif get_origin(kind) is Literal:
            taken["choices"] = get_args(kind)
        elif get_origin(kind) is Sequence:
            taken |= {"nargs": "+", "type": get_args(kind)[0]}
        else:
            taken["type"] = kind
        text = declared.words
        if option.name not in ROLES:
            taken |= declared.taken
            taken |= {"type": _TYPES[declared.taken["type"]]} if "type" in declared.taken else {}
        elif declared.usual:
            text += f" (default: {', else '.join(declared.usual)}; `{NO_COLUMN}` for none)"
        else:
            text += " (default: none)"
            taken["metavar"] = "COLUMN"
        parser.add_argument(f"--{option_of(option.name)}", dest=option.name, help=text, **taken)


def list_options(group: str, *, cohort: bool = False) -> list[str]:
    """Return the fields of a group, those of roles first.

    Args:
        cohort: Whether finished models score what is read; some options have no say then.
    """
    return [
        option.name
        for option in fields(FileOptions)
        if (declared := OPTIONS.get(option.name)) is not None
        and declared.group == group
        and (declared.of_cohort or not cohort)
    ]


def add_outcome_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what each kind of outcome asks; several may ask the same."""
    from skiagram.tasks.kinds import KINDS

    *kinds, last = (kind.kind for kind in KINDS)
    title = f"{', '.join(kinds)} or {last}, in place of classes"
    group = parser.add_argument_group(title)
    for option in {option.name: option for kind in KINDS for option in kind.options}.values():
        taken: dict[str, Any] = {"nargs": "+"} if option.several else {}
        taken |= {"type": float if option.numbers else str, "metavar": option.metavar}
        group.add_argument(option.flag, help=option.words, **taken)


def add_file_arguments(
    parser: argparse.ArgumentParser, *, cohort: bool = False, tables: bool = True
) -> None:
    """Declare the arguments.

    Args:
        cohort: Whether finished models score the folder: nothing is split, and no marks or scores
            of readers are read.
        tables: Whether a table of features may stand in place of the folder.
    """
    parser.set_defaults(cohort=cohort)
    folder = "folder of image files, or .tar.age"
    parser.add_argument("folder", metavar="FOLDER", type=Path, help=folder)
    table = "table with one row per file; none where each class has a folder (`yes/`, `no/`)"
    parser.add_argument("csv", metavar="CSV", type=Path, nargs="?", help=table)
    for title in (FILES, COLUMNS, REGIONS, TASK):
        add_options(parser.add_argument_group(title), list_options(title, cohort=cohort))
    add_outcome_arguments(parser)
    if not cohort:
        add_options(parser.add_argument_group(NAMES, _WITH_PATTERN), list_options(NAMES))
    if tables:
        add_options(parser.add_argument_group(FEATURES), list_options(FEATURES, cohort=cohort))


def read_file_options(arguments: argparse.Namespace) -> FileOptions:
    """Read what the arguments of `add_file_arguments` say; others play no part.

    Raises:
        OptionError: The table stands before the folder.
    """
    from skiagram.tasks.kinds import KINDS

    # Folder and table in the wrong order are told apart by what they are.
    said = vars(arguments)
    folder, csv = said["folder"], said.get("csv")
    if csv is not None and csv.is_dir() and folder.is_file():
        line = shlex.join([str(csv), str(folder)])
        raise refusal("cli.folder_after_table", str(folder), line=line)
    # What belongs to an outcome, and all other fields by their names.
    outcome = {
        option.name: said[option.name]
        for kind in KINDS
        for option in kind.options
        if option.name in said
    }
    taken = {field.name: said[field.name] for field in fields(FileOptions) if field.name in said}
    return FileOptions(**taken | {"outcome": outcome})
