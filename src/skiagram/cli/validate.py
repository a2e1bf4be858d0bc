"""`skiagram validate`: a finished project's models on the labelled cohort of another hospital."""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.cli.file_arguments import USUAL as USUAL_OF_FILES
from skiagram.cli.file_arguments import add_file_arguments, read_file_options
from skiagram.cli.predict import compute_of
from skiagram.compute.scratch import scratch_folder
from skiagram.errors import DataError, OptionError, nearest

if TYPE_CHECKING:
    from skiagram.datasets.contract import Source
    from skiagram.evaluation.evaluation_record import Evaluation
    from skiagram.evaluation.inputs import EvaluationInputs
    from skiagram.steps.validate import Project, Shared
    from skiagram.sweeps.workspace import Workspace
    from skiagram.tasks.cases import DataCard

NAME = "validate"
SUMMARY = "score the labelled cohort of another hospital with a finished project's models"
USUAL = (*USUAL_OF_FILES, "--shared", "--patient-ids")
EXAMPLES = """\
  skiagram validate breast-project leeds leeds.csv
      every model of the project scores the cases; nothing is trained or chosen anew. Verdict,
      figures beside those at home, calibration before and after updating, what tells the cohorts
      apart: a page, tables and a record in breast-project/reports/validations/leeds
  skiagram validate breast-project hospitals hospitals.csv --site hospital
      several cohorts: each one's figures, and the worst of them
  skiagram validate breast-project leeds leeds.csv --classes gutartig boesartig
      the table's words for the project's classes, in the project's order
  skiagram validate lung-project radiomics.csv outcome.csv --label died
      a table of features, of a project on one

The opening of the labels is noted in the project's ledger. Cases of development patients, and
those with a near duplicate among the development cases, are refused."""

_FOLDER = Path("reports/validations")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("project", metavar="PROJECT", type=Path, help="folder of a finished run")
    add_file_arguments(parser, cohort=True)
    add = parser.add_argument
    add(
        "--shared",
        choices=("refuse", "leave-out"),
        default="refuse",
        help="cases whose patient or near duplicate the development data have (default: refuse)",
    )
    add(
        "--patient-ids",
        choices=("same", "apart"),
        default="same",
        help="whether an id that both sides have is one patient, or two of two numberings "
        "(default: same)",
    )
    add("--workers", type=int, metavar="N", help="cases at a time (default: one per processor)")
    add("--force", action="store_true", help="replace an earlier validation of this name")


def run(arguments: argparse.Namespace) -> int:
    """Score, evaluate and write; return 0."""
    import pandas as pd

    from skiagram.audit.findings import AuditReport
    from skiagram.cli.cohorts import read_cohort
    from skiagram.compute.checkout import home
    from skiagram.compute.files import write_files
    from skiagram.options import build, check
    from skiagram.projects.files import environment
    from skiagram.report.sections.doubts import list_warnings
    from skiagram.sealing.ledger import describe_openings
    from skiagram.steps.validate import Project, ingest_cohort
    from skiagram.sweeps.workspace import Workspace
    from skiagram.tables.frames import csv_text
    from skiagram.tracking.contract import NotRecorded
    from skiagram.tracking.record import RecordOptions
    from skiagram.tracking.validation import validation_execution

    # the project, in whose folder all of it happens
    files, shown = read_file_options(arguments).resolved(), arguments.project
    _require_project(shown)
    os.chdir(shown)
    os.environ.update(environment(Path()))
    project = Project.open(Path())
    workspace = Workspace.of_project(Path(), compute_of(arguments.workers))
    name = files.short_name
    target = _FOLDER / name
    if target.exists() and not arguments.force:
        remedy = "name another with --name, or give --force"
        raise OptionError(f"{shown / target} exists", where="--name", remedy=remedy)
    options = workspace.options
    at_home = build(options.read_file("dataset", options.choices["dataset"]), "dataset")
    # the cohort, and what became of it
    with scratch_folder("validate") as place:
        described = read_cohort(files, project, at_home)
        source, opened = described.source, described.opened
        patients = ingest_cohort(project, source, opened, place / "cohort", workspace.compute)
        shared = _refuse_shared(project, place / "cohort", patients, workspace, at_home, arguments)
        cohorts = described.cohort_of or dict.fromkeys(patients, name)
        inputs, evaluation = _evaluate(
            project, workspace, source.card(), shared, cohorts, place, target
        )
    # which file and patient each case id stands for, where git takes none
    rows = [
        (f"cohort-{case}", file, patients.get(case) or "")
        for case, file in sorted(described.file_of.items())
    ]
    table = pd.DataFrame(rows, columns=["case_id", "file", "patient"])
    path = Path("tables", f"validation_{name}.cases.csv")
    path.parent.mkdir(exist_ok=True)
    write_files({path: csv_text(table).encode()})
    print(f"Wrote {path}: which file and patient each case id stands for. It stays with you.")
    print(evaluation.verdict, *list_warnings(evaluation, AuditReport((), ())), sep="\n")
    print(*describe_openings(home(Path()), inputs.comparison), sep="\n")
    # beside the project's run; a tracker out of reach costs a line
    recorded = check(RecordOptions, options.compose_stage("record"), "record")
    tracker, choices = build(recorded.tracking, "tracking"), vars(recorded.choices)
    execution = validation_execution(Path().resolve(), name, target.resolve(), evaluation, choices)
    try:
        print(tracker.record(execution, home(Path())))
    except NotRecorded as error:
        print(f"Warning: {error}.")
    print(shown / target / "report.html")
    return 0


