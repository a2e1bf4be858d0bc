"""Image files of one's own, listed in a manifest that `skiagram init` writes."""

import dataclasses
import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import Entry, GroundTruth, RealDataSet, SpacedImage
from skiagram.datasets.file_trees import FileTree, open_tree
from skiagram.datasets.folder.table import (
    Columns,
    Listing,
    keep_modality,
    list_entries,
    normalise_name,
    read_rows,
    require_columns,
)
from skiagram.datasets.image_files import read_file
from skiagram.datasets.volumes.case_images import decode_case, is_image_file, read_case_files
from skiagram.datasets.volumes.masks import MaskGrid
from skiagram.errors import DataError
from skiagram.options import STRICT
from skiagram.records import DataCard

CHECKSUM = "sha256"
MASK_CHECKSUM = "mask_sha256"
_READERS = 2
_AHEAD = 4


@dataclass(**STRICT)
class Folder(RealDataSet):
    """Image files and the table that lists them.

    Attributes:
        folder: Where the files are: a folder, or an archive encrypted with age (`.tar.age`); a
            relative path starts at SKIAGRAM_DATA.
        manifest: The table with a checksum a file; a relative path starts at the project.
        manifest_sha256: Checksum of the manifest, so that a changed one is noticed.
        columns: Which column of the manifest holds what.
        classes: Class names in label order.
        positive_class: Class looked for; null when there are more than two.
        test_sites: Sites whose images are the test set; empty where `columns.split` says it, or
            where nothing does.
        channels: 1 for gray images, 3 for colour; never both in one data set.
        unlisted: Whether image files that no row names stop the run.
        source: Where the images are from, for the report.
        image_modality: Which images are read where `columns.modality` tells several apart.
        mask_grid: What to do with a mask on other voxels than its image's: `same` refuses it,
            `resample` brings it to them.
    """

    folder: str
    manifest: str
    manifest_sha256: str
    columns: Columns
    classes: tuple[str, ...]
    positive_class: str | None
    test_sites: tuple[str, ...]
    channels: Literal[1, 3]
    unlisted: Literal["refuse", "ignore"]
    source: str
    image_modality: str | None = None
    mask_grid: MaskGrid = "same"

    @property
    def origin(self) -> str:
        """Where the images are from, for the report."""
        return self.source

    @property
    def patients_known(self) -> bool:
        """Whether every image names its patient."""
        return self.columns.patient is not None

    def card(self) -> DataCard:
        """Return what a reader must know of the data set, the sites held out for testing too."""
        return dataclasses.replace(super().card(), test_sites=self.test_sites)

    def open(self, root: Path | None) -> "FolderFiles":
        """Verify the manifest and the folder's list of files.

        Raises:
            DataError: Folder or manifest is missing or altered, or a row cannot be used.
        """
        place = f"dataset.folder: {self.folder}"
        tree = open_tree((root or Path()) / self.folder, place, is_image_file)
        content = read_file(Path(self.manifest), self.manifest)
        if hashlib.sha256(content).hexdigest() != self.manifest_sha256:
            raise DataError(
                "changed since it was written",
                where=self.manifest,
                remedy="restore it, or run `skiagram init` again with --renew",
            )
        rows = read_rows(content)
        kinds = {self.columns.file: CHECKSUM}
        if self.columns.mask is not None:
            kinds[self.columns.mask] = MASK_CHECKSUM
        require_columns(rows, (*kinds, *kinds.values()))
        checksums = {
            normalise_name(row.cells[column]): row.cells[checksum]
            for column, checksum in kinds.items()
            for row in rows
        }
        refused = find_unlisted_images(tree, checksums) if self.unlisted == "refuse" else []
        rows = keep_modality(rows, self.columns, self.image_modality)
        listing = list_entries(rows, self.columns, self.classes, self.test_sites)
        for problem in listing.problems + refused:
            raise problem
        return FolderFiles(tree, listing, checksums, self.channels, self.mask_grid)


class FolderFiles:
    """An opened folder.

    Args:
        files: The files.
        listing: What the manifest lists.
        checksums: File name → SHA-256.
        channels: Channels that every image must have.
        mask_grid: What to do with a mask on other voxels than its image's.
    """

    def __init__(
        self,
        files: FileTree,
        listing: Listing,
        checksums: dict[str, str],
        channels: int,
        mask_grid: MaskGrid,
    ) -> None:
        self._files = files
        self._listing = listing
        self._checksums = checksums
        self._channels = channels
        self._mask_grid = mask_grid

    @property
    def acquisition(self) -> None:
        """None: pixels are stored as they are read."""

    def entries(self) -> list[Entry]:
        """List every image."""
        return self._listing.entries

    def image(self, position: int) -> SpacedImage:
        """Read and verify one image.

        Raises:
            DataError: The file is altered since the manifest was written, or cannot be used.
        """
        reference = self._listing.references[position]
        files = read_case_files(self._files, reference)
        for name, checksum in files.checksums.items():
            if checksum != self._checksums[name]:
                raise DataError(
                    "changed since the manifest was written",
                    where=name,
                    remedy="restore the file, or run `skiagram init` again with --renew",
                )
        image = decode_case(files, reference, self._mask_grid)
        check_channels(3 if image.pixels.ndim == 3 else 1, self._channels, reference.name)
        return image

    def read_ahead(self, positions: Sequence[int]) -> Iterator[SpacedImage]:
        """Read images in this order, a few ahead: reading and checksums need no Python lock.

        Raises:
            DataError: As `image`, when its turn has come.
        """
        waiting: deque[Future[SpacedImage]] = deque()
        references = [self._listing.references[position] for position in positions]
        self._files.announce([name for one in references for name in (one.file, one.mask) if name])
        with ThreadPoolExecutor(1 if self._files.in_order else _READERS) as pool:
            for position in positions:
                waiting.append(pool.submit(self.image, position))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def truth(self, position: int) -> GroundTruth | None:
        """Return None: these are real images."""
        return None


def check_channels(found: int, channels: int, name: str) -> None:
    """Refuse a colour image among gray ones, and the reverse.

    Args:
        found: Channels of the image, 1 or 3.
        channels: Channels that every image of the data set must have.
        name: Name of the image, for messages.

    Raises:
        DataError: They differ.
    """
    kinds = {1: "gray", 3: "colour"}
    if found != channels:
        raise DataError(
            f"a {kinds[found]} image",
            where=name,
            allowed=f"{kinds[channels]} images, as most of this data set are",
            remedy="convert it, or remove the file and its row",
        )


def find_unlisted_images(files: FileTree, names: Iterable[str]) -> list[DataError]:
    """Return one problem an image file that no row names, in order of name.

    Only files that no row names are looked into; other kinds than images, and hidden files, do
    not matter.

    Args:
        files: The files.
        names: File names as the table gives them.
    """
    known = {normalise_name(name) for name in names if name}
    series = tuple(f"{name}/" for name in known)
    return [
        DataError(
            "an image without a row in the table",
            where=name,
            remedy="add a row, move the file elsewhere, or ignore unlisted files",
        )
        for name in sorted(files.images(known))
        if not name.startswith(series)
    ]
