"""What images went through before a model saw them; handed from stage to stage into its folder.

Ingest writes it, restoring and extracting add what they do, training keeps it beside the model:
new films are then prepared by the same code under the same options.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from skiagram.records import read_record, write_record
from skiagram.store import Image

PREPARATION = "preparation.json"
TRAINING_MEAN = "training_mean.npy"


@dataclass(frozen=True)
class ImageKinds:
    """The kinds of images of a data set as ingested.

    Attributes:
        channels: Numbers of channels that occur, ascending.
        depths: Names of the pixel types that occur, in order of name.
        height: Least and greatest, pixels.
        width: Least and greatest, pixels.
    """

    channels: tuple[int, ...]
    depths: tuple[str, ...]
    height: tuple[int, int]
    width: tuple[int, int]

    @classmethod
    def of(cls, images: Iterable[Image]) -> "ImageKinds":
        """Look at shape and depth of every image, at no pixel."""
        kinds = {(image.shape, str(image.dtype)) for image in images}
        shapes = [shape for shape, _ in kinds]
        heights, widths = ([shape[axis] for shape in shapes] for axis in (0, 1))
        return cls(
            channels=tuple(sorted({channels(shape) for shape in shapes})),
            depths=tuple(sorted({depth for _, depth in kinds})),
            height=(min(heights), max(heights)),
            width=(min(widths), max(widths)),
        )


@dataclass(frozen=True)
class Preparation:
    """What images went through before a model saw them.

    Attributes:
        images: What kinds of images ingest stored.
        acquisition: `_target_` and options of what made them of the pixels in their files; None
            where nothing did.
        restoration: `_target_` and options of the restoration; None before it.
        features: `_target_` and options of each feature family, in column order; empty for
            models that see images.
    """

    images: ImageKinds
    acquisition: dict[str, Any] | None
    restoration: dict[str, Any] | None = None
    features: tuple[dict[str, Any], ...] = ()


def channels(shape: tuple[int, ...]) -> int:
    """Return the number of channels of an image of (height, width[, channels])."""
    return shape[2] if len(shape) == 3 else 1


def hand_on(
    source: Path,
    target: Path,
    *,
    restoration: dict[str, Any] | None = None,
    features: Iterable[dict[str, Any]] = (),
) -> None:
    """Copy the preparation from one stage's folder to the next, its training mean included.

    Args:
        source: Folder with `preparation.json` and perhaps `training_mean.npy`.
        target: Folder to write the same files to.
        restoration: Restoration to add; None to keep what is there.
        features: Feature families to add.

    Raises:
        DataError: The preparation is missing or damaged.
    """
    preparation = read_record(Preparation, source / PREPARATION)
    whole = replace(
        preparation,
        restoration=restoration or preparation.restoration,
        features=(*preparation.features, *features),
    )
    write_record(whole, target / PREPARATION)
    if (source / TRAINING_MEAN).exists():
        shutil.copyfile(source / TRAINING_MEAN, target / TRAINING_MEAN)
