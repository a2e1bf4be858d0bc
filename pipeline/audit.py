"""Stage audit: what would make later figures untrustworthy."""

import csv
import sys

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.audit.run import audit
from skiagram.compute.checkout import home
from skiagram.image_store.store import ImageStore, modality_folders
from skiagram.options import STRICT
from skiagram.records.cases import DataCard, read_cases
from skiagram.records.files import read_record, read_table, write_record, write_table


@dataclass(**STRICT)
class Options:
    """Choices of the stage; waivers stand in the data set's option file."""

    acquisition: tuple[str, ...]


@stage(Options)
def main(options: Options) -> None:
    """Audit the ingested images; `passed` appears only where nothing stops the run."""
    (cases, task), images = read_cases(ROOT / "data/cases"), ROOT / "data/images"
    stores = [ImageStore(folder) for folder in modality_folders(images).values()]
    card = read_record(DataCard, ROOT / "data/cases/card.json")
    known = read_table(ROOT / "data/cases/covariates.parquet")
    report, pairs = audit(stores, cases, task, card, known, options.acquisition)
    (ROOT / "data/audit/passed").unlink(missing_ok=True)
    with publish("data/audit/findings.json", "data/audit/near_duplicates.parquet") as staging:
        write_record(report, staging / "data/audit/findings.json")
        write_table(pairs, staging / "data/audit/near_duplicates.parquet")
    table = home(ROOT) / "tables" / f"{card.name}.cases.csv"  # where `skiagram init` wrote one
    rows = csv.DictReader(table.read_text("utf-8").splitlines()) if table.exists() else ()
    sys.stderr.write(report.explain_stop({row["case_id"]: row["file"] for row in rows}))
    report.raise_if_stopping()
    with publish("data/audit/passed") as staging:
        (staging / "data/audit").mkdir(parents=True)
        (staging / "data/audit/passed").write_text("The audit found nothing that stops the run.\n")


if __name__ == "__main__":
    main()
