"""Stage record: the finished execution goes to the tracker; a receipt says what was recorded.

When another stage fails under DVC it is called as well, and records a run that is marked failed.
"""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, failure_to_record, stage
from skiagram.tracking.record import RecordOptions, record_failure, record_project


@stage(ROOT, RecordOptions)
def main(options: RecordOptions, run: StageRun) -> None:
    """Record the execution; a tracker out of reach costs one warning and no result."""
    if failure := failure_to_record():
        record_failure(ROOT, options, failure)
        return
    with run.publish("reports/receipt.json") as folder:
        record_project(ROOT, options, folder / "reports/receipt.json")


if __name__ == "__main__":
    main()
