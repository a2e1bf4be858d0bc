"""`skiagram compare`: is one column of scores better than another, without a project."""

import argparse
import sys

import pandas as pd

from skiagram.cli.file_arguments import require_new
from skiagram.datasets.folder.columns import require_cells, require_columns
from skiagram.datasets.folder.roles import ROLES
from skiagram.evaluation.options import DEFAULT_MARGIN
from skiagram.report.notebook import compare
from skiagram.tables.frames import are_numbers, numbers_of, read_csv

_OF_COLUMNS = ("label", "a", "b", "patient", "others", "readers", "subgroups", "site", "fold")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict and its figures, write the page; return 0."""
    if arguments.output is not None:
        require_new(arguments.output, "HTML")
    table = read_csv(arguments.table, files=())

    named = {option: getattr(arguments, option) for option in _OF_COLUMNS}
    for option, names in named.items():
        columns = names if isinstance(names, list) else filter(None, [names])
        require_columns(table, columns, f"--{option}")
    # Cells of patients and sites are those of any table of cases.
    roles = [(named[role], check) for role in ("patient", "site") for check in ROLES[role].checks]
    checks = [(name, check) for name, check in roles if name]
    require_cells(table, checks)
    if repeated := int(table.duplicated().sum()):
        note = "rows repeat another one in every column; they count as rows of their own."
        print(f"{repeated} {note}", file=sys.stderr)

    def column(name: str) -> "pd.Series[str]":
        return table[name].replace("", None)

    def optional(name: str | None) -> "pd.Series[str] | None":
        return column(name) if name else None

    # Texts that are all numbers are numbers.
    parts = pd.DataFrame(
        {
            name: numbers_of(table[name]) if are_numbers(table[name]) else column(name)
            for name in arguments.subgroups
        }
    )
    # The comparison, printed and where asked written.
    comparison = compare(
        column(arguments.label),
        column(arguments.a),
        column(arguments.b),
        patients=optional(arguments.patient),
        margin=DEFAULT_MARGIN if arguments.margin is None else arguments.margin,
        positive=arguments.positive,
        others={name: column(name) for name in arguments.others},
        readers={name: column(name) for name in arguments.readers},
        subgroups=parts if arguments.subgroups else None,
        sites=optional(arguments.site),
        folds=optional(arguments.fold),
    )
    print(comparison)
    if arguments.output is not None:
        comparison.write(arguments.output)
        print(f"Wrote {arguments.output}.")
    return 0
