"""What images went through before a model saw them; handed from stage to stage into its folder.

Ingest writes it, restoring and extracting add what they do, training keeps it beside the model:
new films are then prepared by the same code under the same options.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from skiagram.image_store.shards import Image
from skiagram.records import read_record, write_record

PREPARATION = "preparation.json"
TRAINING_MEAN = "training_mean.npy"
LEARNED = "learned"  # folder of what feature families learned from other images


@dataclass(frozen=True)
class ImageKinds:
    """The kinds of images of a data set as ingested.

    Attributes:
        channels: Numbers of channels that occur, ascending.
        depths: Names of the pixel types that occur, in order of name.
        height: Least and greatest, pixels.
        width: Least and greatest, pixels.
        slices: Least and greatest; None where they are no volumes.
    """

    channels: tuple[int, ...]
    depths: tuple[str, ...]
    height: tuple[int, int]
    width: tuple[int, int]
    slices: tuple[int, int] | None = None

    @classmethod
    def of(cls, images: Iterable[Image]) -> "ImageKinds":
        """Look at shape and depth of every image, at no pixel."""
        kinds = {(image.shape, str(image.dtype)) for image in images}
        shapes = [shape for shape, _ in kinds]
        volumes = all(len(shape) == 4 for shape in shapes)
        heights, widths = ([shape[axis + volumes] for shape in shapes] for axis in (0, 1))
        slices = [shape[0] for shape in shapes]
        return cls(
            channels=tuple(sorted({channels(shape) for shape in shapes})),
            depths=tuple(sorted({depth for _, depth in kinds})),
            height=(min(heights), max(heights)),
            width=(min(widths), max(widths)),
            slices=(min(slices), max(slices)) if volumes else None,
        )


@dataclass(frozen=True)
class Covariate:
    """One column of what is known of a case besides its image.

    Attributes:
        column: Its name.
        categories: Texts that enough patients for training share, sorted; None for numbers. No
            other text of a patient is kept, because a model's folder is given away.
    """

    column: str
    categories: tuple[str, ...] | None


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
        covariates: The covariates that features were taken from.
        images_sha256: Digest of all images as ingested, which tells data sets apart; empty where
            it was not yet recorded.
    """

    images: ImageKinds
    acquisition: dict[str, Any] | None
    restoration: dict[str, Any] | None = None
    features: tuple[dict[str, Any], ...] = ()
    covariates: tuple[Covariate, ...] = ()
    images_sha256: str = ""


def channels(shape: tuple[int, ...]) -> int:
    """Return the number of channels of an image of (height, width[, channels]), 1 of a volume."""
    return shape[2] if len(shape) == 3 else 1


def propagate_preparation(
    source: Path,
    target: Path,
    *,
    restoration: dict[str, Any] | None = None,
    features: Iterable[dict[str, Any]] = (),
    covariates: Iterable[Covariate] = (),
) -> None:
    """Copy the preparation from one stage's folder to the next, with all that it needs.

    Args:
        source: Folder with `preparation.json`, perhaps `training_mean.npy` and `learned`.
        target: Folder to write the same to.
        restoration: Restoration to add; None to keep what is there.
        features: Feature families to add.
        covariates: Covariates to add.

    Raises:
        DataError: The preparation is missing or damaged.
    """
    preparation = read_record(Preparation, source / PREPARATION)
    whole = replace(
        preparation,
        restoration=restoration or preparation.restoration,
        features=(*preparation.features, *features),
        covariates=(*preparation.covariates, *covariates),
    )
    write_record(whole, target / PREPARATION)
    if (source / TRAINING_MEAN).exists():
        shutil.copyfile(source / TRAINING_MEAN, target / TRAINING_MEAN)
    if (source / LEARNED).exists():
        shutil.copytree(source / LEARNED, target / LEARNED)
