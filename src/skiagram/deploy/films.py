"""One film from its file to what a model sees: read, changed as by ingest, checked, restored."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.checks import check_image
from skiagram.datasets.contract import Acquisition, SpacedImage
from skiagram.datasets.image_files import read_image
from skiagram.errors import DataError
from skiagram.preparation import ImageKinds, channels
from skiagram.restoration.contract import Plane, Restoration
from skiagram.store import Image, ImageStore

_BYTE = "uint8"


@dataclass(frozen=True)
class Films:
    """Some films as a model sees them.

    Attributes:
        images: n restored images.
        covariates: (n, n_covariates) float32, of the features that no image holds; NaN is missing.
    """

    images: ImageStore
    covariates: NDArray[np.float32]


@dataclass(frozen=True)
class Preparer:
    """What happens to each film before the model sees it.

    Attributes:
        kinds: Kinds of images that training saw.
        acquisition: What the data set's source did to each film; None for nothing.
        restoration: What to do to each film.
        training_mean: Mean development image, where the restoration needs it.
        shape: (height, width) that the model insists on; None where it takes any.
    """

    kinds: ImageKinds
    acquisition: Acquisition | None
    restoration: Restoration
    training_mean: Plane | None
    shape: tuple[int, int] | None

    def prepare(self, file: Path) -> SpacedImage:
        """Read one film, do what its data set's source does, and restore it.

        Returns:
            (height, width[, channels]) float32, finite, with its spacing where that is known.

        Raises:
            DataError: The file is unreadable or no film of a kind that the model knows.
        """
        film = read_image(file)
        try:
            acquired = film if self.acquisition is None else self.acquisition.acquire(film)
            return SpacedImage(self._restored(acquired.pixels), acquired.spacing)
        except DataError as error:
            raise DataError(
                error.found, where=str(file), allowed=error.allowed, remedy=error.remedy
            ) from error

    def unusual_size(self, film: Plane) -> bool:
        """Whether no film of training was as small or as large."""
        sides = zip(film.shape, (self.kinds.height, self.kinds.width), strict=False)
        return any(not least <= side <= greatest for side, (least, greatest) in sides)

    def _restored(self, film: Image) -> Plane:
        self._check(film)
        images, _ = self.restoration.restore(film[None], self.training_mean)
        restored: Plane = images[0]
        if not np.isfinite(restored).all():
            raise DataError(
                "missing pixels", allowed="whole films: the model's restoration fills nothing"
            )
        return restored

    def _check(self, film: Image) -> None:
        if self.kinds.slices is not None:
            raise DataError(
                "a film",
                allowed="volumes, as in training, which no film is",
                remedy="score volumes as the test cases of a data set; `predict` reads films alone",
            )
        check_image(film, "")
        found, known = channels(film.shape), self.kinds.channels
        if found not in known:
            raise DataError(
                f"{found} channels",
                allowed=f"{' or '.join(map(str, known))}, as in training",
                remedy="convert the film to gray" if known == (1,) else "",
            )
        if not any((film.dtype == _BYTE) == (depth == _BYTE) for depth in self.kinds.depths):
            raise DataError(
                f"pixels of type {film.dtype}",
                allowed=f"{' or '.join(self.kinds.depths)}, as in training; other scales mislead",
                remedy="export the film as the training films were exported",
            )
        if self.shape and film.shape[:2] != self.shape:
            raise DataError(
                f"{' × '.join(map(str, film.shape[:2]))} pixels",
                allowed=f"{' × '.join(map(str, self.shape))} pixels, as in training",
                remedy="crop or resize the film as the training films were, or train with "
                "training.image_size",
            )
