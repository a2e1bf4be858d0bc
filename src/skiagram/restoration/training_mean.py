"""The mean development image: the one thing a restoration may learn from other images.

Labels take no part in it. All folds share it, which is why it needs a sealed test set: under
cross-validation it would carry held-out images into training.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.errors import DataError, OptionError
from skiagram.records import Cases
from skiagram.restoration.contract import Plane
from skiagram.restoration.missing import fill_local_mean
from skiagram.store import ImageStore, is_volume

_WHERE = "restoration.missing.method"
_REMEDY = "choose local_mean, local_median or nearest"


def training_mean(store: ImageStore, cases: Cases) -> Plane:
    """Average the known pixels of all development images, one image at a time.

    A pixel that no image knows takes the mean of those around it.

    Args:
        store: Images of one size.
        cases: The case table; which cases are sealed is all that is read of it.

    Returns:
        (height, width[, channels]), or (depth, height, width, 1), float32.

    Raises:
        OptionError: Nothing is sealed, so the design is cross-validation.
        DataError: The images differ in size, or one channel is never known.
    """
    if not len(cases.test()):
        raise OptionError(
            "`training_mean` was given under design cv, where folds must not share images",
            where=_WHERE,
            remedy=f"{_REMEDY}, or design=holdout",
        )
    development = cases.development().case_id.tolist()
    shape = store.image(development[0]).shape
    total, count = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for case_id, image in zip(development, store.images(development), strict=True):
        if image.shape != shape:
            raise DataError(
                f"image of shape {image.shape} after one of {shape}",
                where=case_id,
                allowed="`training_mean` on images of one size",
                remedy=_REMEDY,
            )
        known = np.isfinite(image)
        total += np.where(known, image, 0)
        count += known
    return _completed(total, count)


def _completed(total: NDArray[np.float64], count: NDArray[np.int64]) -> Plane:
    mean = (total / np.maximum(count, 1)).astype(np.float32)
    known, never = (_by_plane(values) for values in (mean, count == 0))
    for plane, unknown in zip(known, never, strict=True):
        if unknown.all():
            raise DataError("every pixel of every development image is missing", where=_WHERE)
        if unknown.any():
            plane[:] = fill_local_mean(
                np.ascontiguousarray(plane), np.ascontiguousarray(unknown), 1
            )
    return mean


def _by_plane(image: NDArray[Any]) -> NDArray[Any]:
    """Return a view, (planes, height, width): the channels of an image, the slices of a volume."""
    if is_volume(image):
        return image[..., 0]
    return np.moveaxis(image.reshape(*image.shape[:2], -1), -1, 0)
