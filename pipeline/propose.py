"""Stage propose: places in restored images where finders look, and what they reach at best."""

from project import ROOT  # first, so that the code of this folder runs
from skiagram.projects.stage import StageRun, stage
from skiagram.steps.propose import ProposeOptions, propose_places


@stage(ROOT, ProposeOptions)
def main(options: ProposeOptions, run: StageRun) -> None:
    """Propose places without labels; then count the development lesions that they reach."""
    data, chosen = ROOT / "data", (options.proposal, options.hit)
    with run.publish("data/candidates") as folder:
        propose_places(*chosen, data, data / "restored", folder / "data", options.compute)


if __name__ == "__main__":
    main()
