"""What images went through before a model saw them, and where prepared data lie.

Ingest writes a `Preparation`, restoring and extracting add what they do, training keeps it beside
the model: new films are then prepared by the same code under the same options. `PreparedData` names
what the steps before training left.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from skiagram.errors import refusal
from skiagram.image_store.store import ImageStore
from skiagram.images import Image, Spacing
from skiagram.records.files import Table, read_record, write_record

PREPARATION = "preparation.json"
TRAINING_MEAN = "training_mean.npy"
LEARNED = "learned"  # folder of what feature families learned from other images
_DIGITS = 16  # of the digest of an image


@dataclass(frozen=True)
class ImageKinds:
    """The kinds of images of a data set as ingested; sides are least and greatest.

    Attributes:
        depths: Names of the pixel types that occur, in order of name.
        slices: None where they are no volumes.
    """

    channels: tuple[int, ...]
    depths: tuple[str, ...]
    height: tuple[int, int]
    width: tuple[int, int]
    slices: tuple[int, int] | None = None

    @classmethod
    def of(cls, images: Iterable[Any]) -> "ImageKinds":
        """Look at `shape` and `dtype` of every image, or of what was noted of it."""
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

    def unlike(self, image: Image) -> tuple[str, ...]:
        """Return how the sides and the depth of a new image differ from those of the data set."""
        side_ranges = {"height": self.height, "width": self.width}
        if self.slices is not None:
            side_ranges = {"depth": self.slices, **side_ranges}
        unlike = [
            f"{name} {side} pixels, in training {least} to {greatest}"
            for (name, (least, greatest)), side in zip(
                side_ranges.items(), image.shape, strict=False
            )
            if not least <= side <= greatest
        ]
        if str(image.dtype) not in self.depths:
            unlike.append(f"pixels of type {image.dtype}, in training {' or '.join(self.depths)}")
        return tuple(unlike)


Range = tuple[float, float]


@dataclass(frozen=True)
class TraitRanges:
    """The plain traits of a data set's images as ingested, by which a new one is told to be unlike.

    Attributes:
        modality: DICOM Modality of the files, in order of name; empty where some name none.
        spacing: Of slices (of volumes alone), rows and columns, mm; empty where no image has any.
        brightness: Least and greatest mean of an image's pixels.
        contrast: Least and greatest standard deviation of an image's pixels.
    """

    modality: tuple[str, ...]
    spacing: tuple[Range, ...]
    unspaced: bool
    brightness: Range
    contrast: Range

    @classmethod
    def of(cls, images: Sequence[Any]) -> "TraitRanges":
        """Return the traits of images of which these were noted, one number an image."""
        known = [image.spacing for image in images if image.spacing is not None]
        brightness = [image.brightness for image in images]
        contrast = [image.contrast for image in images]
        return cls(
            modality=tuple(sorted({image.modality for image in images})),
            spacing=tuple((min(sides), max(sides)) for sides in zip(*known, strict=True)),
            unspaced=len(known) < len(images),
            brightness=(min(brightness), max(brightness)),
            contrast=(min(contrast), max(contrast)),
        )

    def unlike(self, image: Image, spacing: Spacing | None, modality: str) -> tuple[str, ...]:
        """Return how a new image differs from all images of the data set, trait by trait."""
        brightness, contrast = brightness_of(image)
        unlike = []
        if any(self.modality) and modality not in self.modality:
            modalities = " or ".join(name or "none" for name in self.modality)
            unlike.append(f"modality {modality or 'not named'}, in training {modalities}")
        numbers = [
            ("brightness", brightness, self.brightness),
            ("contrast", contrast, self.contrast),
        ]
        names = ("slice spacing", "row spacing", "column spacing")[-len(self.spacing) :]
        numbers += zip(names, spacing or (), self.spacing, strict=False)
        outside = [
            f"{name} {value:.4g}, in training {least:.4g} to {greatest:.4g}"
            for name, value, (least, greatest) in numbers
            if min(abs(value - least), abs(value - greatest)) > 1e-3 * abs(value)
            and not least <= value <= greatest
        ]
        if spacing is None and self.spacing and not self.unspaced:
            outside.append("pixel spacing unknown, in training known")
        return (*unlike, *outside)


def brightness_of(image: Image) -> Range:
    """Return mean and standard deviation of the finite pixels."""
    pixels = image[np.isfinite(image)] if image.dtype.kind == "f" else image
    return float(pixels.mean(dtype=np.float64)), float(pixels.std(dtype=np.float64))


@dataclass(frozen=True)
class Covariate:
    """One column of what is known of a case besides its image.

    Attributes:
        categories: Texts that enough patients for training share, sorted, and no other, because a
            model's folder is given away; None for numbers.
        usual: Between which numbers 98 % of the training cases lie; None for texts, for a column
            without a number, and in packages of earlier versions.
    """

    column: str
    categories: tuple[str, ...] | None
    prefix: str = "covariates_"
    usual: tuple[float, float] | None = None

    def features(self) -> dict[str, str | None]:
        """Return feature → the category that it is 1 for; None for that of numbers."""
        name = f"{self.prefix}{self.column}"
        if self.categories is None:
            return {name: None}
        return {f"{name}_{category}": category for category in self.categories}


@dataclass(frozen=True)
class FurtherModality:
    """A kind of image that cases have beside the first one, and what is known of such images."""

    modality: str
    images: ImageKinds
    traits: TraitRanges


@dataclass(frozen=True)
class Preparation:
    """What images went through before a model saw them.

    Attributes:
        images: What kinds of images ingest stored, of the first modality; None without images.
        restoration: `_target_` and options of the restoration; None before it.
        features: `_target_` and options of each feature family, in column order.
        image_digests: Of all images as ingested, of every modality: the first half of the digest
            that the store keeps of each, in hexadecimal, sorted and joined. Of cases without
            images, of their values.
        modalities: The images that each case has; empty where it has one.
        traits: Plain traits of the images, of the first modality; None without images.
        further: The same of the other modalities.
        proposal: `_target_` and options of what proposed the places where finders look.
        windows: Options of the windows around these places.
        columns: Role → column of the table that listed the cases.
        patient_column: In packages of earlier versions that of the patients in a table of features,
            in place of `columns`.
        gray: Whether colour was turned gray.
    """

    images: ImageKinds | None
    restoration: dict[str, Any] | None = None
    features: tuple[dict[str, Any], ...] = ()
    covariates: tuple[Covariate, ...] = ()
    image_digests: str = ""
    modalities: tuple[str, ...] = ()
    regions: bool = False
    traits: TraitRanges | None = None
    further: tuple[FurtherModality, ...] = ()
    proposal: dict[str, Any] | None = None
    windows: dict[str, Any] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    patient_column: str = ""
    gray: bool = False

    @property
    def of_volumes(self) -> bool:
        """Return whether the images are volumes."""
        return self.images is not None and self.images.slices is not None

    @property
    def in_colour(self) -> bool:
        """Return whether the images have three channels."""
        return self.images is not None and self.images.channels == (3,)

    @property
    def first_modality(self) -> str:
        """Name of the images that come first; empty where each case has one image."""
        return self.modalities[0] if self.modalities else ""

    def region_options(self, modality: str) -> dict[str, Any]:
        """Return what the restoration did to regions of a modality; empty for nothing."""
        steps = self.restoration or {}
        steps = steps.get("modalities", {}).get(modality, steps)
        return steps.get("region") or {}


def join_digests(digests: Iterable[bytes]) -> str:
    """Return `Preparation.image_digests` of a data set's images."""
    return "".join(sorted(digest.hex()[:_DIGITS] for digest in digests))


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
    proposal: dict[str, Any] | None = None,
    windows: dict[str, Any] | None = None,
) -> None:
    """Copy the preparation from one stage's folder to the next, and add what was done since.

    What goes with it, `training_mean.npy` and `learned`, is copied too.
    """
    preparation = read_record(Preparation, source / PREPARATION)
    whole = replace(
        preparation,
        restoration=restoration or preparation.restoration,
        features=(*preparation.features, *features),
        covariates=(*preparation.covariates, *covariates),
        proposal=proposal or preparation.proposal,
        windows=windows or preparation.windows,
    )
    write_record(whole, target / PREPARATION)
    if (source / TRAINING_MEAN).exists():
        shutil.copyfile(source / TRAINING_MEAN, target / TRAINING_MEAN)
    if (source / LEARNED).exists():
        shutil.copytree(source / LEARNED, target / LEARNED, dirs_exist_ok=True)


