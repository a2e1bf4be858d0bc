"""Step audit: what makes later figures untrustworthy, and pairs of images that show the same."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic.dataclasses import dataclass as options_class

from skiagram.audit.run import AuditReport, audit
from skiagram.compute.checkout import home
from skiagram.image_store.store import ImageStore, modality_folders
from skiagram.records.files import read_record, read_table, write_record, write_table
from skiagram.strict import STRICT
from skiagram.tasks.cases import DataCard, read_cases

FINDINGS, NEAR_DUPLICATES = "findings.json", "near_duplicates.parquet"
AUDITED = (FINDINGS, NEAR_DUPLICATES)


@options_class(**STRICT)
class AuditOptions:
    """Options of stage audit; waivers stand in the data set's config.

    Attributes:
        acquisition: Covariates that say how an image was taken.
    """

    acquisition: tuple[str, ...]


def audit_project(root: Path, options: AuditOptions, target: Path) -> AuditReport:
    """Audit a project's data set, and say in the terminal why it stops, with names of files."""
    report = audit_images(root / "data", options.acquisition, target)
    card = read_record(DataCard, root / "data/cases/card.json")
    table = home(root) / "tables" / f"{card.name}.cases.csv"  # where `skiagram init` wrote one
    rows = csv.DictReader(table.read_text("utf-8").splitlines()) if table.exists() else ()
    sys.stderr.write(report.explain_stop({row["case_id"]: row["file"] for row in rows}))
    return report


def judge_audit(report: AuditReport, passed: Path) -> None:
    """Write the file on which training depends.

    Raises:
        AuditStop: The audit found what stops a run.
    """
    report.raise_if_stopping()
    passed.parent.mkdir(parents=True)
    passed.write_text("The audit found nothing that stops the run.\n", encoding="utf-8")


def audit_images(ingested: Path, acquisition: Sequence[str], target: Path) -> AuditReport:
    """Audit a data set; write `findings.json` and `near_duplicates.parquet`, and return the former.

    Args:
        ingested: Folder that step ingest wrote.
        acquisition: Covariates that say how an image was taken.
    """
    cases, task = read_cases(ingested / "cases")
    stores = [ImageStore(folder) for folder in modality_folders(ingested / "images").values()]
    card = read_record(DataCard, ingested / "cases/card.json")
    covariates = read_table(ingested / "cases/covariates.parquet")
    measured = read_table(ingested / "cases/measured.parquet")
    report, pairs = audit(stores, cases, task, card, covariates, acquisition, measured)
    write_record(report, target / FINDINGS)
    write_table(pairs, target / NEAR_DUPLICATES)
    return report
