"""`skiagram validate`: a finished project's models on the labelled cohort of another hospital."""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from skiagram.cli.folder_arguments import (
    FolderArguments,
    add_folder_arguments,
    name_of,
    read_folder_arguments,
)
from skiagram.cli.predict import compute_of
from skiagram.errors import DataError, OptionError

if TYPE_CHECKING:
    from skiagram.datasets.folder.source import Folder
    from skiagram.datasets.folder.survey import Survey
    from skiagram.evaluation.evaluation_record import Evaluation
    from skiagram.evaluation.options import EvaluationOptions
    from skiagram.records.cases import DataCard
    from skiagram.steps.validate import Project, Shared, Validation
    from skiagram.sweeps.workspace import Workspace

NAME = "validate"
SUMMARY = "score the labelled cohort of another hospital with a finished project's models"
EXAMPLES = """\
  skiagram validate breast-project leeds leeds.csv
      every model of the project scores the images; nothing is trained or chosen anew. Verdict,
      figures beside those at home, calibration before and after updating, what tells the cohorts
      apart: a page, tables and a record in breast-project/reports/validations/leeds
  skiagram validate breast-project hospitals hospitals.csv --site hospital
      several cohorts: each one's figures, and the worst of them
  skiagram validate breast-project leeds leeds.csv --classes gutartig boesartig
      the table's words for the project's classes, in the project's order

The opening of the labels is noted in the project's ledger. Cases of development patients, and
images with a near duplicate among the development images, are refused."""

_FOLDER = Path("reports/validations")
_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("project", metavar="PROJECT", type=Path, help="folder of a finished run")
    add_folder_arguments(parser, cohort=True)
    add = parser.add_argument
    add(
        "--shared",
        choices=("refuse", "leave-out"),
        default="refuse",
        help="cases of patients or images that the development data have (default: refuse)",
    )
    add(
        "--patient-ids",
        choices=("same", "apart"),
        default="same",
        help="whether an id that both name is the same patient, or of another numbering "
        "(default: same)",
    )
    add("--workers", type=int, metavar="N", help="cases at a time (default: one a processor)")
    add("--force", action="store_true", help="replace an earlier validation of this name")


def run(arguments: argparse.Namespace) -> int:
    """Score, evaluate and write; return 0."""
    from skiagram.compute.checkout import home
    from skiagram.projects.files import environment
    from skiagram.sealing.ledger import describe_openings
    from skiagram.steps.validate import Project, ingest_cohort, validate
    from skiagram.sweeps.workspace import Workspace

    for name in ("folder", "csv"):
        if getattr(arguments, name) is not None:
            setattr(arguments, name, getattr(arguments, name).resolve())
    shown = arguments.project
    if not shown.is_dir():
        raise DataError("no such folder", where=str(shown))
    os.chdir(shown)
    os.environ.update(environment(Path()))
    project, compute = Project.open(Path()), compute_of(arguments.workers)
    workspace = replace(Workspace.of_project(Path()), compute=compute)
    name = name_of(arguments)
    target = _FOLDER / name
    if target.exists() and not arguments.force:
        remedy = "name another with --name, or give --force"
        raise OptionError(f"{shown / target} exists", where="--name", remedy=remedy)
    described = _read_cohort(arguments, project, _columns_at_home(workspace))
    with TemporaryDirectory(prefix="skiagram-validate-") as place:
        survey, source = _survey(described, arguments, project, Path(place))
        cohort = Path(place, "cohort")
        patients = ingest_cohort(project, source, cohort, compute)
        shared = _refuse_shared(project, cohort, patients, workspace, arguments)
        validation = validate(
            project,
            cohort,
            shared,
            _card(project, source),
            _cohorts(described, survey, name),
            _evaluation_options(workspace, project),
            workspace.choices()["seed"],
            compute,
        )
        _write(validation, workspace, Path(place, "results"), target)
    _tell_cases(name, survey.file_of, patients)
    evaluation = validation.evaluation
    print(evaluation.verdict, *evaluation.warnings, sep="\n")
    print(*describe_openings(home(Path()), validation.inputs.comparison), sep="\n")
    print(_record(workspace, name, target, evaluation))
    print(shown / target / "report.html")
    return 0


def _write(validation: "Validation", workspace: "Workspace", made: Path, target: Path) -> None:
    """Write page and tables, whole or not at all."""
    from skiagram.report.material import read_cohort_material
    from skiagram.report.write import write_validation

    evaluation, inputs = validation.evaluation, validation.inputs
    material = read_cohort_material(Path(), inputs, workspace.choices(), evaluation)
    made.mkdir()
    write_validation(evaluation, material, inputs, made)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(made, target)


