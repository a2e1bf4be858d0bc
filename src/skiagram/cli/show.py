"""`skiagram show`: the results of the project in this folder, or the card of a trained model."""

import argparse
import sys
from pathlib import Path

_BROKEN_HEADS = {  # where a long word breaks
    "Out-of-fold": "Out-of-\nfold",
    "Sensitivity": "Sensi-\ntivity",
    "Specificity": "Speci-\nficity",
    "Brier score": "Brier\nscore",
    "Efficiency": "Effi-\nciency",
    "Seconds": "Sec-\nonds",
}


def run(arguments: argparse.Namespace) -> int:
    """Print the results or the card; return 0, or 5 where a model of the project failed."""
    if arguments.package is None:
        from skiagram.projects.files import require_project_here

        require_project_here()
        return show_results(Path(), Path())
    # The card of a package, as it holds it; who scores alone has no library to draw it.
    from skiagram.deploy.card import as_markdown
    from skiagram.deploy.package import read_card
    from skiagram.errors import refusal
    from skiagram.options import PARAMS

    if (arguments.package / PARAMS).is_file():
        place = str(arguments.package)
        raise refusal("cli.project_as_package", place, folder=place)
    print(as_markdown(read_card(arguments.package)))
    print("Every checksum holds.")
    return 0


def show_results(project: Path, shown: Path) -> int:
    """Print what the last evaluate stage of a project found; return 0, or 5 if a model failed.

    Args:
        shown: The project as the user calls it.
    """
    import yaml

    from skiagram.audit.findings import AuditReport
    from skiagram.cli.terminal import print_table, print_wrapped
    from skiagram.compute.checkout import home
    from skiagram.errors import refusal
    from skiagram.evaluation.evaluation_record import Evaluation
    from skiagram.options import PARAMS, read_option_file
    from skiagram.projects.lock import repair_lock
    from skiagram.records.files import read_record
    from skiagram.report.sections.doubts import list_warnings
    from skiagram.report.sections.models import list_as_text, list_below_table
    from skiagram.sealing.ledger import OPENING, Comparison, describe_openings
    from skiagram.tracking.execution import training_time

    # DVC's lock is made readable before results are read.
    if repaired := repair_lock(project):
        print(repaired, file=sys.stderr)
    record = project / "reports/evaluation.json"
    if not record.exists():
        raise refusal("cli.no_finished_run", str(shown.resolve()))
    # Evaluation, audit and the openings of the seal.
    evaluation = read_record(Evaluation, record)
    findings = project / "data/audit/findings.json"
    audit = read_record(AuditReport, findings) if findings.exists() else AuditReport((), ())
    comparison = read_record(Comparison, project / "reports" / OPENING)
    openings = describe_openings(home(project), comparison)
    # The pages of the report and of every sweep.
    sweeps = sorted(page.relative_to(project) for page in project.glob("sweeps/*/page.html"))
    pages = [Path("reports/report.html"), *sweeps]
    # Choices that were changed since the run make its figures old.
    lock, choices = project / "dvc.lock", read_option_file(project / PARAMS, PARAMS)
    written = yaml.load(lock.read_bytes(), Loader=yaml.CSafeLoader) if lock.exists() else None
    evaluated = (written or {}).get("stages", {}).get("evaluate", {})
    used = evaluated.get("params", {}).get(PARAMS, {})
    if stale := [f"{name}: {value}" for name, value in used.items() if choices.get(name) != value]:
        fault = "These figures are of other choices than params.yaml has now"
        print(f"{fault} ({', '.join(stale)}): `dvc repro`.", file=sys.stderr)
    # The table of models with their times.
    noted = {each.model: training_time(project, each) for each in evaluation.outcomes}
    seconds = {model: each.seconds for model, each in noted.items() if each}
    head, *rows = list_as_text(evaluation, seconds)
    # An interval stands below its figure, so that a table with all its columns is 80 wide.
    heads = [_BROKEN_HEADS.get(name, name).replace(" (", "\n(") for name in head]
    cells = [[name, *(cell.replace(" (", "\n(") for cell in others)] for name, *others in rows]
    print_table(heads, cells, whole=heads[1:])
    # The verdict and its warnings, and where all of it is drawn.
    print_wrapped(*list_below_table(evaluation), "", evaluation.verdict, "")
    print_wrapped(*list_warnings(evaluation, audit), style="yellow")
    print_wrapped(*openings)
    print(*(shown / page for page in pages), sep="\n")
    return 5 if any(model.outcome.status == "failed" for model in evaluation.models) else 0
