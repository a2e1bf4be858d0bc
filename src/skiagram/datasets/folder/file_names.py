"""Names of files in tables of other people: with more or fewer folders, or without the ending."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePosixPath

from skiagram.datasets.file_trees import FileTree
from skiagram.datasets.folder.csv_rows import BETWEEN, WHERE, TableRow
from skiagram.errors import DataError


@dataclass(frozen=True)
class FileNames:
    """Files whose names a table may write in another way.

    Attributes:
        files: Names relative to the folder.
    """

    files: Sequence[str]

    def meant(self, name: str) -> list[str]:
        """Return the files that a name means, several where it does not say which.

        Args:
            name: With all folders of the file, some or none, maybe further ones before; with its
                ending or without. Folders are separated by slashes, or as Windows does.
        """
        asked = _parts(name)
        shared = {file: _shared_folders(asked, file) for file in self._by_name.get(asked[-1:], ())}
        most = max(shared.values(), default=-1)
        return [file for file, number in shared.items() if number == most >= 0]

    def elsewhere(self, name: str) -> list[str]:
        """Return the files that are called as a name, in whatever folder."""
        return self._by_name.get(_parts(name)[-1:], [])

    @cached_property
    def _by_name(self) -> dict[tuple[str, ...], list[str]]:
        """Last part of a name, with its ending and without → the files."""
        known: dict[tuple[str, ...], list[str]] = {}
        for file in self.files:
            path = PurePosixPath(*_parts(file))
            ending = "".join(path.suffixes[-2:]) if ".gz" in path.suffixes else path.suffix
            for name in {path.name, path.name.removesuffix(ending)}:
                known.setdefault((name,), []).append(file)
        return known


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).parts


def _shared_folders(asked: tuple[str, ...], file: str) -> int:
    """Return how many folders a name and a file share; −1 where one contradicts the other."""
    pairs = zip(reversed(asked[:-1]), reversed(_parts(file)[:-1]), strict=False)
    alike = [folder == folder_of_file for folder, folder_of_file in pairs]
    return len(alike) if all(alike) else -1


def find_listed_files(
    rows: list[TableRow], column: str, target: str, tree: FileTree
) -> tuple[list[TableRow], str]:
    """Return a table with the names that its files have on the disk, and a sentence on it.

    Only names that are not there are looked for; one that nothing fits stays as it is.

    Args:
        column: Of the names, several in a cell separated by semicolons.
        target: Column that takes the names of the disk, where one was found.

    Raises:
        DataError: A name means several files.
    """
    absent = {
        name for row in rows for name in _names(row.cells[column]) if name and not tree.exists(name)
    }
    if not absent:
        return rows, ""
    images = [*tree.images(())]
    folders = {str(parent) for name in images for parent in PurePosixPath(name).parents} - {"."}
    known = (FileNames(images), FileNames(sorted(folders)))
    found: dict[str, str] = {}
    for name in sorted(absent):
        meant = next(filter(None, (names.meant(name) for names in known)), [])
        if len(meant) > 1:
            raise DataError(
                f"`{name}` may be {' or '.join(f'`{file}`' for file in sorted(meant)[:3])}",
                where=f"{WHERE}, column `{column}`",
                allowed="names that one file fits",
                remedy="write the names with their folders, relative to the folder of the images",
            )
        if meant:
            found[name] = meant[0]
    if not found:
        return rows, ""
    renamed = [
        replace(
            row,
            cells=row.cells
            | {target: BETWEEN.join(found.get(each, each) for each in _names(row.cells[column]))},
        )
        for row in rows
    ]
    first = next(iter(found.items()))
    return renamed, (
        f"{len(found)} files of the column `{column}` are found under another name, for example "
        f"`{first[0]}` as `{first[1]}`."
    )


def _names(cell: str) -> list[str]:
    return [name.strip() for name in cell.split(";")]