def _tell_cases(name: str, file_of: Mapping[str, str], patients: Mapping[str, str | None]) -> None:
    """Write which file and patient each case id of the results stands for, where git takes none."""
    from skiagram.datasets.files import write_files
    from skiagram.datasets.folder.csv_rows import csv_text

    rows = [
        {"case_id": f"cohort-{case}", "file": file, "patient": patients.get(case) or ""}
        for case, file in sorted(file_of.items())
    ]
    path = Path("tables", f"validation_{name}.cases.csv")
    path.parent.mkdir(exist_ok=True)
    write_files({path: csv_text(["case_id", "file", "patient"], rows).encode()})
    print(f"Wrote {path}: which file and patient each case id stands for. It stays with you.")


def _columns_at_home(workspace: "Workspace") -> dict[str, str]:
    """Return option of a column → the name that it has in the project's own table."""
    options = workspace.option_file("dataset", workspace.choices()["dataset"])
    columns = options.get("columns")
    names = ("file", "label", "patient", "visit", "mask", "region", "label_value", "modality")
    known = columns if isinstance(columns, dict) else {}
    return {name: known[name] for name in names if isinstance(known.get(name), str)}


def _read_cohort(
    arguments: argparse.Namespace, project: "Project", columns_at_home: Mapping[str, str]
) -> FolderArguments:
    """Read the table, in the project's classes and with the columns that its models read."""
    from skiagram.datasets.folder.csv_rows import read_csv
    from skiagram.records.files import read_table

    task = project.task
    classes = arguments.classes or list(task.classes)
    if len(classes) != len(task.classes):
        allowed = f"a word for each of {', '.join(task.classes)}, in this order"
        raise OptionError(f"{', '.join(classes)}", where="--classes", allowed=allowed)
    arguments.classes = classes
    arguments.positive = None if task.positive is None else classes[task.positive]
    arguments.images = arguments.images or list(project.preparation.modalities)
    if arguments.csv is not None:
        header = read_csv(arguments.csv, arguments.missing)[0].cells
        known = read_table(project.root / "data/cases/covariates.parquet").columns
        taken = [name for name in known if name in header]
        arguments.covariates = [*arguments.covariates, *taken]
        arguments.force_covariates = [*arguments.force_covariates, *taken]
        for option, column in columns_at_home.items():
            given = getattr(arguments, option)
            if column in header and (given is None or given not in header):
                setattr(arguments, option, column)
    described = read_folder_arguments(arguments)
    columns = replace(described.source.columns, split=None, marks=None, scores=())
    cells = {row.cells[columns.label] for row in described.rows}
    if unknown := sorted(cells - {*classes, ""}):
        found = f"{len(unknown)} labels that the project does not know: " + ", ".join(
            f"`{label}`" for label in unknown[:_SHOWN]
        )
        remedy = "correct them, or name the table's words with --classes, in the project's order"
        raise DataError(found, where="the table", allowed=", ".join(classes), remedy=remedy)
    return described._replace(source=replace(described.source, columns=columns))


def _survey(
    described: FolderArguments, arguments: argparse.Namespace, project: "Project", place: Path
) -> "tuple[Survey, Folder]":
    """Look at every row and file, and return the cohort as a data set whose manifest lies there."""
    from skiagram.cli.check_report import problem_lines
    from skiagram.datasets.folder.option_file import OptionFiles
    from skiagram.datasets.folder.source import Folder
    from skiagram.datasets.folder.survey import survey_folder
    from skiagram.datasets.folder.table import split_modalities
    from skiagram.options import build, read_option_file

    source, rows = described.source, described.rows
    survey = survey_folder(source, arguments.folder, rows, "cv")
    if not survey.examined:
        found = f"none of the {len(rows)} rows names an image that can be read"
        raise DataError(
            found,
            where=str(arguments.folder),
            allowed=f"names relative to the folder, in the column `{source.columns.file}`",
            remedy=f"correct the names or the folder; first: {survey.problems[0]}",
        )
    if survey.problems:
        print(*problem_lines(survey.problems), sep="\n", file=sys.stderr)
        found = f"{len(survey.problems)} images or rows cannot be used; nothing was opened"
        raise DataError(found, where=str(arguments.folder), remedy="`skiagram check` shows more")
    checksums: dict[str, str] = {}
    for file in (*survey.examined, *survey.further):
        checksums |= file.checksums
    colour = project.preparation.images.channels == (3,)
    source = replace(
        source, folder=str(arguments.folder), channels=3 if colour else survey.channels
    )
    by_modality = split_modalities(rows, source.columns, source.modalities)
    files = OptionFiles(place / "project", source.name, outside=place)
    files.options.parent.mkdir(parents=True)
    files.write(
        source, [row for rows_of_one in by_modality.values() for row in rows_of_one], checksums
    )
    folder = build(read_option_file(files.options), "cohort")
    if not isinstance(folder, Folder):
        raise TypeError(folder)
    return survey, folder


