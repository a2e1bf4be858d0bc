"""Any MedMNIST file (.npz), of images or of volumes, with its official split.

Format: arrays `{train,val,test}_images` (n, height, width[, 3]) or (n, depth, height, width) uint8
and `{…}_labels` (n, 1) (Yang et al. 2023, MedMNIST v2, doi:10.1038/s41597-022-01721-8). MedMNIST
publishes no patient ids.
"""

import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.datasets.checks import MIN_SIDE
from skiagram.datasets.contract import OpenSource, RealDataSet, tabulate_entries
from skiagram.errors import DataError, refusal
from skiagram.readers.files import locate
from skiagram.readers.spaced_image import SpacedImage
from skiagram.strict import STRICT
from skiagram.tasks.cases import Split
from skiagram.tasks.task import Design

_UNREADABLE = (  # all that a damaged or foreign .npz is known to raise
    *(OSError, ValueError, EOFError, TypeError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
_COLOURS = 3
_SHAPES = "(n, height, width), (n, height, width, 3) or (n, depth, height, width)"
_SPLITS: dict[str, Split] = {"train": "train", "val": "validation", "test": "test"}
_KEYS = [f"{split}_{kind}" for split in _SPLITS for kind in ("images", "labels")]


@dataclass(**STRICT)
class MedMNIST(RealDataSet):
    """A MedMNIST data set.

    `refused` has what configs of version 0.2.0 held, with the reason.

    Attributes:
        file: File name.
        md5: Checksum of the file.
        classes: Class names in label order.
        positive_class: Class looked for; null when there are more than two.
    """

    refused: ClassVar[Mapping[str, str]] = {
        "url": "no file is downloaded any more; remove the line, and see that the file is here"
    }
    patients_known: ClassVar[bool] = False  # MedMNIST publishes no ids
    design: ClassVar[Design] = "holdout"  # its split is official

    file: str
    md5: str
    classes: tuple[str, ...]
    positive_class: str | None

    @property
    def origin(self) -> str:
        return Path(self.file).name

    @property
    def file_checksums(self) -> Mapping[str, str | None]:
        return {self.file: self.md5}

    def open(self, root: Path | None) -> "MedMNISTFile":
        """Find the file, hold it against its checksum and read its arrays.

        Args:
            root: Folder of the file; None where its name is a whole path.

        Raises:
            DataError: The file is not there, is another one, or holds other arrays than MedMNIST's.
        """
        path = locate(self.file, self.md5, root)
        return MedMNISTFile(path, read_arrays(path, _KEYS), len(self.classes))


def read_arrays(path: Path, keys: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read some arrays of a .npz file.

    Nothing in the file is unpickled: an array of objects is refused as one that cannot be read.

    Args:
        path: The file.
        keys: Names of the arrays; the first one is named where the file cannot be opened at all.

    Returns:
        Name → array, as it was stored.

    Raises:
        DataError: An array is not there, or cannot be read.
    """
    arrays: dict[str, NDArray[Any]] = {}
    key = keys[0]  # which errors name, also where the file cannot be opened
    try:
        with np.load(path, allow_pickle=False) as archive:
            for key in keys:
                arrays[key] = archive[key]
    except KeyError as error:
        raise refusal("sources.no_array", path.name, name=key, names=", ".join(_KEYS)) from error
    except _UNREADABLE as error:
        raise refusal("sources.unreadable_array", path.name, name=key, error=error) from error
    return arrays


class MedMNISTFile(OpenSource):
    """One opened MedMNIST file."""

    def __init__(self, path: Path, arrays: dict[str, NDArray[Any]], n_classes: int) -> None:
        """Hold the arrays of all three splits against one another, and list their images.

        Args:
            path: The file, whose name errors give.
            arrays: Those of `_KEYS`: images (n, height, width), (n, height, width, 3) or (n, depth,
                height, width), uint8, and labels (n,) or (n, 1) of any whole type.
            n_classes: Classes of the options; labels are in [0, n_classes).

        Raises:
            DataError: Images of another kind or type, labels of another number or range, or splits
                that differ in kind.
        """
        self._images: list[NDArray[np.uint8]] = []
        self._start: list[int] = []
        parts: list[pd.DataFrame] = []
        for key, split in _SPLITS.items():
            images, labels = arrays[f"{key}_images"], arrays[f"{key}_labels"]
            where = f"{path.name} {key}"
            # Images of one kind, colours last.
            if images.dtype != np.uint8 or images.ndim not in (3, 4) or 0 in images.shape[1:]:
                raise refusal(
                    "sources.shape_of_images",
                    where,
                    shape=images.shape,
                    dtype=images.dtype,
                    shapes=_SHAPES,
                )
            if images.ndim == 4 and images.shape[3] != _COLOURS:
                fault, remedy = "", ""
                if images.shape[3] < MIN_SIDE:
                    fault = f"{images.shape[3]} channels, or volumes as narrow as that"
                elif images.shape[1] in (1, _COLOURS):
                    fault = f"{images.shape[1]} channels before the rows, or as many slices"
                    remedy = "put channels last, as `np.moveaxis(images, 1, -1)` does"
                if fault:
                    raise DataError(fault, where=where, allowed=_SHAPES, remedy=remedy)
            # A label for each image, all of them known.
            if labels.size != len(images):
                raise refusal(
                    "sources.number_of_labels", where, number=labels.size, n_images=len(images)
                )
            outside = sorted(set(np.unique(labels).tolist()) - set(range(n_classes)))
            if outside or not np.issubdtype(labels.dtype, np.integer):
                raise refusal(
                    "sources.odd_labels", where, labels=outside or labels.dtype, last=n_classes - 1
                )
            if self._images and _kind(images) != _kind(self._images[0]):
                raise refusal(
                    "sources.kinds_of_images",
                    where,
                    further=_kind(images),
                    first=_kind(self._images[0]),
                )
            # Their entries, in the order of the file.
            self._start.append(sum(map(len, parts)))
            self._images.append(images)
            names = [f"{path.name} {key}/{i}" for i in range(len(images))]
            parts.append(tabulate_entries(names, None, labels.reshape(-1), split))
        self.entries = pd.concat(parts, ignore_index=True)

    def image(self, position: int) -> SpacedImage:
        """Take one image, (height, width[, 3]), or volume, (depth, height, width, 1), uint8.

        Args:
            position: Row of `entries`, which lists the splits one after the other.
        """
        # The split that the row lies in, and the place within it.
        part = int(np.searchsorted(self._start, position, side="right")) - 1
        image = self._images[part][position - self._start[part]]
        return SpacedImage(image[..., None] if _kind(self._images[part]) == "volumes" else image)


def _kind(images: NDArray[Any]) -> str:
    """Tell images, colour images and volumes apart: colours are a last axis of three numbers."""
    if images.ndim == 3:
        return "images"
    return "colour images" if images.shape[3] == _COLOURS else "volumes"
