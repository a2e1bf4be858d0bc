"""Prints the models, the verdict and where the pages stand; exit 5 if a model failed."""

import sys

import yaml

from lock import repair_lock
from option_files import PARAMS, ROOT
from skiagram.audit.run import AuditReport
from skiagram.compute.checkout import home
from skiagram.errors import SkiagramError, named_refusals
from skiagram.evaluation.evaluation_record import read_evaluation
from skiagram.options import read_option_file
from skiagram.records.files import read_record
from skiagram.report.index import write_index
from skiagram.report.terminal import summarise_run
from skiagram.sealing.ledger import OPENING, Comparison, describe_openings


def main() -> int:
    """Show what the last evaluate stage found."""
    try:
        if repaired := repair_lock(ROOT):
            print(repaired, file=sys.stderr)
        evaluation = read_evaluation(ROOT / "reports/evaluation.json")
        findings = ROOT / "data/audit/findings.json"
        audit = read_record(AuditReport, findings) if findings.exists() else AuditReport((), ())
        comparison = read_record(Comparison, ROOT / "reports" / OPENING)
        openings = describe_openings(home(ROOT), comparison)
        with named_refusals("show"):
            index = write_index(ROOT).relative_to(ROOT)
    except SkiagramError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(*stale_choices(), sep="\n", end="", file=sys.stderr)
    summary = summarise_run(evaluation, audit)
    print(*summary.lines, sep="\n")
    print(*openings, sep="\n", end="\n" if openings else "")
    print("reports/report.html", index, sep="\n")
    return 5 if summary.failed else 0


def stale_choices() -> list[str]:
    """Return a line where the figures are of other choices than params.yaml has now."""
    lock, params = ROOT / "dvc.lock", read_option_file(PARAMS, PARAMS.name)
    stages = (
        (yaml.safe_load(lock.read_text(encoding="utf-8")) or {}).get("stages", {})
        if lock.exists()
        else {}
    )
    used = stages.get("evaluate", {}).get("params", {}).get(PARAMS.name, {})
    other = [f"{name}: {value}" for name, value in used.items() if params.get(name) != value]
    if not other:
        return []
    words = ", ".join(other)
    return [
        f"These figures are of other choices than params.yaml has now ({words}): `dvc repro`.\n"
    ]


if __name__ == "__main__":
    sys.exit(main())
