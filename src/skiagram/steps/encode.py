"""Step encode: a frozen encoder's numbers of restored images, and of candidates in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skiagram.compute.context import NOTHING_KEPT, RunContext
from skiagram.encoders.encoding import FolderEncoder
from skiagram.encoders.timm_encoder import Encoder
from skiagram.finding.inputs import CANDIDATES, read_candidates
from skiagram.options import build
from skiagram.preparation import PREPARATION, Preparation, propagate_preparation
from skiagram.records.files import read_record


def encode(
    options: Mapping[str, Any],
    restored: Path,
    candidates: Path,
    target: Path,
    context: RunContext = NOTHING_KEPT,
) -> None:
    """Write the encoding of all images, its record and small weights to the folder `target`.

    Args:
        options: `_target_` and options of the encoder.
        restored: Folder of the restored images.
        candidates: Folder that step propose wrote.
        context: Its store holds what images became in earlier runs.
    """
    encoder: Encoder = build(dict(options), "encoder")
    learned_from = read_record(Preparation, candidates / PREPARATION)
    ready = FolderEncoder.of_images(restored, encoder, context, learned_from)
    places = read_candidates(candidates)
    if len(places) and ready.keeps_places:  # first: one look at an image serves both
        ready.encode_places(restored, places).write(target / CANDIDATES)
    ready.write(restored, target)
    propagate_preparation(candidates, target)