def _require_project(folder: Path) -> None:
    """Refuse a folder that is no project, such as that of the images, which stands second."""
    from skiagram.options import PARAMS

    if (folder / PARAMS).is_file():
        return
    beside = folder.resolve().parent
    projects = [path.parent.name for path in beside.glob(f"*/{PARAMS}")]
    remedy = "name the project first, then images or features, then their table"
    if near := nearest(folder.name, projects):
        remedy = f"did you mean `{folder.parent / near[0]}`?"
    fault = "no project" if folder.is_dir() else "no such folder"
    allowed = "a project's folder, which `skiagram run` made"
    raise DataError(fault, where=str(folder), allowed=allowed, remedy=remedy)


def _evaluate(
    project: "Project",
    workspace: "Workspace",
    card: "DataCard",
    shared: "Shared",
    cohorts: Mapping[str, str],
    place: Path,
    target: Path,
) -> "tuple[EvaluationInputs, Evaluation]":
    """Score an ingested cohort, open its seal, and put page and tables into their folder.

    Args:
        card: Of the cohort.
        cohorts: Case → which of several cohorts it is of.
        place: Folder that holds `cohort`.
        target: Folder of page and tables; an earlier one is replaced.
    """
    from skiagram.report.material import read_cohort_material
    from skiagram.report.write import write_validation
    from skiagram.steps.evaluation_inputs import read_evaluation_options
    from skiagram.steps.validate import evaluate_cohort, open_cohort, score_cohort

    cohort, compute, choices = place / "cohort", workspace.compute, workspace.options.choices
    # as the project evaluates, without pairs of models that cannot score new images
    options, seed = read_evaluation_options(workspace.options), choices["seed"]
    names = {outcome.model for outcome in project.scored}
    pairs = tuple(pair for pair in options.compare if names >= {*pair})
    options = replace(options, compare=pairs)
    card = replace(
        card,
        title=f"{project.card.title}, on the cohort {card.name}",
        modality=project.card.modality,
        source="a labelled cohort that no choice of the project has seen",
    )
    rehearsal = score_cohort(project, cohort, shared, card, cohorts, options, seed, compute)

    def evaluate(inputs: "EvaluationInputs", made: Path) -> "Evaluation":
        evaluation = evaluate_cohort(project, inputs, options, seed, compute)
        material = read_cohort_material(Path(), inputs, choices, evaluation)
        made.mkdir()
        write_validation(evaluation, material, inputs, made)
        return evaluation

    # All that may fail is tried with labels in another order, before the seal is opened.
    evaluate(rehearsal, place / "rehearsal")
    inputs = open_cohort(project, cohort, rehearsal)
    evaluation = evaluate(inputs, place / "results")
    # whole or not at all: from another disk they come file by file
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.move(place / "results", partial)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return inputs, evaluation


def _refuse_shared(
    project: "Project",
    cohort: Path,
    patients: Mapping[str, str | None],
    workspace: "Workspace",
    at_home: "Source",
    arguments: argparse.Namespace,
) -> "Shared":
    """Refuse, or leave out, what the development data have; say what cannot be told.

    Args:
        patients: Case of the cohort → its patient.
        at_home: The project's own data set.
    """
    from skiagram.datasets.folder.keyed_names import KEYED
    from skiagram.steps.validate import find_shared, leave_out, name_patients

    # the project's patients by case, where they are to be compared and can be told
    project_patients: Mapping[str, str | None] = {}
    if arguments.patient_ids == "same" and any(patients.values()):
        why = "the project does not know its patients"
        if at_home.card().patients_known:
            try:
                project_patients, why = name_patients(at_home, workspace.data), ""
            except (DataError, OptionError) as error:
                why = str(error)
        if any((patient or "").startswith(KEYED) for patient in project_patients.values()):
            project_patients, why = {}, "the project has them under a key"
        if why:
            print(f"Ids of patients are not compared: {why}. Cases are.", file=sys.stderr)
    # what both have
    shared = find_shared(project, cohort, project_patients, patients)
    if shared.tested:
        print(
            f"{shared.tested} cases have a near duplicate among the project's test cases, whose "
            "labels were opened before: what was chosen by these is not unseen here.",
            file=sys.stderr,
        )
    everything = shared.patients | shared.images
    if everything and arguments.shared == "refuse":
        n_patients = len({patients[case] for case in shared.patients})
        counts = {
            f"{len(shared.patients)} of {len(patients)} cases are of {n_patients} patients with "
            "the id of a development patient": shared.patients,
            f"{len(shared.images)} cases have a near duplicate among the development "
            "cases": shared.images,
        }
        raise DataError(
            ", and ".join(words for words, cases in counts.items() if cases),
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
