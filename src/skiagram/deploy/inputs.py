"""What a model sees of new cases: images as by ingest and restore, covariates from a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from skiagram.case_features.covariates import SITE_PREFIX
from skiagram.datasets.checks import check_image
from skiagram.deploy.new_cases import NewCase
from skiagram.errors import DataError, named, refusal
from skiagram.preparation import Covariate, Preparation, channels
from skiagram.readers.case_images import (
    AS_STORED,
    CaseReading,
    decode_case,
    read_case_files,
)
from skiagram.readers.dicom_codecs import MAX_PIXELS
from skiagram.readers.spaced_image import SpacedImage
from skiagram.restoration.missing import Plane
from skiagram.restoration.restore import ByModality, restore_image
from skiagram.restoration.steps import Steps
from skiagram.tables.cells import number_of

_BYTE = "uint8"


@dataclass(frozen=True)
class PreparedImage:
    """A case as the model sees it.

    Attributes:
        images: Modality → (height, width[, channels]) or (depth, height, width, 1) float32,
            restored, finite; with spacing and region. Empty where cases have none.
        unusual: In what no image of training was like it, a reason each.
        covariates: Column → cell of what the model reads besides the image.
        missing: What the model reads of a case and nobody gave.
        measured: Features that came with the case, by name.
    """

    name: str
    images: Mapping[str, SpacedImage]
    unusual: tuple[str, ...]
    covariates: Mapping[str, str]
    earlier: tuple["PreparedImage", ...] = ()
    missing: tuple[str, ...] = ()
    other: "PreparedImage | None" = None
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def image(self) -> SpacedImage:
        """Return the image of the first modality."""
        return next(iter(self.images.values()))

    @property
    def nbytes(self) -> int:
        """Count the bytes of its pixels."""
        size = sum(image.pixels.nbytes for image in self.images.values())
        return size + sum(image.nbytes for image in filter(None, (*self.earlier, self.other)))


@dataclass(frozen=True)
class Preparer:
    """What happens to each image before the model sees it.

    Attributes:
        restoration: What cleans each image; None where cases have none.
        shape: (height, width) that the model insists on; None where it takes any.
    """

    preparation: Preparation
    restoration: Steps | ByModality | None
    training_mean: Plane | None
    shape: tuple[int, int] | None
    reading: CaseReading = AS_STORED

    def prepare(self, case: NewCase, covariates: Mapping[str, str]) -> PreparedImage:
        """Read a case's images as ingest does, and restore them."""
        unusual: tuple[str, ...] = ()
        images: dict[str, SpacedImage] = {}
        try:
            # What could not be listed as a case cannot be read.
            if case.problem is not None:
                raise case.problem
            # A row of a table of features has no image.
            modalities = self.preparation.modalities or ("",)
            if case.measured or self.preparation.images is None:
                modalities = ()
            for modality in modalities:
                image = self.read(case, modality)
                unusual += self._examine(image, modality)
                images[modality] = self._restored(case.name, image, modality)
        except DataError as error:
            names = {"", case.name, *(image.file for image in case.images.values())}
            where = case.name if error.where in names else f"{case.name}, {error.where}"
            raise error.restated(DataError, where=where) from error
        return PreparedImage(case.name, images, unusual, covariates, measured=case.measured)

    def read(self, case: NewCase, modality: str) -> SpacedImage:
        """Read an image of a case as ingest stores it."""
        # Files as the data set's source read them: as large, as gray, in as many colours.
        kinds = self.preparation.images
        largest = MAX_PIXELS if kinds is None else max(MAX_PIXELS, kinds.height[1] * kinds.width[1])
        reference = case.images[modality]
        files = read_case_files(case.tree, reference)
        gray = self.reading.gray or self.preparation.gray
        reading = replace(self.reading, most_pixels=largest, gray=gray)
        image = decode_case(files, reference, reading)
        return image.in_colour() if self.preparation.in_colour else image

    def _examine(self, image: SpacedImage, modality: str) -> tuple[str, ...]:
        """Refuse what cannot be scored; return in what no image of training was like this one."""
        # Volumes or images, with or without regions, as in training.
        is_volume = image.pixels.ndim == 4
        if is_volume != self.preparation.of_volumes:
            kind, trained_on = ("a volume", "images") if is_volume else ("an image", "volumes")
            raise refusal("deploy.other_kind", found=kind, trained_on=trained_on)
        if self.preparation.regions and image.region is None:
            raise refusal("deploy.no_mask")
        if image.region is not None and not self.preparation.regions:
            raise refusal("deploy.unexpected_mask")
        check_image(image.pixels, "")
        # Of a further modality the record of its own holds, if there is one.
        first = modality == self.preparation.first_modality
        kinds, traits = self.preparation.images, self.preparation.traits
        if not first:
            further = {
                each.modality: (each.images, each.traits) for each in self.preparation.further
            }
            kinds, traits = further.get(modality, (None, None))
        if kinds is None:  # nobody recorded it
            return ()
        # Channels, depth and sides of the training images.
        if (count := channels(image.pixels.shape)) not in kinds.channels:
            allowed = f"{' or '.join(map(str, kinds.channels))}, as in training"
            remedy = "convert the image to gray" if kinds.channels == (1,) else ""
            raise refusal("deploy.other_channels", count=count, allowed=allowed, remedy=remedy)
        if not any((image.pixels.dtype == _BYTE) == (depth == _BYTE) for depth in kinds.depths):
            raise refusal("deploy.other_depth", dtype=image.pixels.dtype, depths=kinds.depths)
        sides = image.pixels.shape[image.pixels.ndim == 4 :][:2]
        if self.shape and first and sides != self.shape:
            size, training_size = (" × ".join(map(str, each)) for each in (sides, self.shape))
            raise refusal("deploy.other_size", size=size, training_size=training_size)
        # What may be scored, yet looks unlike them.
        unusual = kinds.unlike(image.pixels)
        if image.made_colour:
            unusual += ("gray, where training had colour",)
        if traits is not None:
            unusual += traits.unlike(image.pixels, image.spacing, image.modality)
        return tuple(f"{modality}: {reason}" if modality else reason for reason in unusual)

    def _restored(self, name: str, image: SpacedImage, modality: str) -> SpacedImage:
        # The steps of this modality.
        steps = self.restoration
        if isinstance(steps, ByModality):
            steps = steps.of(modality, self.preparation.modalities or ("",))
        if steps is None:
            return image
        if steps.region is not None and image.spacing is None:
            raise refusal("deploy.no_spacing")
        restored = restore_image(
            name, image.pixels, image.spacing, image.region, steps, self.training_mean
        )
        if not np.isfinite(restored.pixels).all():
            raise refusal("deploy.missing_pixels")
        if steps.region is None:
            return replace(image, pixels=restored.pixels)
        return SpacedImage(restored.pixels, restored.spacing, image.modality, restored.region)


