"""Stage restore: every image cleaned on its own, and a record of what was done to it."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.restore import RestoreOptions, restore_images


@stage(ROOT, RestoreOptions)
def main(options: RestoreOptions, run: StageRun) -> None:
    """Restore the ingested images."""
    with run.publish("data/restored") as folder:
        restore_images(options.restoration, ROOT / "data", folder / "data", options.compute)


if __name__ == "__main__":
    main()
