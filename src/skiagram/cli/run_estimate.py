"""How long a run will take and how much disk, measured on the images themselves where it can be."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from skiagram.cli.project import Choices, option, option_file
from skiagram.cli.text_table import text_table
from skiagram.datasets.folder.examination import Examination
from skiagram.datasets.image_files import read_image
from skiagram.errors import SkiagramError
from skiagram.features.batch import Batch
from skiagram.features.contract import FeatureFamily
from skiagram.features.covariates import Covariates
from skiagram.records import Design
from skiagram.restoration.contract import Restoration
from skiagram.store import Image

_SAMPLE = 8
_PATIENCE = 5.0  # seconds after which no further image is tried
_NETWORK_SECONDS = 5e-7  # a pixel, epoch and core: 1e-7 in small_cnn, 4e-7 to 8e-7 in article_cnn
_RESTORED_BYTES = 4


@dataclass(frozen=True)
class Rates:
    """Seconds a pixel of two stages, and on how many images they were measured."""

    restore: float
    extract: float
    images: int


def time_text(
    examined: Sequence[Examination], folder: Path, project: Path, choices: Choices, design: Design
) -> str:
    """Return how long each stage will take, and how that is known.

    Args:
        examined: Every usable file.
        folder: Where the files are.
        project: Folder of `conf/`.
        choices: The project's choices.
        design: What the run would evaluate by.
    """
    pixels = sum(float(np.prod(one.shape)) for one in examined)
    reading = sum(one.seconds for one in examined)
    rows = [["ingest, audit", _duration(reading), "measured on all files, just now"]]
    rates = _measure(examined, folder, project, choices)
    if rates is None:
        rows.append(["restore, extract", "unknown", "no image can be tried on its own"])
    else:
        how = f"measured on {rates.images} of the files, just now"
        rows.append(["restore", _duration(rates.restore * pixels), how])
        rows.append(["extract", _duration(rates.extract * pixels), how])
    rows += [_network(name, examined, project, choices, design) for name in choices.networks]
    table = text_table(["stage", "at most about", "how this is known"], rows)
    return f"A run on one core, with the choices of params.yaml; baselines take less:\n{table}"


def disk_text(examined: Sequence[Examination]) -> str:
    """Return how much disk the images will take."""
    stored = sum(one.stored_bytes for one in examined)
    restored = sum(_RESTORED_BYTES * float(np.prod(one.shape)) for one in examined)
    return (
        f"Disk: {stored / 1e9:.2f} GB for images as they are, {restored / 1e9:.2f} GB for restored "
        "ones; as much again in DVC's cache where the file system has no reflinks."
    )


def _measure(
    examined: Sequence[Examination], folder: Path, project: Path, choices: Choices
) -> Rates | None:
    """Time the chosen options on a few files; None where none can be treated on its own."""
    restoration: Restoration = option(project, "restoration", choices.restoration)
    if restoration.needs_training_mean:
        return None
    chosen = [
        option(project, "features", name) for name in choices.features.replace(" ", "").split(",")
    ]
    families = [family for family in chosen if not isinstance(family, Covariates)]
    spent, pixels, tried = np.zeros(2), 0.0, 0
    for one in examined[:: max(1, len(examined) // _SAMPLE)]:
        try:
            spent += _seconds(read_image(folder / one.name, one.name).pixels, restoration, families)
        except SkiagramError:
            continue  # the run will name it
        pixels += float(np.prod(one.shape))
        tried += 1
        if spent.sum() > _PATIENCE:
            break
    if not tried:
        return None
    return Rates(float(spent[0] / pixels), float(spent[1] / pixels), tried)


def _seconds(
    image: Image, restoration: Restoration, families: Sequence[FeatureFamily]
) -> tuple[float, float]:
    started = time.perf_counter()
    restored, _ = restoration.restore(image[None])
    between = time.perf_counter()
    for family in families:
        family.extract(Batch(restored))
    return between - started, time.perf_counter() - between


def _network(
    name: str,
    examined: Sequence[Examination],
    project: Path,
    choices: Choices,
    design: Design,
) -> list[str]:
    training = option_file(project, "model", name)["training"]
    side, epochs = training["image_size"], training["epochs"]
    size = side**2 if side else float(np.mean([np.prod(one.shape[:2]) for one in examined]))
    outer = choices.inner_folds + 1 if design == "cv" else 1
    fits = choices.repeats * choices.folds * outer + 1
    seconds = fits * epochs * len(examined) * size * _NETWORK_SECONDS
    how = f"{fits} fits of at most {epochs} epochs, at 0.5 millionths of a second a pixel"
    return [f"train {name}", _duration(seconds), how]


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
