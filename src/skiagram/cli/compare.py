"""`skiagram compare`: is one column of scores better than another, without a project."""

import argparse
from pathlib import Path

from skiagram.cli.file_arguments import require_new

NAME = "compare"
SUMMARY = "say whether one column of scores is better than another, by how much and how surely"
EXAMPLES = """\
  skiagram compare scores.csv --label label --a new --b old --patient patient
      a row per case; higher scores where the condition is more likely. Scores may be a product's,
      another framework's or a reader's, of cases that their model was not trained on
  skiagram compare scores.csv --label label --positive malignant --a nnunet --b radiomics \\
      --patient patient --others forest --readers reader1 reader2 --subgroups age sex --site site \\
      -o comparison.html
      labels as text; more columns, corrected by Holm; readers, parts and sites; a page"""

_OF_COLUMNS = ("label", "a", "b", "patient", "others", "readers", "subgroups", "site", "fold")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("table", metavar="CSV", type=Path, help="a row per case, with labels and scores")
    add("--label", required=True, help="column of the labels, 0 and 1 or any two words")
    add("--a", required=True, help="column of the scores that may be better")
    add("--b", required=True, help="column of the scores that they would replace")
    add(
        "--patient",
        help="column that says whose case it is (default: each case counts as a patient)",
    )
    add("--positive", help="label of the condition looked for (default: 1)")
    add("--margin", type=float, help="smallest difference in AUC that counts (default: 0.02)")
    add("--others", nargs="+", default=[], help="further columns of scores")
    add("--readers", nargs="+", default=[], help="columns of readers' scores")
    add("--subgroups", nargs="+", default=[], help="columns whose values define subgroups")
    add("--site", help="column of the site; says where the next site may lie")
    add("--fold", help="column of the fit that scored a case, in a cross-validation")
    add("-o", "--output", metavar="HTML", type=Path, help="page to write; must be new")


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict and its figures, write the page; return 0."""
    import pandas as pd

    from skiagram.datasets.folder.columns import require_columns
    from skiagram.evaluation.options import DEFAULT_MARGIN
    from skiagram.report.notebook import compare
    from skiagram.tables.frames import are_numbers, numbers_of, read_csv

    if arguments.output is not None:
        require_new(arguments.output, "HTML")
    table = read_csv(arguments.table, files=())

    named = {option: getattr(arguments, option) for option in _OF_COLUMNS}
    for option, names in named.items():
        columns = names if isinstance(names, list) else filter(None, [names])
        require_columns(table, columns, f"--{option}")

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