def require_covariates(read: Sequence[Covariate], cases: Sequence[NewCase]) -> None:
    """Refuse cases whose table lacks a covariate that a model reads, or that no table lists.

    Raises:
        OptionError: It names the columns that are needed.
    """
    columns = dict.fromkeys(covariate.column for covariate in read)
    if not all(columns.keys() <= case.cells.keys() for case in cases):
        raise refusal("deploy.no_covariates", columns=", ".join(f"`{name}`" for name in columns))


def check_covariates(
    read: Sequence[Covariate], case: NewCase, *, refuses_sites: bool = False
) -> None:
    """Refuse cells of a case that the model cannot read.

    Args:
        refuses_sites: Whether the model scores no case of a site that training did not see.
    """
    # Only columns that the model reads are looked at.
    with named(case.name):
        for covariate in read:
            cell = case.cells[covariate.column]
            if covariate.categories is None and cell and number_of(cell) is None:
                raise refusal("deploy.no_number", cell=cell, column=covariate.column)
            # A model that corrects sites cannot correct one that it has not seen.
            sites = covariate.categories or ()
            if refuses_sites and covariate.prefix == SITE_PREFIX and cell not in sites:
                raise refusal("deploy.unseen_site", column=covariate.column, cell=cell, sites=sites)


def list_unseen(read: Sequence[Covariate], cells: Mapping[str, str]) -> list[str]:
    """List the columns whose text is no category of training: it counts as none at all."""
    unseen = {
        covariate.column
        for covariate in read
        if covariate.categories is not None
        and cells[covariate.column] not in ("", *covariate.categories)
    }
    return sorted(unseen)


def list_outlying(read: Sequence[Covariate], cells: Mapping[str, str]) -> tuple[str, ...]:
    """Tell which numbers of a case lie far from those of training, such as months for years.

    Far is more than half the width of the training cases' usual range beyond its ends.
    """
    # Half of the training's own range beyond either end counts as far.
    far = []
    for covariate in read:
        cell = cells[covariate.column]
        if covariate.usual is None or number_of(cell) is None:
            continue
        low, high = covariate.usual
        beyond = 0.5 * (high - low)
        if not low - beyond <= float(cell) <= high + beyond:
            far.append(f"{covariate.column} {cell} (training: {low:g} to {high:g})")
    return tuple(far)


def list_unknown(read: Sequence[Covariate], cells: Mapping[str, str]) -> list[str]:
    """Tell which covariates of a case are unknown."""
    columns = dict.fromkeys(covariate.column for covariate in read)
    return [f"`{name}` is unknown" for name in columns if not cells[name]]