@dataclass(frozen=True)
class PreparedData:
    """Where each part of a data set lies once the steps before training have run.

    Features may be in memory: of a few new cases a file would cost more than the features.

    Attributes:
        cases: Folder of cases, task, covariates, marks and readers' scores, that ingest wrote.
        images: Folder of the restored images.
        features: Table of features of images.
        preparation: Folder that says how new images become such features.
        candidates: Folder of the places where finders look.
        candidates_features: Table of features of windows at these places.
        encodings: Encoder → folder of what it made of images and places.
        covariates: How covariates become columns, where other cases gave it; None where these do.
    """

    cases: Path
    images: Path
    features: Table
    preparation: Path
    candidates: Path
    candidates_features: Table
    encodings: Mapping[str, Path] = field(default_factory=dict)
    covariates: tuple[Covariate, ...] | None = None

    @classmethod
    def under(cls, data: Path) -> "PreparedData":
        """Return the parts that the stages leave in the folder `data`."""
        encodings = sorted((data / "encodings").glob("*/"))
        return cls(
            cases=data / "cases",
            images=data / "restored",
            features=data / "features.parquet",
            preparation=data / "preparation",
            candidates=data / "candidates",
            candidates_features=data / "candidates_features.parquet",
            encodings={folder.name: folder for folder in encodings},
        )

    @property
    def store(self) -> ImageStore:
        """Return the restored images of the first modality."""
        return ImageStore(self.images)

    def encoding(self, encoder: str) -> Path:
        """Return the folder of what an encoder made.

        Raises:
            OptionError: The encoder encoded nothing.
        """
        if encoder not in self.encodings:
            raise refusal(
                "base.no_encoding",
                encoder=encoder,
                encodings=", ".join(self.encodings) or "none: no encoder is chosen",
            )
        return self.encodings[encoder]
