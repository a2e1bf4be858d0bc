"""Step propose: places in restored images where finders look, and what they reach at best."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.image_store.index import INDEX, has_images
from skiagram.strict import STRICT


@options_class(**STRICT)
class ProposeOptions:
    """Options of stage propose.

    Attributes:
        proposal: `_target_` and options of what proposes places.
        hit: Options of when a place counts as on a lesion.
        compute: How much of the machine it may use.
    """

    proposal: dict[str, Any]
    hit: dict[str, Any]
    compute: Compute


def propose_places(
    proposal: Mapping[str, Any],
    hit: Mapping[str, Any],
    ingested: Path,
    restored: Path,
    target: Path,
    compute: Compute = IN_PROCESS,
) -> None:
    """Write `candidates`: places found without labels, and the lesions that they reach.

    Of cases without images there are none.

    Args:
        proposal: `_target_` and options.
        hit: Options of when a place counts as on a lesion.
        ingested: Folder that step ingest wrote.
        restored: Folder of the restored images.
    """
    folder = target / "candidates"
    if not has_images(restored):
        shutil.copytree(restored, folder, ignore=shutil.ignore_patterns(INDEX, "*.arrow"))
        return
    from skiagram.finding.candidates import check_grid, measure_ceiling, propose  # slow to import
    from skiagram.finding.inputs import CANDIDATES
    from skiagram.finding.marks import HitRule
    from skiagram.image_store.store import ImageStore
    from skiagram.options import build, check
    from skiagram.preparation import propagate_preparation
    from skiagram.records.files import read_table, write_record, write_table
    from skiagram.records.places import MARKS

    rule = check(HitRule, dict(hit), "hit")
    places_in, images = build(dict(proposal), "proposal"), ImageStore(restored)
    check_grid(ImageStore(ingested / "images"), images, places_in)
    places = propose(images, places_in, compute)
    lesions = read_table(ingested / "cases" / MARKS)
    ceiling = measure_ceiling(places, lesions, images, places_in, rule)
    write_table(places, folder / CANDIDATES)
    write_record(ceiling, folder / "proposal.json")
    propagate_preparation(restored, folder, proposal=dict(proposal))
