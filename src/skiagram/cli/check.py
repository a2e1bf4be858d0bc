"""`skiagram check`: what is in a folder, and all that would stop a run on it."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.cli.folder_arguments import add_folder_arguments, read_folder_arguments
from skiagram.errors import DataError, OptionError

if TYPE_CHECKING:
    from skiagram.models.cross_validation import Plan
    from skiagram.records import Cases, Design

NAME = "check"
SUMMARY = "check a folder of images and its CSV before a run"
EXAMPLES = """\
  skiagram check images images.csv
      shows counts per class, patient, split and size, duplicates, every file that cannot be used
      and what to do about it, and how long a run takes. Nothing is written.
  skiagram check images images.csv --text-examples to_look_at
      cuts out marks that look like text in the borders of images, for a person to look at; the
      folder is new, lies where you say and holds what may name a patient
  skiagram check images images.csv --label diagnosis --patient person --test-sites Leeds
      other column names; train on all sites except Leeds, test on Leeds"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_folder_arguments(parser)
    parser.add_argument(
        "--text-examples",
        metavar="NEW_FOLDER",
        type=Path,
        help="new folder for pictures of marks that look like text; keep it as private as the "
        "images",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the survey; return 0 when the set can be run, 4 when not."""
    from skiagram.cli.check_report import (
        disk_text,
        left_out_text,
        patient_hint,
        read_choices,
        survey_text,
        text_in_pixels,
        time_text,
        write_text_examples,
    )
    from skiagram.datasets.folder.survey import survey_folder

    described = read_folder_arguments(arguments)
    source, design = described.source, described.design
    examples: Path | None = arguments.text_examples
    if examples is not None and examples.exists():
        raise OptionError(
            f"{examples} exists", where="--text-examples", allowed="a folder that is yet to be made"
        )
    survey = survey_folder(source, arguments.folder, described.rows, design)
    choices = read_choices(Path())
    if choices is not None and not survey.problems:
        survey.problems.extend(_fold_problems(survey.ingested, choices.plan, design))
    print(survey_text(survey, source, design), end="\n\n")
    in_pixels = text_in_pixels(survey.examined)
    if in_pixels:
        print(in_pixels, end="\n\n")
    if examples is not None:
        number = write_text_examples(survey, examples)
        print(f"{number} pictures of such marks: {examples}. Look at them.", end="\n\n")
    left = left_out_text(described.rows, source.columns)
    if left:
        print(left, end="\n\n")
    hint = patient_hint(described.rows, source.columns)
    if hint:
        print(hint, end="\n\n")
    if survey.examined:
        if choices is not None:
            print(time_text(survey.examined, survey.files, Path(), choices, design))
        print(disk_text(survey.examined), end="\n\n")
    if survey.runnable:
        print("This data set can be run. Next: `skiagram init` with the same arguments.")
        return 0
    print("This data set cannot be run yet: solve the problems above first.")
    return DataError.exit_code


def _fold_problems(cases: "Cases", plan: "Plan", design: "Design") -> list[DataError]:
    """Return what would stop training: too few patients for the chosen folds."""
    known = cases.development()
    try:
        plan.check_folds(design, known.label, known.patient_id)
    except DataError as error:
        return [error]
    return []
