"""Stage ingest: a source becomes image shards, a case table and a seal."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.ingest import IngestOptions, ingest_project


@stage(ROOT, IngestOptions)
def main(options: IngestOptions, run: StageRun) -> None:
    """Read the source; files are looked for in SKIAGRAM_DATA, else fetched."""
    with run.publish("data/images", "data/cases", "data/sealed") as folder:
        ingest_project(ROOT, options, folder / "data")


if __name__ == "__main__":
    main()
