"""Step audit: what makes later figures untrustworthy, and pairs of images that show the same."""

from collections.abc import Sequence
from pathlib import Path

from skiagram.audit.run import AuditReport, audit
from skiagram.image_store.store import ImageStore, modality_folders
from skiagram.records.cases import DataCard, read_cases
from skiagram.records.files import read_record, read_table, write_record, write_table

FINDINGS, NEAR_DUPLICATES = "findings.json", "near_duplicates.parquet"


def audit_images(ingested: Path, acquisition: Sequence[str], target: Path) -> AuditReport:
    """Audit a data set; write `findings.json` and `near_duplicates.parquet`, and return the former.

    Args:
        ingested: Folder that step ingest wrote.
        acquisition: Covariates that say how an image was taken.
    """
    cases, task = read_cases(ingested / "cases")
    stores = [ImageStore(folder) for folder in modality_folders(ingested / "images").values()]
    card = read_record(DataCard, ingested / "cases/card.json")
    known = read_table(ingested / "cases/covariates.parquet")
    measured = read_table(ingested / "cases/measured.parquet")
    report, pairs = audit(stores, cases, task, card, known, acquisition, measured)
    write_record(report, target / FINDINGS)
    write_table(pairs, target / NEAR_DUPLICATES)
    return report
