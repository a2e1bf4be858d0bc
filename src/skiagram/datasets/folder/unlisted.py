"""Image files of a folder that no row of the table names."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from skiagram.datasets.folder.table import normal
from skiagram.datasets.image_files import HEAD_BYTES, is_image
from skiagram.errors import DataError


def unlisted_images(folder: Path, names: Iterable[str]) -> list[DataError]:
    """Return one problem an image file that no row names, in order of name.

    Only files that no row names are looked into; other kinds than images, and hidden files, do
    not matter.

    Args:
        folder: Where the files are.
        names: File names as the table gives them.
    """
    known = {normal(name) for name in names if name}
    return [
        DataError(
            "an image that no row names",
            where=name,
            remedy="add its row, move it elsewhere, or choose to ignore unlisted files",
        )
        for name in sorted(set(_files(folder)) - known)
        if _is_image(folder / name)
    ]


def _files(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield (Path(place) / name).relative_to(folder).as_posix()


def _is_image(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return is_image(file.read(HEAD_BYTES))
    except OSError:
        return False
