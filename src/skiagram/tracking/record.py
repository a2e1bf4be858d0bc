"""Stage record on a project: its execution goes to the tracker, and a receipt says what went."""

import gc
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.checkout import home
from skiagram.errors import printable
from skiagram.options import build
from skiagram.records.files import write_record
from skiagram.steps.choices import RunChoices
from skiagram.strict import STRICT
from skiagram.tracking.contract import NotRecorded, Receipt, Tracker
from skiagram.tracking.execution import failed_execution, read_execution, share_ledger


@options_class(**STRICT)
class RecordOptions:
    """Options of stage record.

    Attributes:
        tracking: `_target_` and options of the tracker.
        choices: What params.yaml chose.
    """

    tracking: dict[str, Any]
    choices: RunChoices


def record_project(root: Path, options: RecordOptions, receipt: Path) -> None:
    """Record a project's execution; a tracker out of reach costs one warning and no result.

    Args:
        receipt: File for what was recorded. It is empty where the tracker was out of reach: the
            next `make repro` records then.
    """
    gc.disable()  # MLflow is imported only now, and nothing of it is garbage
    tracker: Tracker = build(options.tracking, "tracking")
    names = (*options.choices.trained, *options.choices.combinations)
    execution = read_execution(root, names, vars(options.choices))
    recorded = Receipt((), {})
    try:
        sys.stdout.write(f"{printable(tracker.record(execution, home(root)))}\n")
        recorded = execution.receipt
        for line in share_ledger(tracker, root):
            sys.stderr.write(f"{printable(line)}\n")
    except NotRecorded as error:
        warning = f"Warning: {error}. Later: `python pipeline/record.py`."
        sys.stderr.write(f"{printable(warning)}\n")
    write_record(recorded, receipt)


def record_failure(root: Path, options: RecordOptions, failure: str) -> None:
    """Record a run that ended in an error, which begins with the stage's name."""
    gc.disable()
    tracker: Tracker = build(options.tracking, "tracking")
    with suppress(NotRecorded):  # the error itself has been shown
        tracker.record(failed_execution(root, vars(options.choices), failure), home(root))
