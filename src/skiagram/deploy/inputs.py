"""What a model sees of new images: pixels as by ingest and restore, covariates from a table.

Each image is read, changed as the data set's source changes it, checked and restored. What a model
reads and no image holds comes from a table, encoded as in training.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.checks import check_image
from skiagram.datasets.contract import Acquisition, SpacedImage
from skiagram.datasets.dicom_codecs import MOST_PIXELS
from skiagram.datasets.folder.table import read_rows
from skiagram.datasets.image_files import read_file, read_image
from skiagram.errors import DataError, OptionError
from skiagram.image_store.shards import Image
from skiagram.image_store.store import ImageStore
from skiagram.preparation import Covariate, ImageKinds, Traits, channels
from skiagram.restoration.contract import Plane, Restoration

_BYTE = "uint8"
FILE = "file"


@dataclass(frozen=True)
class PreparedImages:
    """Some images as a model sees them.

    Attributes:
        images: n restored images.
        covariates: (n, n_covariates) float32, of the features that no image holds; NaN is missing.
    """

    images: ImageStore
    covariates: NDArray[np.float32]


@dataclass(frozen=True)
class PreparedImage:
    """An image as the model sees it, with what goes with it.

    Attributes:
        file: Its file.
        image: (height, width[, channels]) float32, restored, finite; its spacing where it is known.
        unusual: In what no image of training was like it, a reason each.
        covariates: (n_covariates,) float32, what the model reads besides the image.
    """

    file: Path
    image: SpacedImage
    unusual: tuple[str, ...]
    covariates: NDArray[np.float32]


@dataclass(frozen=True)
class Preparer:
    """What happens to each image before the model sees it.

    Attributes:
        kinds: Kinds of images that training saw.
        traits: Their plain traits; None where the model's folder does not hold them.
        acquisition: What the data set's source did to each image; None for nothing.
        restoration: What to do to each image.
        training_mean: Mean development image, where the restoration needs it.
        shape: (height, width) that the model insists on; None where it takes any.
    """

    kinds: ImageKinds
    traits: Traits | None
    acquisition: Acquisition | None
    restoration: Restoration
    training_mean: Plane | None
    shape: tuple[int, int] | None

    def prepare(self, file: Path, covariates: NDArray[np.float32]) -> PreparedImage:
        """Read one image, do what its data set's source does, and restore it.

        Args:
            file: An image.
            covariates: What goes with it.

        Raises:
            DataError: The file is unreadable or no image of a kind that the model knows.
        """
        largest = self.kinds.height[1] * self.kinds.width[1]
        image = read_image(file, most_pixels=max(MOST_PIXELS, largest))
        try:
            acquired = image if self.acquisition is None else self.acquisition.acquire(image)
            restored = SpacedImage(self._restored(acquired.pixels), acquired.spacing)
            unusual = self._unusual(acquired, image.modality)
            return PreparedImage(file, restored, unusual, covariates)
        except DataError as error:
            raise DataError(
                error.found, where=str(file), allowed=error.allowed, remedy=error.remedy
            ) from error

    def _unusual(self, image: SpacedImage, modality: str) -> tuple[str, ...]:
        """Return in what no image of training was like this one."""
        pixels, kinds = image.pixels, self.kinds
        sides = zip(("height", "width"), pixels.shape, (kinds.height, kinds.width), strict=False)
        found = [
            f"{name} {side} pixels, in training {least} to {greatest}"
            for name, side, (least, greatest) in sides
            if not least <= side <= greatest
        ]
        if str(pixels.dtype) not in kinds.depths:
            found.append(f"pixels of type {pixels.dtype}, in training {' or '.join(kinds.depths)}")
        if self.traits is not None:
            found += self.traits.unlike(pixels, image.spacing, modality)
        return tuple(found)

    def _restored(self, image: Image) -> Plane:
        self._check(image)
        images, _ = self.restoration.restore(image[None], self.training_mean)
        restored: Plane = images[0]
        if not np.isfinite(restored).all():
            raise DataError(
                "missing pixels", allowed="images without gaps: the model's restoration fills none"
            )
        return restored

    def _check(self, image: Image) -> None:
        if self.kinds.slices is not None:
            raise DataError(
                "an image, but the model was trained on volumes",
                allowed="volumes, as in training",
                remedy="score volumes as the test cases of a data set; `predict` reads only images",
            )
        check_image(image, "")
        found, known = channels(image.shape), self.kinds.channels
        if found not in known:
            raise DataError(
                f"{found} channels",
                allowed=f"{' or '.join(map(str, known))}, as in training",
                remedy="convert the image to gray" if known == (1,) else "",
            )
        if not any((image.dtype == _BYTE) == (depth == _BYTE) for depth in self.kinds.depths):
            raise DataError(
                f"pixels of type {image.dtype}",
                allowed=f"{' or '.join(self.kinds.depths)}, as in training",
                remedy="export the image as the training images were exported",
            )
        if self.shape and image.shape[:2] != self.shape:
            raise DataError(
                f"{' × '.join(map(str, image.shape[:2]))} pixels",
                allowed=f"{' × '.join(map(str, self.shape))} pixels, as in training",
                remedy="crop or resize the image as the training images were, or train with "
                "training.image_size",
            )


@dataclass(frozen=True)
class CovariateFeature:
    """One feature that is taken from a covariate.

    Attributes:
        name: Name of the feature.
        covariate: Its covariate.
        category: Text for which it is 1, else 0; None for a number.
    """

    name: str
    covariate: Covariate
    category: str | None

    def value(self, cell: str) -> float:
        """Return the feature of a cell; an empty one is NaN for a number, 0 for a text.

        Raises:
            DataError: The cell holds no finite number where one belongs.
        """
        if self.category is not None:
            return float(cell == self.category)
        try:
            number = float(cell) if cell else math.nan
        except ValueError:
            number = math.inf
        if math.isinf(number) or (cell and math.isnan(number)):
            raise DataError(
                f"`{cell}` in column `{self.covariate.column}`",
                allowed="a finite number, or an empty cell if it is unknown",
            )
        return number


def covariate_features(
    names: Iterable[str], known: Sequence[Covariate]
) -> tuple[CovariateFeature, ...]:
    """Return which of a model's features are covariates, in the order of their names.

    Args:
        names: Names of features.
        known: The covariates of the data set that the model was trained on.
    """
    every: dict[str, CovariateFeature] = {}
    for covariate in known:
        for category in (None,) if covariate.categories is None else covariate.categories:
            name = f"{covariate.prefix}{covariate.column}"
            name += "" if category is None else f"_{category}"
            every[name] = CovariateFeature(name, covariate, category)
    return tuple(every[name] for name in dict.fromkeys(names) if name in every)


@dataclass(frozen=True)
class CovariateTable:
    """The covariates of images, one row per image.

    Attributes:
        features: What the model reads of them.
        cells: File as named on the command line, or its bare name → column → cell.
        unique: Bare names that only one of the images has.
    """

    features: tuple[CovariateFeature, ...]
    cells: dict[str, dict[str, str]]
    unique: frozenset[str]

    def values(self, file: Path) -> NDArray[np.float32]:
        """Return (n_features,) float32 of an image, NaN where a number is unknown.

        Raises:
            DataError: The image has no row, or a cell cannot be read.
        """
        if not self.features:
            return np.empty(0, np.float32)
        row = self._row(file)
        try:
            values = [feature.value(row[feature.covariate.column]) for feature in self.features]
        except DataError as error:
            raise DataError(error.found, where=str(file), allowed=error.allowed) from error
        return np.array(values, np.float32)

    def unseen(self, file: Path) -> list[str]:
        """Return which texts of an image are no category of training: they count as none at all."""
        texts = {feature.covariate for feature in self.features if feature.category is not None}
        cells = {covariate: self._row(file)[covariate.column] for covariate in texts}
        return sorted(
            f"{covariate.column} `{cell}`"
            for covariate, cell in cells.items()
            if cell and cell not in (covariate.categories or ())
        )

    def _row(self, file: Path) -> dict[str, str]:
        row = self.cells.get(str(file))
        if row is None and file.name in self.unique:
            row = self.cells.get(file.name)
        if row is None:
            raise DataError(
                "no row in the table of covariates",
                where=str(file),
                remedy="add a row with this name in the column `file`; leave unknown cells empty",
            )
        return row


NO_COVARIATES = CovariateTable((), {}, frozenset())


def read_covariates(
    path: Path | None, features: tuple[CovariateFeature, ...], files: Sequence[Path]
) -> CovariateTable:
    """Read the table that goes with some images.

    Args:
        path: CSV with the column `file` and the covariates; None for none.
        features: What the model reads.
        files: The images.

    Raises:
        OptionError: A table is missing, or the model has no use for one.
        DataError: The table cannot be read, lacks a column or has two rows for one image.
    """
    columns = list(dict.fromkeys(feature.covariate.column for feature in features))
    needed = ", ".join(f"`{name}`" for name in [FILE, *columns])
    if (path is not None) != bool(features):
        raise OptionError(
            f"the model reads {needed}" if features else "the model reads no covariates",
            where="--covariates",
            remedy=f"give a CSV with the columns {needed}" if features else "leave it out",
        )
    if path is None:
        return NO_COVARIATES
    cells: dict[str, dict[str, str]] = {}
    for row in read_rows(read_file(path, str(path))):
        for name in (FILE, *columns):
            if name not in row.cells:
                raise DataError(
                    f"no column `{name}`",
                    where=str(path),
                    allowed=needed,
                    remedy="add the column; leave unknown cells empty",
                )
        if cells.setdefault(str(Path(row.cells[FILE])), row.cells) is not row.cells:
            raise DataError(f"two rows for `{row.cells[FILE]}`", where=str(path))
    bare = Counter(file.name for file in set(files))
    return CovariateTable(
        features, cells, frozenset(name for name, count in bare.items() if count == 1)
    )
