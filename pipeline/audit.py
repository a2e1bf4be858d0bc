"""Stage audit: what would make later figures untrustworthy."""

import csv
import sys

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.checkout import home
from skiagram.options import STRICT
from skiagram.records.cases import DataCard
from skiagram.records.files import read_record
from skiagram.steps.audit import FINDINGS, NEAR_DUPLICATES, audit_images


@dataclass(**STRICT)
class Options:
    """Choices of the stage; waivers stand in the data set's option file."""

    acquisition: tuple[str, ...]


@stage(Options)
def main(options: Options) -> None:
    """Audit the ingested images; `passed` appears only where nothing stops the run."""
    (ROOT / "data/audit/passed").unlink(missing_ok=True)
    with publish(*(f"data/audit/{name}" for name in (FINDINGS, NEAR_DUPLICATES))) as staging:
        report = audit_images(ROOT / "data", options.acquisition, staging / "data/audit")
    card = read_record(DataCard, ROOT / "data/cases/card.json")
    table = home(ROOT) / "tables" / f"{card.name}.cases.csv"  # where `skiagram init` wrote one
    rows = csv.DictReader(table.read_text("utf-8").splitlines()) if table.exists() else ()
    sys.stderr.write(report.explain_stop({row["case_id"]: row["file"] for row in rows}))
    report.raise_if_stopping()
    with publish("data/audit/passed") as staging:
        (staging / "data/audit").mkdir(parents=True)
        (staging / "data/audit/passed").write_text(
            "The audit found nothing that stops the run.\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
