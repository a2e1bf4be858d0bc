"""Stage propose: places in restored images where finders look, and what they reach at best."""

from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.workers import Compute
from skiagram.finding.candidates import check_grid, measure_ceiling, propose
from skiagram.finding.inputs import CANDIDATES
from skiagram.finding.marks import HitRule
from skiagram.image_store.store import ImageStore
from skiagram.options import STRICT, build
from skiagram.preparation import propagate_preparation
from skiagram.records import MARKS, read_table, write_record, write_table


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    proposal: dict[str, Any]
    hit: HitRule
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Propose places without labels; then count the development lesions that they reach."""
    proposal, images = build(options.proposal, "proposal"), ImageStore(ROOT / "data/restored")
    check_grid(ImageStore(ROOT / "data/images"), images, proposal)
    places = propose(images, proposal, options.compute)
    lesions = read_table(ROOT / "data/cases" / MARKS)
    ceiling = measure_ceiling(places, lesions, images, proposal, options.hit)
    with publish("data/candidates") as staging:
        write_table(places, staging / "data/candidates" / CANDIDATES)
        write_record(ceiling, staging / "data/candidates/proposal.json")
        target = staging / "data/candidates"
        propagate_preparation(ROOT / "data/restored", target, proposal=options.proposal)


if __name__ == "__main__":
    main()
