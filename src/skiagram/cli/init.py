"""`skiagram init`: a folder of one's own becomes a data set of the project at hand."""

import argparse
import os
import sys
from pathlib import Path

from skiagram.cli.folder_arguments import add_folder_arguments
from skiagram.errors import DataError, OptionError

NAME = "init"
SUMMARY = "make a folder of images and its CSV a data set of this project"
EXAMPLES = """\
  skiagram init films films.csv --positive malignant
      writes conf/dataset/films.yaml and its manifest, a checksum a file, and says what to run.
      It asks for nothing and overwrites nothing; every value can be edited in the option file.
  skiagram init films films.csv --positive malignant --renew
      again, after files or labels have changed; what you wrote about the set stays
  skiagram init films films.csv --positive malignant --test-sites Leeds --name screening
      external validation: train on all sites but Leeds, test on Leeds"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_folder_arguments(parser)
    parser.add_argument(
        "--renew",
        action="store_true",
        help="take up new files and labels; what the option file says of the set stays",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write option file and manifest; return 0, or 4 where `check` would."""
    from dataclasses import replace

    from skiagram.cli.described_folder import described_folder
    from skiagram.cli.reader_files import reader_files
    from skiagram.datasets.folder.option_file import OptionFiles
    from skiagram.datasets.folder.survey import survey
    from skiagram.datasets.ingest import task_of

    told = described_folder(arguments)
    source, design = told.source, told.design
    if len(source.classes) == 2 and source.positive_class is None:
        raise OptionError(
            "not told which class is looked for",
            where="--positive",
            allowed=" or ".join(source.classes),
            remedy=f"add `--positive '{source.classes[1]}'`, or the other",
        )
    task_of(source, design)
    files = OptionFiles(Path(), source.name)
    if arguments.renew:
        source = files.renewed(source)
    else:
        files.require_new()
    readers = reader_files(Path(), source.columns.scores)
    found = survey(source, arguments.folder, told.rows, design)
    if found.problems:
        print(*found.problems, sep="\n", file=sys.stderr)
        print("Nothing was written. `skiagram check` says more.", file=sys.stderr)
        return DataError.exit_code
    source = replace(source, folder=_place(arguments.folder), channels=found.channels)
    files.write(source, told.rows, {one.name: one.sha256 for one in found.examined})
    for path, text in readers.items():
        path.write_text(text, encoding="utf-8")
    print(_next(files.options, source.name, design, [*readers]))
    return 0


def _place(folder: Path) -> str:
    """Return the folder as the option file names it, so that other machines find it too."""
    root = os.environ.get("SKIAGRAM_DATA")
    whole = folder.resolve()
    if root and whole.is_relative_to(Path(root).resolve()):
        return whole.relative_to(Path(root).resolve()).as_posix()
    return str(whole)


def _next(options: Path, name: str, design: str, readers: list[Path]) -> str:
    beside = "".join(
        f"{path} (edit title); to compare, add {path.stem} to baselines in params.yaml\n"
        for path in readers
    )
    return f"""\
Written: {options} (edit title, modality, licence, known issues) and its manifest
{options.with_suffix(".csv")}, which holds your file names and patient ids: keep the repository as
private as they are.
{beside}
Next:
  git add {" ".join(map(str, [options, options.with_suffix(".csv"), *readers]))}
  dvc exp run -S dataset={name} -S design={design}
  dvc exp show

After files or labels have changed: the same line with --renew."""
