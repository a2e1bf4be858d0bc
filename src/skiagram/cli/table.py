"""`skiagram table`: the CSV of a folder, made of its files' names and a table of labels."""

import argparse

from skiagram.cli.file_arguments import (
    read_file_options,
    require_new,
)
from skiagram.compute.files import write_files
from skiagram.errors import printable
from skiagram.intake.named_files import compose_table
from skiagram.tables.frames import csv_text


def run(arguments: argparse.Namespace) -> int:
    """Write the table and say what it holds and lacks; return 0."""
    # The table is new: none is overwritten.
    options, output = read_file_options(arguments), arguments.output
    folder = options.folder
    require_new(output, "CSV")
    # a row for each file of a folder
    table = compose_table(options)
    write_files({output: csv_text(table.frame).encode()})
    # What the next line has to name.
    print(f"Wrote {output}, {len(table.frame)} rows.")
    line = f"Next: skiagram check {folder} {output} --ignore-unlisted"
    label = "lesion" if options.marks else "" if options.csv is None else "COLUMN"
    line += f" --label {label}" if label else ""
    line += f" --masks {table.options.masks}" if table.options.masks else ""
    print(*map(printable, table.notes), line, sep="\n")
    return 0
