"""`skiagram validate`: a finished project's models on the labelled cohort of another hospital."""

import argparse
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from skiagram.audit.findings import AuditReport
from skiagram.cli.cohorts import read_cohort
from skiagram.cli.file_arguments import read_file_options
from skiagram.compute.checkout import home
from skiagram.compute.files import write_files
from skiagram.compute.scratch import scratch_folder
from skiagram.compute.workers import IN_PROCESS
from skiagram.datasets.contract import Source
from skiagram.datasets.folder.keyed_names import KEYED
from skiagram.datasets.folder.table import names_of
from skiagram.errors import DataError, OptionError, nearest, refusal
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.options import PARAMS, build, check
from skiagram.projects.files import environment
from skiagram.projects.outputs import publish
from skiagram.report.material import read_material
from skiagram.report.sections.doubts import list_warnings
from skiagram.report.write import write_validation
from skiagram.sealing.ledger import describe_openings
from skiagram.steps.evaluation_inputs import read_evaluation_options
from skiagram.steps.validate import (
    PREFIX,
    Project,
    Shared,
    evaluate_cohort,
    find_shared,
    ingest_cohort,
    leave_out,
    name_patients,
    open_cohort,
    score_cohort,
)
from skiagram.sweeps.workspace import Workspace
from skiagram.tables.frames import csv_text
from skiagram.tasks.cases import DataCard
from skiagram.tracking.contract import NotRecorded
from skiagram.tracking.record import RecordOptions
from skiagram.tracking.validation import validation_execution

_FOLDER = Path("reports/validations")


def run(arguments: argparse.Namespace) -> int:
    """Score, evaluate and write; return 0."""
    # the project, in whose folder all of it happens
    files, shown = read_file_options(arguments).resolved(), arguments.project
    _require_project(shown)
    os.chdir(shown)
    os.environ.update(environment(Path()))
    project = Project.open(Path())
    workspace = Workspace.of_project(
        Path(), replace(IN_PROCESS, workers=arguments.workers or "auto")
    )
    name = files.short_name
    target = _FOLDER / name
    if target.exists() and not arguments.force:
        remedy = "name another with --name, or give --force"
        raise refusal("cli.exists", "--name", path=shown / target, remedy=remedy)
    options = workspace.options
    at_home = build(options.read_file("dataset", options.choices["dataset"]), "dataset")
    # the cohort, and what became of it
    with scratch_folder("validate") as place:
        checked = read_cohort(files, project, at_home)
        source, opened, columns = checked.source, checked.opened, checked.source.columns
        patients = ingest_cohort(
            project, source, opened, place / "cohort", workspace.context.compute
        )
        shared = _refuse_shared(project, place / "cohort", patients, workspace, at_home, arguments)
        # which of several cohorts each case is of, by its site
        site_of = dict[str, str]()
        if columns.site is not None:
            names = names_of(checked.frame, columns)
            site_of = dict(zip(names, checked.frame[columns.site], strict=True))
        file_of = {f"{PREFIX}{case}": file for case, file in checked.file_of.items()}
        cohorts = {case: site_of.get(file, name) for case, file in file_of.items()}
        inputs, evaluation = _evaluate(
            project, workspace, source.card(), shared, cohorts, place, target
        )
    # which file and patient each case id stands for, where git takes none
    rows = [(case, file, patients.get(case) or "") for case, file in sorted(file_of.items())]
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
    if (folder / PARAMS).is_file():
        return
    beside = folder.resolve().parent
    projects = [path.parent.name for path in beside.glob(f"*/{PARAMS}")]
    remedy = "name the project first, then images or features, then their table"
    if near := nearest(folder.name, projects):
        remedy = f"did you mean `{folder.parent / near[0]}`?"
    fault = "no project" if folder.is_dir() else "no such folder"
    raise refusal("cli.no_project", str(folder), fault=fault, remedy=remedy)


def _evaluate(
    project: Project,
    workspace: Workspace,
    card: DataCard,
    shared: Shared,
    cohorts: Mapping[str, str],
    place: Path,
    target: Path,
) -> tuple[EvaluationInputs, Evaluation]:
    """Score an ingested cohort, open its seal, and put page and tables into their folder.

    Args:
        card: Of the cohort.
        cohorts: Case → which of several cohorts it is of.
        place: Folder that holds `cohort`.
        target: Folder of page and tables; an earlier one is replaced.
    """
    cohort, compute, choices = (
        place / "cohort",
        workspace.context.compute,
        workspace.options.choices,
    )
    # as the project evaluates
    options, seed = read_evaluation_options(workspace.options), choices["seed"]
    card = replace(
        card,
        title=f"{project.card.title}, on the cohort {card.name}",
        modality=project.card.modality,
        source="a labelled cohort that no choice of the project has seen",
    )
    rehearsal = score_cohort(project, cohort, shared, card, cohorts, options, seed, compute)

    def evaluate(inputs: EvaluationInputs, made: Path) -> Evaluation:
        evaluation = evaluate_cohort(project, inputs, options, seed, compute)
        # Of the cohort's images none are shown.
        unseen = replace(inputs, cases=inputs.cases.development(), encrypted=True)
        material = read_material(Path(), unseen, choices, evaluation)
        made.mkdir(parents=True)
        write_validation(evaluation, material, inputs, made)
        return evaluation

    # All that may fail is tried with labels in another order, before the seal is opened.
    evaluate(rehearsal, place / "rehearsal")
    inputs = open_cohort(project, cohort, rehearsal)
    with publish(Path(), target.as_posix()) as staging:
        return inputs, evaluate(inputs, staging / target)


def _refuse_shared(
    project: Project,
    cohort: Path,
    patients: Mapping[str, str | None],
    workspace: Workspace,
    at_home: Source,
    arguments: argparse.Namespace,
) -> Shared:
    """Refuse, or leave out, what the development data have; say what cannot be told.

    Args:
        patients: Case of the cohort → its patient.
        at_home: The project's own data set.
    """
    # the project's patients by case, where they are to be compared and can be told
    project_patients: Mapping[str, str | None] = {}
    if arguments.patient_ids == "same" and any(patients.values()):
        why = "the project does not know its patients"
        if at_home.card().patients_known:
            try:
                project_patients, why = name_patients(at_home.open(workspace.data)), ""
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
    is_whole = len(everything) == len(patients)
    if everything and (is_whole or arguments.shared == "refuse"):
        n_patients = len({patients[case] for case in shared.patients})
        counts = {
            f"{len(shared.patients)} of {len(patients)} cases are of {n_patients} patients with "
            "the id of a development patient": shared.patients,
            f"{len(shared.images)} cases have a near duplicate among the development "
            "cases": shared.images,
        }
        counted = ", and ".join(words for words, cases in counts.items() if cases)
        where = str(arguments.folder)
        if is_whole:
            raise refusal("cli.cohort_without_new_cases", where, counted=counted)
        if shared.patients:
            raise refusal("cli.cohort_shares_patients", where, counted=counted)
        raise refusal("cli.cohort_shares_cases", where, counted=counted)
    if everything:
        leave_out(cohort, everything)
        why = "the development data have their patient or image"
        print(f"{len(everything)} cases are left out: {why}.", file=sys.stderr)
    return shared
