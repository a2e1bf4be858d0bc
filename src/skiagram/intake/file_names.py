"""Names of files in tables of other people: with other folders, without the ending, or by UIDs."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from operator import eq
from pathlib import PurePosixPath

import pandas as pd

from skiagram.datasets.choices import MaskChoice
from skiagram.datasets.folder.mask_names import find_masks, without_ending
from skiagram.errors import named, refusal
from skiagram.readers.dicom import read_element
from skiagram.readers.file_trees import FileTree
from skiagram.tables.cells import BETWEEN
from skiagram.tables.frames import WHERE, replace_columns

_UID = re.compile(r"\d+(\.\d+){4,}")
_OF_SERIES = ("", ".dcm", ".ima")


@dataclass(frozen=True)
class FileNames:
    """Files whose names a table may write in another way.

    Attributes:
        files: Names relative to the folder.
    """

    files: Sequence[str]

    def find(self, name: str, *looks: Callable[[str], list[str]]) -> str | None:
        """Return the file that a name means, also in another case; None where it means none.

        Args:
            looks: Where it is looked for besides.

        Raises:
            DataError: It means several files.
        """
        in_any_case: Callable[[str], list[str]] = partial(self.meant, fold=str.casefold)
        for look in [self.meant, *looks, in_any_case]:
            meant = look(name)
            if len(meant) > 1:
                raise refusal("intake.several_files", name=name, files=sorted(meant)[:3])
            if meant:
                return meant[0]
        return None

    def meant(self, name: str, fold: Callable[[str], str] = str) -> list[str]:
        """Return the files that a name means, several where it does not say which.

        Args:
            name: With all folders of the file, some or none, maybe further ones before; with its
                ending or without. Folders are separated by slashes, or as Windows does.
            fold: Makes names equal that count as one.
        """
        if not _parts(name):  # an empty cell
            return []
        *folders, last = map(fold, _parts(name))
        shared: dict[str, int] = {}  # folders that both have, where none contradicts the other
        for file, called in self._by_name.get(last.casefold(), ()):
            own = map(fold, reversed(_parts(file)[:-1]))
            alike = [*map(eq, reversed(folders), own)]
            if all(alike) and last == fold(called):
                shared[file] = len(alike)
        most = max(shared.values(), default=0)
        return [file for file, number in shared.items() if number == most]

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[str, str]]]:
        """Last part of a name in small letters → the files, and what each is called there."""
        by_name: dict[str, list[tuple[str, str]]] = {}
        for file in self.files:
            *_, name = _parts(file)
            for called in {name, without_ending(name)}:
                by_name.setdefault(called.casefold(), []).append((file, called))
        return by_name


def _series_of(name: str) -> str:
    """Return the UID of a DICOM series by the innermost folder that is called so; empty for none.

    So does TCIA: its tables have `case/study UID/series UID/000000.dcm`, its folders
    `case/07-20-2016-DDSM-NA-30104/1.000000-full mammogram images-17415/1-1.dcm`.
    """
    return next(filter(_UID.fullmatch, reversed(_parts(name)[:-1])), "")


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(unicodedata.normalize("NFC", name).replace("\\", "/")).parts


def find_files_alone(images: Iterable[str]) -> dict[str, str]:
    """Return folder → the only image in it, as of ADNI; a folder of DICOM files is a series."""
    folder_of = {name: str(PurePosixPath(name).parent) for name in images}
    number = Counter(folder_of.values())
    return {
        folder: name
        for name, folder in folder_of.items()
        if number[folder] == 1 and PurePosixPath(name).suffix.lower() not in _OF_SERIES
    }


def find_listed_files(
    frame: pd.DataFrame, column: str, target: str, tree: FileTree, masks: MaskChoice | None
) -> tuple[pd.DataFrame, str]:
    """Return a table with the names that its files have on the disk, and a sentence on it.

    Only names that are not there are looked for; one that nothing fits stays as it is. A name that
    a mask alone fits means the mask's image, as that of a case of nnU-Net does.

    Args:
        column: Of the names, several in a cell separated by semicolons.
        target: Column that takes the names of the disk, where one was found.
        masks: What those among the files are for; `images` finds them as well.

    Raises:
        DataError: A name means several files.
    """
    names = {name for cell in frame[column] for name in _names(cell)} - {""}
    absent = {name for name in names if ".." in name.split("/") or not tree.exists(name)}
    if not absent:
        return frame, ""
    # the images, without their masks
    every = {*tree.images(())}
    drawn = find_masks(() if masks == "images" else every)
    images = sorted(every - drawn.names)
    folders = {str(parent) for name in images for parent in PurePosixPath(name).parents} - {"."}
    files, alone = FileNames(images), find_files_alone(images)

    @cache
    def files_by_series() -> dict[str, list[str]]:  # headers say it where no folder does
        by_series: dict[str, list[str]] = {}
        for file in images:
            uid = _series_of(file) or read_element(tree.head(file), "SeriesInstanceUID") or ""
            by_series.setdefault(uid, []).append(file)
        return by_series

    def meant_by_series(name: str) -> list[str]:
        uid = _series_of(name)
        return files_by_series().get(uid, []) if uid else []

    mask_names = FileNames(sorted(drawn.names))

    def meant_by_mask(name: str) -> list[str]:
        meant = {*mask_names.meant(name)}
        masked = drawn.of_image.items() if meant else ()
        return [image for image, of_image in masked if not meant.isdisjoint(of_image)]

    looks = (FileNames(sorted(folders)).meant, meant_by_series, meant_by_mask)
    with named(f"{WHERE}, column `{column}`"):
        matched = {
            name: alone.get(file, file)
            for name in sorted(absent)
            if (file := files.find(name, *looks)) is not None
        }
    if not matched:
        return frame, ""
    renamed = [
        BETWEEN.join(matched.get(each, each) for each in _names(cell)) for cell in frame[column]
    ]
    name, file = next(iter(matched.items()))
    return replace_columns(frame, {target: renamed}), (
        f"{len(matched)} files of the column `{column}` are found under another name, for example "
        f"`{name}` as `{file}`."
    )


def _names(cell: str) -> list[str]:
    return [name.strip() for name in cell.split(";")]
