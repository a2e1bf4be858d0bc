"""Stage record: the finished execution goes to the tracker; a receipt says what was recorded.

The receipt is empty where the tracker was out of reach: the next `make repro` records then.

When another stage fails under DVC it is called as well, and records a run that is marked failed.
"""

import gc
import os
import sys
from contextlib import suppress
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import FAILURE, stage
from option_files import ROOT
from outputs import publish
from run_choices import RunChoices
from skiagram.compute.checkout import home
from skiagram.errors import printable
from skiagram.options import STRICT, build
from skiagram.records.files import write_record
from skiagram.tracking.contract import NotRecorded, Receipt, Tracker
from skiagram.tracking.execution import failed_execution, read_execution, share_ledger


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    tracking: dict[str, Any]
    choices: RunChoices


@stage(Options)
def main(options: Options) -> None:
    """Record the execution; a tracker out of reach costs one warning and no result."""
    gc.disable()  # MLflow is imported only now, and nothing of it is garbage
    tracker: Tracker = build(options.tracking, "tracking")
    if failure := os.environ.get(FAILURE):
        with suppress(NotRecorded):  # the error itself has been shown
            tracker.record(failed_execution(ROOT, vars(options.choices), failure), home(ROOT))
        return
    names = (*options.choices.trained, *options.choices.combinations)
    execution = read_execution(ROOT, names, vars(options.choices))
    receipt = Receipt((), {})
    try:
        print(printable(tracker.record(execution, home(ROOT))))
        receipt = execution.receipt
        shared = map(printable, share_ledger(tracker, ROOT))
        print(*shared, sep="\n", end="", file=sys.stderr)
    except NotRecorded as error:
        warning = f"Warning: {error}. Later: `python pipeline/record.py`."
        print(printable(warning), file=sys.stderr)
    with publish("reports/receipt.json") as staging:
        write_record(receipt, staging / "reports/receipt.json")


if __name__ == "__main__":
    main()
