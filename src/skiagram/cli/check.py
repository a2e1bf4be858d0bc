"""`skiagram check`: what is in a folder, and all that would stop a run on it."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiagram.cli.array_files import ENDING, describe_arrays
from skiagram.cli.feature_tables import (
    add_feature_arguments,
    audit_rows,
    is_table,
    read_features,
    require_runnable,
)
from skiagram.cli.folder_arguments import (
    add_folder_arguments,
    read_folder_arguments,
    require_new,
)
from skiagram.errors import DataError, printable

if TYPE_CHECKING:
    from skiagram.datasets.folder.source import Folder
    from skiagram.datasets.folder.survey import Survey
    from skiagram.models.cross_validation import Plan
    from skiagram.tasks.task import Design

NAME = "check"
SUMMARY = "check a folder of images and its CSV before a run"
EXAMPLES = """\
  skiagram check images images.csv
      shows counts per class, patient, split and size, duplicates, every file that cannot be used
      and what to do about it, and how much disk a run takes. Nothing is written.
  skiagram check images images.csv --text-examples to_look_at
      cuts out marks that look like text in the borders of images, for a person to look at; the
      folder is new, lies where you say and holds what may name a patient
  skiagram check images images.csv --label diagnosis --patient person --test-sites Leeds
      other column names; train on all sites except Leeds, test on Leeds"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add_folder_arguments(parser)
    add_feature_arguments(parser)
    parser.add_argument(
        "--text-examples",
        metavar="NEW_FOLDER",
        type=Path,
        help="new folder for pictures of marks that look like text; keep it as private as the "
        "images",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print the survey; return 0 when the set can be run, 4 when not."""
    from dataclasses import replace

    from skiagram.cli.check_report import (
        disk_text,
        left_out,
        patient_hint,
        spelling_hints,
        survey_text,
        text_in_pixels,
        write_text_examples,
    )
    from skiagram.datasets.folder.survey import survey_folder

    if is_table(arguments.folder) or arguments.folder.suffix == ENDING:
        if is_table(arguments.folder):
            return _check_table(arguments)
        print(printable(describe_arrays(arguments)))
        print("\nThis data set can be run. Next: `skiagram run` with the same arguments.")
        return 0
    described = read_folder_arguments(arguments)
    source, design = described.source, described.design
    examples: Path | None = arguments.text_examples
    if examples is not None:
        require_new(examples, "--text-examples")
    survey = survey_folder(
        source, arguments.folder.resolve(), described.rows, design, described.settling
    )
    source = replace(source, gray=survey.gray)
    _check_folds(survey, source, design)
    parts = [
        "\n".join(described.notes),
        survey_text(survey, source, design),
        text_in_pixels(survey.examined),
    ]
    if examples is not None:
        number = write_text_examples(survey, examples, source.reading)
        parts.append(f"{number} pictures of such marks: {examples}. Look at them.")
    parts += [left_out(described), spelling_hints(described), patient_hint(described)]
    if survey.examined:
        parts.append(disk_text(survey.examined))
    print(printable("\n\n".join(filter(None, parts))), end="\n\n")
    if survey.runnable:
        print(
            "This data set can be run. Next: `skiagram run` with the same arguments; in a project"
        )
        print("or a clone, where you choose more yourself, `skiagram init`.")
        return 0
    waive = "" if survey.problems else " or waive the findings marked STOP (`init` says how)"
    print(f"This data set cannot be run yet: solve the problems above first{waive}.")
    return DataError.exit_code


def _check_table(arguments: argparse.Namespace) -> int:
    """Print what a table of features holds, and what the audit will say of its rows."""
    described = read_features(arguments)
    require_runnable(described, _usual_plan())
    sentence, report = audit_rows(described)
    print(printable("\n\n".join(filter(None, [described.text(), sentence]))))
    if report.stopping:
        print(printable(f"\n{report.explain_stop({})}"))
        print("This data set cannot be run yet: solve the problems above first.")
        return DataError.exit_code
    print("\nThis data set can be run. Next: `skiagram run` with the same arguments.")
    return 0


def _usual_plan(fitting: Mapping[str, Any] | None = None) -> "Plan":
    """Return the plan of the project in this folder, or that of a new one with fitting choices."""
    from skiagram.composition import Composition
    from skiagram.models.cross_validation import Plan
    from skiagram.options import PARAMS, PLAN, check, find_value
    from skiagram.projects.files import shipped_root

    here = Path(PARAMS).is_file()
    options = Composition(Path() if here else shipped_root(), {} if here else dict(fitting or {}))
    return check(Plan, find_value(options.read_shared("plan"), "plan", PLAN), "plan")


def _check_folds(survey: "Survey", source: "Folder", design: "Design") -> None:
    """Folds that patients are too few for become a problem, by the choices here or of `run`."""
    from skiagram.cli.fitting_choices import fitting_choices

    if survey.problems:
        return
    covariates = source.columns.covariates
    fitting = fitting_choices(source.name, survey, design, source.outcome, covariates).params
    cases = survey.ingested.development()
    try:
        _usual_plan(fitting).check_folds(design, cases.label, cases.patient_id)
    except DataError as error:
        survey.problems.append(error)
