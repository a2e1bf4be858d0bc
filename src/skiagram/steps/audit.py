"""Step audit: what makes later figures untrustworthy, and pairs of images that show the same."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.checkout import home
from skiagram.errors import refusal
from skiagram.steps.checked import take_checked
from skiagram.strict import STRICT

if TYPE_CHECKING:
    from skiagram.audit.contract import Evidence
    from skiagram.audit.findings import AuditReport
    from skiagram.image_store.store import ImageStore
    from skiagram.near_duplicates.pairs import Pairs

FINDINGS, NEAR_DUPLICATES = "findings.json", "near_duplicates.parquet"
AUDITED = (FINDINGS, NEAR_DUPLICATES)


@options_class(**STRICT)
class AuditOptions:
    """Options of stage audit; waivers stand in the data set's config.

    Attributes:
        acquisition: Covariates that say how an image was taken.
    """

    acquisition: tuple[str, ...]


def audit_project(root: Path, options: AuditOptions, target: Path) -> list[str]:
    """Audit a project's data set, or take over what the check of this run has found.

    Why the audit stops is said in the terminal, with names of files.

    Returns:
        Names of the findings that stop the run.
    """
    if take_checked(root, "audit", target, acquisition=options.acquisition):
        return []  # a check that stops is followed by no stage
    from skiagram.records.files import read_record  # slow to import
    from skiagram.tasks.cases import DataCard

    report = audit_images(root / "data", options.acquisition, target)
    card = read_record(DataCard, root / "data/cases/card.json")
    table = home(root) / "tables" / f"{card.name}.cases.csv"  # where `skiagram init` wrote one
    rows = csv.DictReader(table.read_text("utf-8").splitlines()) if table.exists() else ()
    sys.stderr.write(report.explain_stop({row["case_id"]: row["file"] for row in rows}))
    return [finding.name for finding in report.stopping]


def judge_audit(stopping: Sequence[str], passed: Path) -> None:
    """Write the file on which training depends.

    Raises:
        AuditStop: The audit found what stops a run.
    """
    if stopping:
        raise refusal("steps.audit_stops", findings=stopping)
    passed.parent.mkdir(parents=True)
    passed.write_text("The audit found nothing that stops the run.\n", encoding="utf-8")


def audit_images(ingested: Path, acquisition: Sequence[str], target: Path) -> "AuditReport":
    """Audit a data set; write `findings.json` and `near_duplicates.parquet`, and return the former.

    Args:
        ingested: Folder that step ingest wrote.
        acquisition: Covariates that say how an image was taken.
    """
    from skiagram.image_store.store import ImageStore, modality_folders

    stores = [ImageStore(folder) for folder in modality_folders(ingested / "images").values()]
    return write_audit(read_evidence(ingested / "cases", stores, acquisition), target)


def read_evidence(
    folder: Path,
    stores: "Sequence[ImageStore]",
    acquisition: Sequence[str],
    copies: "Pairs | None" = None,
) -> "Evidence":
    """Look at all images, and collect what the tables of cases that ingest wrote say of them.

    Args:
        folder: Of these tables.
        stores: Images of the cases, a store for each kind.
        acquisition: Covariates that say how an image was taken.
        copies: Those of the first store, where they have been searched for already.
    """
    from skiagram.audit.run import collect_evidence
    from skiagram.records.files import read_record, read_table
    from skiagram.tasks.cases import DataCard, read_cases

    cases, task = read_cases(folder)
    card = read_record(DataCard, folder / "card.json")
    covariates, measured = (
        read_table(folder / f"{name}.parquet") for name in ("covariates", "measured")
    )
    return collect_evidence(stores, cases, task, card, covariates, acquisition, measured, copies)


def write_audit(evidence: "Evidence", target: Path) -> "AuditReport":
    """Write `findings.json` and `near_duplicates.parquet`, and return the former."""
    from skiagram.audit.run import judge, tabulate_copies
    from skiagram.records.files import write_record, write_table

    report = judge(evidence)
    write_record(report, target / FINDINGS)
    write_table(tabulate_copies(evidence), target / NEAR_DUPLICATES)
    return report
