"""Stage audit: what would make later figures untrustworthy."""

import sys

from pydantic.dataclasses import dataclass

from entrypoint import ROOT, output_root, publish, stage
from skiagram.audit.run import audit
from skiagram.options import STRICT
from skiagram.records import DataCard, read_cases, read_record, write_record, write_table
from skiagram.store import ImageStore


@dataclass(**STRICT)
class Options:
    """The stage has no choices; waivers stand in the data set's option file."""


@stage(Options)
def main(_: Options) -> None:
    """Audit the ingested images; `passed` appears only where nothing stops the run."""
    cases, task = read_cases(ROOT / "data/cases")
    card = read_record(DataCard, ROOT / "data/cases/card.json")
    report, twins = audit(ImageStore(ROOT / "data/images"), cases, task, card)
    (output_root() / "data/audit/passed").unlink(missing_ok=True)
    with publish("data/audit/findings.json", "data/audit/twins.parquet") as staging:
        write_record(report, staging / "data/audit/findings.json")
        write_table(twins, staging / "data/audit/twins.parquet")
    if report.stopping:
        print(report.explain_stop(), file=sys.stderr)
    report.raise_if_stopping()
    with publish("data/audit/passed") as staging:
        (staging / "data/audit").mkdir(parents=True)
        (staging / "data/audit/passed").write_text("The audit found nothing that stops the run.\n")


if __name__ == "__main__":
    main()
