"""`skiagram check`: what is in a folder, and all that would stop a run on it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.cli.folder_arguments import add_folder_arguments
from skiagram.errors import DataError

if TYPE_CHECKING:
    from skiagram.cli.project import Choices
    from skiagram.records import Cases, Design

NAME = "check"
SUMMARY = "look at a folder of images and its CSV before anything runs"
EXAMPLES = """\
  skiagram check films films.csv
      counts by class, patient, split and size; duplicates; every file that cannot be used, with
      its remedy; how long a run takes. Nothing is written.
  skiagram check films films.csv --label diagnosis --patient woman --test-sites Leeds
      other column names; train on all sites but Leeds, test on Leeds"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_folder_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the survey; return 0 when the set can be run, 4 when not."""
    from skiagram.cli.described_folder import described_folder
    from skiagram.cli.project import choices_of
    from skiagram.cli.run_estimate import disk_text, time_text
    from skiagram.cli.survey_text import survey_text
    from skiagram.datasets.folder.survey import survey

    told = described_folder(arguments)
    source, design = told.source, told.design
    found = survey(source, arguments.folder, told.rows, design)
    choices = choices_of(Path())
    if choices is not None and not found.problems:
        found.problems.extend(_fold_problems(found.cases, choices, design))
    print(survey_text(found, source, design), end="\n\n")
    if found.examined:
        if choices is not None:
            print(time_text(found.examined, arguments.folder, Path(), choices, design))
        print(disk_text(found.examined), end="\n\n")
    if found.runnable:
        print("This data set can be run. Next: `skiagram init` with the same arguments.")
        return 0
    print("This data set cannot be run as it is.")
    return DataError.exit_code


def _fold_problems(cases: "Cases", choices: "Choices", design: "Design") -> list[DataError]:
    """Return what would stop training: too few patients for the chosen folds."""
    from skiagram.splits import grouped_folds

    try:
        known = cases.development()
        for fold in grouped_folds(known.label, known.patient_id, choices.folds, 0):
            if design == "cv":
                part = known.select(fold.training)
                grouped_folds(part.label, part.patient_id, choices.inner_folds, 0)
    except DataError as error:
        return [error]
    return []
