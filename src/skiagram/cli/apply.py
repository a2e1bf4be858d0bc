"""`skiagram apply`: a row of a sweep becomes the project's own run."""

import argparse
from pathlib import Path
from typing import Any

from skiagram.composition import Composition
from skiagram.errors import DataError, refusal
from skiagram.options import read_option_file
from skiagram.projects.files import require_project_here
from skiagram.projects.option_files import edit_option_file, find_dotted, find_place


def run(arguments: argparse.Namespace) -> int:
    """Write the options and say which; return 0."""
    changes, left = _read_changes(arguments.sweep, arguments.row)
    options = Composition(Path())
    # What another row sets, and this one leaves as it was, must not be applied already.
    for option, others in left.items():
        path, name = find_place(option)
        there = read_option_file(path, path.as_posix()) if path.is_file() else {}
        present = find_dotted(there, name)
        if present is not None and present in others:
            raise refusal(
                "cli.applied_row_differs",
                path.as_posix(),
                file=path.as_posix(),
                option=name,
                present=present,
                number=arguments.row,
            )
    # The changed options, by the file that they are in.
    by_file: dict[Path, dict[str, Any]] = {}
    for option, value in changes.items():
        path, name = find_place(options.find_option(option))
        by_file.setdefault(path, {})[name] = value
    # All files are there before the first is written.
    for path in by_file:
        if not path.is_file():
            raise refusal("cli.configs_gone", path.as_posix())
    for path, values in by_file.items():
        edit_option_file(path, values)
        for name, value in values.items():
            print(f"{path.as_posix()}: {name} = {value!r}")
    print("`dvc repro` makes it the project's run.")
    return 0


def _read_changes(name: str, number: int) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Read option → value of a row; and option that it leaves → its values in other rows.

    Raises:
        OptionError: There is no such sweep or row, or the row failed.
    """
    # The table that the sweep left in the project; to read it imports all that trains.
    require_project_here()
    from skiagram.records.files import read_record
    from skiagram.sweeps.rows import SCORED
    from skiagram.sweeps.table import RESULT, SweepResult

    path = Path("sweeps", name, RESULT)
    if not path.is_file():
        sweeps = sorted(table.parent.name for table in Path("sweeps").glob(f"*/{RESULT}"))
        allowed = ", ".join(sweeps) or "none: no sweep was run here"
        raise refusal("cli.no_sweep", name=name, sweeps=allowed)
    file = path.as_posix()
    try:
        result = read_record(SweepResult, path)
    except DataError as error:
        raise DataError(error.found, where=file, remedy="run the sweep again") from error
    # A row that failed, or that scored other images, cannot be taken over.
    rows = {each.row.number: each for each in result.rows}
    if number not in rows:
        raise refusal("cli.no_row", file, number=number, rows=len(rows))
    if rows[number].reason:
        reason = rows[number].reason
        raise refusal("cli.row_failed", file, number=number, reason=reason)
    changes = dict(rows[number].row.changes)
    if SCORED in changes:
        raise refusal("cli.row_of_other_images", file, number=number)
    # What other rows change and this one leaves as it is.
    left: dict[str, list[Any]] = {}
    for each in rows.values():
        for option in each.row.changes.keys() - changes.keys() - {SCORED}:
            left.setdefault(option, []).append(each.row.changes[option])
    return changes, left
