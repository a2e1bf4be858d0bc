"""Step propose: places in restored images where finders look, and what they reach at best."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.finding.candidates import check_grid, measure_ceiling, propose
from skiagram.finding.inputs import CANDIDATES
from skiagram.finding.marks import HitRule
from skiagram.image_store.store import ImageStore
from skiagram.options import build
from skiagram.preparation import propagate_preparation
from skiagram.records.files import read_table, write_record, write_table
from skiagram.records.places import MARKS
from skiagram.strict import STRICT


@options_class(**STRICT)
class ProposeOptions:
    """Options of stage propose.

    Attributes:
        proposal: `_target_` and options of what proposes places.
        hit: When a place counts as on a lesion.
        compute: How much of the machine it may use.
    """

    proposal: dict[str, Any]
    hit: HitRule
    compute: Compute


def propose_places(
    proposal: Mapping[str, Any],
    hit: HitRule,
    ingested: Path,
    restored: Path,
    target: Path,
    compute: Compute = IN_PROCESS,
) -> None:
    """Write `candidates`: places found without labels, and the lesions that they reach.

    Args:
        proposal: `_target_` and options.
        hit: When a place counts as on a lesion.
        ingested: Folder that step ingest wrote.
        restored: Folder of the restored images.
    """
    places_in, images = build(dict(proposal), "proposal"), ImageStore(restored)
    check_grid(ImageStore(ingested / "images"), images, places_in)
    places = propose(images, places_in, compute)
    lesions = read_table(ingested / "cases" / MARKS)
    ceiling = measure_ceiling(places, lesions, images, places_in, hit)
    folder = target / "candidates"
    write_table(places, folder / CANDIDATES)
    write_record(ceiling, folder / "proposal.json")
    propagate_preparation(restored, folder, proposal=dict(proposal))
