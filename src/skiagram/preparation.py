"""What images went through before a model saw them; handed from stage to stage into its folder.

Restoring writes it, extracting adds the features, training keeps it beside the model: new films
are then prepared by the same code under the same options.
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
        images: What kinds of images came in.
        restoration: `_target_` and options of the restoration.
        features: `_target_` and options of each feature family, in column order; empty for
            models that see images.
    """

    images: ImageKinds
    restoration: dict[str, Any]
    features: tuple[dict[str, Any], ...]


def channels(shape: tuple[int, ...]) -> int:
    """Return the number of channels of an image of (height, width[, channels])."""
    return shape[2] if len(shape) == 3 else 1


def hand_on(source: Path, target: Path, features: Iterable[dict[str, Any]] | None = None) -> None:
    """Copy the preparation from one stage's folder to the next, its training mean included.

    Args:
        source: Folder with `preparation.json` and perhaps `training_mean.npy`.
        target: Folder to write the same files to.
        features: Feature families to add; None to add nothing.

    Raises:
        DataError: The preparation is missing or damaged.
    """
    preparation = read_record(Preparation, source / PREPARATION)
    if features is not None:
        preparation = replace(preparation, features=tuple(features))
    write_record(preparation, target / PREPARATION)
    if (source / TRAINING_MEAN).exists():
        shutil.copyfile(source / TRAINING_MEAN, target / TRAINING_MEAN)
