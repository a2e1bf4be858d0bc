"""A folder of image files of one's own, listed in a manifest that `skiagram init` writes."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import Entry, SpacedImage, Truth
from skiagram.datasets.described import Described
from skiagram.datasets.folder.listing import Columns, listed
from skiagram.datasets.folder.table import normal, read_rows, require_columns
from skiagram.datasets.folder.unlisted import unlisted_images
from skiagram.datasets.image_files import decode_image, read_file
from skiagram.errors import DataError
from skiagram.options import STRICT

CHECKSUM = "sha256"
_READERS = 2
_AHEAD = 4


@dataclass(**STRICT)
class Folder(Described):
    """Image files and the table that lists them.

    Attributes:
        folder: Where the files are; a relative path starts at SKIAGRAM_DATA.
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

    @property
    def origin(self) -> str:
        """Where the images are from, for the report."""
        return self.source

    @property
    def patients_known(self) -> bool:
        """Whether every image names its patient."""
        return self.columns.patient is not None

    def open(self, root: Path | None) -> "FolderFiles":
        """Verify the manifest and the folder's list of files.

        Raises:
            DataError: Folder or manifest is missing or altered, or a row cannot be used.
        """
        folder = (root or Path()) / self.folder
        if not folder.is_dir():
            raise DataError(
                "no such folder",
                where=f"dataset.folder: {self.folder}",
                remedy="correct the option, or name the folder above it in SKIAGRAM_DATA",
            )
        content = read_file(Path(self.manifest), self.manifest)
        if hashlib.sha256(content).hexdigest() != self.manifest_sha256:
            raise DataError(
                "altered since it was written",
                where=self.manifest,
                remedy="restore it, or run `skiagram init` again with --renew",
            )
        rows = read_rows(content)
        require_columns(rows, (CHECKSUM,))
        listing = listed(rows, self.columns, self.classes, self.test_sites)
        names = [row.cells[self.columns.file] for row in rows]
        refused = unlisted_images(folder, names) if self.unlisted == "refuse" else []
        for problem in listing.problems + refused:
            raise problem
        checksums = {normal(row.cells[self.columns.file]): row.cells[CHECKSUM] for row in rows}
        return FolderFiles(folder, listing.entries, checksums, self.channels)


class FolderFiles:
    """An opened folder.

    Args:
        folder: Where the files are.
        entries: What the manifest lists.
        checksums: File name → SHA-256.
        channels: Channels that every image must have.
    """

    def __init__(
        self, folder: Path, entries: list[Entry], checksums: dict[str, str], channels: int
    ) -> None:
        self._folder = folder
        self._entries = entries
        self._checksums = checksums
        self._channels = channels

    def entries(self) -> list[Entry]:
        """List every image."""
        return self._entries

    def image(self, position: int) -> SpacedImage:
        """Read and verify one image.

        Raises:
            DataError: The file is altered since the manifest was written, or cannot be used.
        """
        name = self._entries[position].name
        content = read_file(self._folder / name, name)
        if hashlib.sha256(content).hexdigest() != self._checksums[name]:
            raise DataError(
                "altered since the manifest was written",
                where=name,
                remedy="restore the file, or run `skiagram init` again with --renew",
            )
        image = decode_image(content, name)
        check_channels(3 if image.pixels.ndim == 3 else 1, self._channels, name)
        return image

    def read_ahead(self, positions: Sequence[int]) -> Iterator[SpacedImage]:
        """Read images in this order, a few ahead: reading and checksums need no Python lock.

        Raises:
            DataError: As `image`, when its turn has come.
        """
        waiting: deque[Future[SpacedImage]] = deque()
        with ThreadPoolExecutor(_READERS) as pool:
            for position in positions:
                waiting.append(pool.submit(self.image, position))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def truth(self, position: int) -> Truth | None:
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
            remedy="convert it, or remove it and its row",
        )
