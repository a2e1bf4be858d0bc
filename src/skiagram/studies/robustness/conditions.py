"""Reported images as a worse device would deliver them, restored and described like clean ones."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.options import build
from skiagram.preparation import TRAINING_MEAN
from skiagram.records import write_table
from skiagram.restoration.batch import ImageBatch, restore_batch
from skiagram.seeding import stream
from skiagram.store import Image, ShardWriter
from skiagram.studies.passes import Options, Prepared, described
from skiagram.studies.place import Place
from skiagram.studies.robustness.corruptions import CORRUPTIONS, corrupted


@dataclass(frozen=True)
class Condition:
    """One corruption by one amount.

    Attributes:
        place: Where to work.
        clean: The data set's images as they are.
        restoration: `_target_` and options.
        families: Name → `_target_` and options of each feature family.
        case_id: Cases to make worse.
        corruption: Name of the corruption.
        amount: How much.
        seed: The study's seed.
    """

    place: Place
    clean: Prepared
    restoration: Options
    families: Mapping[str, Options]
    case_id: NDArray[np.str_]
    corruption: str
    amount: float
    seed: int


def conditioned(condition: Condition) -> Prepared:
    """Make the images worse, then restore and describe them, or find that it is done.

    Raises:
        DataError: An image cannot be restored or described any more; names case and corruption.
    """
    inputs = {
        "data": condition.clean.data.folder.name,
        "restored": condition.clean.restored.name,
        "cases": condition.case_id.tolist(),
        "corruption": condition.corruption,
        "amount": condition.amount,
        "seed": condition.seed,
    }
    name = f"corrupted-{condition.corruption}"
    place, data = condition.place, condition.clean.data
    try:
        restored = place.made(name, inputs, lambda folder: _restore(condition, folder))
        return described(place, data, restored, condition.families)
    except DataError as error:
        raise DataError(
            error.found,
            where=f"{error.where} under {condition.corruption} of {condition.amount:g}",
            allowed=error.allowed,
            remedy=error.remedy,
        ) from error


def _restore(condition: Condition, folder: Path) -> None:
    restoration = build(dict(condition.restoration), "restoration")
    learned = condition.clean.images.folder / TRAINING_MEAN
    mean = np.load(learned) if learned.exists() else None
    source = condition.clean.data.images
    rows: list[dict[str, object]] = []
    with ShardWriter(folder / "images") as writer:
        for case_id, worse in _worse(condition):
            batch = ImageBatch([case_id], worse[None])
            (image,), (treatment,) = restore_batch(batch, restoration, mean)
            writer.add(case_id, image, source.spacing(case_id))
            rows.append({"case_id": case_id, **vars(treatment)})
    write_table(pd.DataFrame(rows), folder / "treatment.parquet")


def _worse(condition: Condition) -> Iterator[tuple[str, Image]]:
    """Yield the images; each has a stream of its own, so no other case or amount moves it."""
    kind, images = CORRUPTIONS[condition.corruption], condition.clean.data.images
    for case_id in condition.case_id.tolist():
        name = (case_id, condition.corruption, f"{condition.amount:g}")
        generator = stream(condition.seed, "robustness", *name)
        yield case_id, corrupted(images.image(case_id), kind, condition.amount, generator)
