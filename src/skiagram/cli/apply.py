"""`skiagram apply`: a row of a sweep becomes the project's own run."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skiagram.composition import Composition
from skiagram.errors import DataError, OptionError
from skiagram.options import read_option_file
from skiagram.projects.option_files import edit_option_file, find_place
from skiagram.records.files import read_record
from skiagram.sweeps.rows import SCORED
from skiagram.sweeps.table import RESULT, SweepResult


def run(arguments: argparse.Namespace) -> int:
    """Write the options and say which; return 0."""
    changes, left = _read_changes(arguments.sweep, arguments.row)
    options = Composition(Path())
    _refuse_applied(left, arguments.row)
    # The changed options, by the file that they are in.
    by_file: dict[Path, dict[str, Any]] = {}
    for option, value in changes.items():
        path, name = find_place(options.find_option(option))
        by_file.setdefault(path, {})[name] = value
    # All files are there before the first is written.
    for path in by_file:
        if not path.is_file():
            remedy = "run the sweep again: the project has other configs by now"
            raise OptionError("is no file", where=path.as_posix(), remedy=remedy)
    for path, values in by_file.items():
        edit_option_file(path, values)
        for name, value in values.items():
            print(f"{path.as_posix()}: {name} = {value!r}")
    print("`dvc repro` makes it the project's run.")
    return 0


def _refuse_applied(left: Mapping[str, Sequence[Any]], number: int) -> None:
    """Refuse to apply a row beside what another row sets and this one leaves as it was.

    Args:
        left: Option that the row leaves → its values in other rows.
        number: Of the row.
    """
    for option, values in left.items():
        path, name = find_place(option)
        present: Any = read_option_file(path, path.as_posix()) if path.is_file() else {}
        for part in name.split("."):
            present = present.get(part) if isinstance(present, dict) else None
        if present is not None and present in values:
            raise OptionError(
                f"{name} = {present!r}, as another row has it; row {number} was run without",
                where=path.as_posix(),
                allowed="the value that the file had when the sweep was run",
                remedy=f"set it back (`git diff {path.as_posix()}` shows it), then apply the row; "
                "if this was the value, apply the row that names it",
            )


def _read_changes(name: str, number: int) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Read option → value of a row; and option that it leaves → its values in other rows.

    Raises:
        OptionError: There is no such sweep or row, or the row failed.
    """
    # The table that the sweep left in the project.
    if not Path("params.yaml").is_file():
        remedy = "go to the project's folder first"
        raise OptionError("no params.yaml here", where="apply", remedy=remedy)
    path = Path("sweeps", name, RESULT)
    if not path.is_file():
        sweeps = sorted(table.parent.name for table in Path("sweeps").glob(f"*/{RESULT}"))
        allowed = ", ".join(sweeps) or "none: no sweep was run here"
        raise OptionError(f"no sweep `{name}`", where="apply", allowed=allowed)
    try:
        result = read_record(SweepResult, path)
    except DataError as error:
        raise DataError(error.found, where=path.as_posix(), remedy="run the sweep again") from error
    # A row that failed, or that scored other images, cannot be taken over.
    rows = {each.row.number: each for each in result.rows}
    if number not in rows:
        raise OptionError(f"no row {number}", where=path.as_posix(), allowed=f"1 to {len(rows)}")
    if rows[number].reason:
        table = f"row {number} failed: {rows[number].reason}"
        raise OptionError(table, where=path.as_posix(), remedy="choose another row")
    changes = dict(rows[number].row.changes)
    if SCORED in changes:
        table = f"row {number} scores other images than those of a run"
        remedy = "choose the row of the unchanged images"
        raise OptionError(table, where=path.as_posix(), remedy=remedy)
    # What other rows change and this one leaves as it is.
    left: dict[str, list[Any]] = {}
    for each in rows.values():
        for option in each.row.changes.keys() - changes.keys() - {SCORED}:
            left.setdefault(option, []).append(each.row.changes[option])
    return changes, left