def _cohorts(described: FolderArguments, survey: "Survey", name: str) -> Mapping[str, str]:
    """Return case → which of several cohorts it is of; the one name where there is one."""
    from skiagram.datasets.folder.table import refer

    columns = described.source.columns
    if columns.site is None:
        return dict.fromkeys(survey.file_of, name)
    site_of = {refer(row, columns).name: row.cells[columns.site] for row in described.rows}
    return {case: site_of[file] for case, file in survey.file_of.items()}


def _refuse_shared(
    project: "Project",
    cohort: Path,
    patients: Mapping[str, str | None],
    workspace: "Workspace",
    arguments: argparse.Namespace,
) -> "Shared":
    """Refuse, or leave out, what the development data have; say what cannot be told."""
    from skiagram.steps.validate import find_shared, leave_out

    known: Mapping[str, str | None] = {}
    if arguments.patient_ids == "same" and any(patients.values()):
        known = _known_patients(workspace)
    shared = find_shared(project, cohort, known, patients)
    if shared.tested:
        print(
            f"{shared.tested} images have a near duplicate among the project's test cases, whose "
            "labels were opened before: what was chosen by these is not unseen here.",
            file=sys.stderr,
        )
    everything = shared.patients | shared.images
    if everything and arguments.shared == "refuse":
        of_patients = len({patients[case] for case in shared.patients})
        told = {
            f"{len(shared.patients)} of {len(patients)} cases are of {of_patients} patients with "
            "the id of a development patient": shared.patients,
            f"{len(shared.images)} images have a near duplicate among the development "
            "images": shared.images,
        }
        raise DataError(
            ", and ".join(words for words, cases in told.items() if cases),
            where=str(arguments.folder),
            allowed="patients that no model has learned from",
            remedy="leave them out with `--shared leave-out`; where the two number their patients "
            "apart, give `--patient-ids apart`",
        )
    if everything:
        leave_out(cohort, everything)
        why = "the development data have their patient or image"
        print(f"{len(everything)} cases are left out: {why}.", file=sys.stderr)
    return shared


def _known_patients(workspace: "Workspace") -> Mapping[str, str | None]:
    """Return the project's patients by case; none, with a warning, where they cannot be told."""
    from skiagram.datasets.folder.keyed_names import KEYED
    from skiagram.options import build
    from skiagram.steps.validate import name_patients

    options = workspace.option_file("dataset", workspace.choices()["dataset"])
    source = build(options, "dataset")
    why = "the project does not know its patients"
    if source.card().patients_known:
        try:
            patients = name_patients(source, workspace.data)
        except (DataError, OptionError) as error:
            why = str(error)
        else:
            if not any((name or "").startswith(KEYED) for name in patients.values()):
                return patients
            why = "the project has them under a key"
    print(f"Ids of patients are not compared: {why}. Images are.", file=sys.stderr)
    return {}


def _card(project: "Project", source: "Folder") -> "DataCard":
    known = project.card
    return replace(
        source.card(),
        title=f"{known.title}, on the cohort {source.name}",
        modality=known.modality,
        source="a labelled cohort that no choice of the project has seen",
    )


def _evaluation_options(workspace: "Workspace", project: "Project") -> "EvaluationOptions":
    """Return how the project evaluates; pairs of models that cannot score new images are left."""
    from skiagram.evaluation.options import EvaluationOptions
    from skiagram.options import check

    values = workspace.options_of("evaluate") | workspace.options_of("hit")
    options = check(EvaluationOptions, values, "evaluate")
    names = {outcome.model for outcome in project.scored}
    return replace(options, compare=tuple(pair for pair in options.compare if names >= {*pair}))


def _record(workspace: "Workspace", name: str, folder: Path, evaluation: "Evaluation") -> str:
    """Record the validation beside the project's run; a tracker out of reach costs a line."""
    from skiagram.compute.checkout import home
    from skiagram.options import build
    from skiagram.tracking.contract import NotRecorded
    from skiagram.tracking.validation import validation_execution

    choices = workspace.choices()
    tracker = build(workspace.option_file("tracking", choices["tracking"]), "tracking")
    execution = validation_execution(Path().resolve(), name, folder.resolve(), evaluation, choices)
    try:
        return str(tracker.record(execution, home(Path())))
    except NotRecorded as error:
        return f"Warning: {error}."
