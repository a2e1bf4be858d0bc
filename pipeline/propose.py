"""Stage propose: places in restored images where finders look, and what they reach at best."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.workers import Compute
from skiagram.finding.marks import HitRule
from skiagram.options import STRICT
from skiagram.steps.propose import propose_places


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    proposal: dict[str, Any]
    hit: HitRule
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Propose places without labels; then count the development lesions that they reach."""
    data, chosen = ROOT / "data", (options.proposal, options.hit)
    with publish("data/candidates") as staging:
        propose_places(*chosen, data, data / "restored", staging / "data", options.compute)


if __name__ == "__main__":
    main()
