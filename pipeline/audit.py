"""Stage audit: what would make later figures untrustworthy."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.audit import AUDITED, AuditOptions, audit_project, judge_audit


@stage(ROOT, AuditOptions)
def main(options: AuditOptions, run: StageRun) -> None:
    """Audit the ingested images; `passed` appears only where nothing stops the run."""
    (run.target / "data/audit/passed").unlink(missing_ok=True)
    with run.publish(*(f"data/audit/{name}" for name in AUDITED)) as folder:
        stopping = audit_project(ROOT, options, folder / "data/audit")
    with run.publish("data/audit/passed") as folder:
        judge_audit(stopping, folder / "data/audit/passed")


if __name__ == "__main__":
    main()
