"""Where files lie, read by relative name: what all such places offer, and a folder."""

import os
import stat
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from skiagram.errors import DataError, refusal
from skiagram.readers.files import read_file

HEAD_BYTES = 2**16  # enough to tell a packed volume
# folders of systems and disk stations beside the files of people
_SYSTEM = {"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"}

IsImage = Callable[[bytes], bool]


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is none of a person's, such as macOS's or a recycle bin."""
    return name.startswith(".") or name in _SYSTEM


def walk_files(folder: Path) -> Iterator[Path]:
    """Yield all files below a folder, in the disk's order; hidden folders are not entered.

    Links to folders are followed, but not back to one that they lie in.
    """
    for place, folders, files in os.walk(folder, followlinks=True):
        here = Path(place)
        linked = [name for name in folders if (here / name).is_symlink()]
        real = [path.resolve() for path in (here, *here.parents)] if linked else []
        above = {folder for path in real for folder in (path, *path.parents)}
        back = [name for name in linked if (here / name).resolve() in above]
        folders[:] = [name for name in folders if not is_hidden(name) and name not in back]
        for file in files:
            if not is_hidden(file):
                yield Path(place) / file


class FileTree(ABC):
    """Files by relative name, `/` between folders; hidden ones (`is_hidden`) do not count.

    Attributes:
        in_order: Whether files are best read in the order that was announced.
    """

    in_order: bool = False

    @abstractmethod
    def files(self) -> Iterator[str]:
        """Yield the names of all files."""

    @abstractmethod
    def images(self, listed_names: Collection[str]) -> Iterator[str]:
        """Yield the names of image files, judged by content, that are not in `listed_names`."""

    def series(self, name: str) -> list[str] | None:
        """List the files in a folder, sorted by name; None where the name is no folder."""
        return None

    @abstractmethod
    def size(self, name: str) -> int:
        """Tell the bytes of a file, or of all in a folder; 0 where it cannot be read."""

    def exists(self, name: str) -> bool:
        """Tell whether there is a file, or a folder of files, of this name."""
        return self.size(name) > 0 or self.series(name) is not None

    def announce(self, names: Sequence[str]) -> None:  # noqa: B027 - not all need to know
        """Tell which files or folders will be read, in order."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Read the content of a file.

        Raises:
            DataError: It cannot be read.
        """

    def head(self, name: str) -> bytes:
        """Read the first bytes of a file, `HEAD_BYTES` or all; none where it cannot be read."""
        try:
            return self.read(name)[:HEAD_BYTES]
        except DataError:
            return b""


class FolderTree(FileTree):
    """The files of a folder."""

    def __init__(self, folder: Path, is_image: IsImage) -> None:
        self.folder = folder
        self._is_image = is_image

    def files(self) -> Iterator[str]:
        """Yield the names of all files, in the disk's order; hidden folders are not entered."""
        for path in walk_files(self.folder):
            yield path.relative_to(self.folder).as_posix()

    def images(self, listed_names: Collection[str]) -> Iterator[str]:
        """Yield the names of image files that are not in `listed_names`; only these are read."""
        for name in self.files():
            if name not in listed_names and self._is_image(self.head(name)):
                yield name

    def series(self, name: str) -> list[str] | None:
        path = self.folder / name
        if not path.is_dir():
            return None
        return sorted(item.name for item in path.iterdir() if not is_hidden(item.name))

    def size(self, name: str) -> int:
        path = os.path.join(self.folder, name)  # noqa: PTH118 - a Path takes longer than the system
        try:
            status = os.stat(path)  # noqa: PTH116
            if not stat.S_ISDIR(status.st_mode):
                return status.st_size
            parts = [os.path.join(path, part) for part in self.series(name) or ()]  # noqa: PTH118
            return sum(os.stat(part).st_size for part in parts or [path])  # noqa: PTH116
        except (OSError, ValueError):
            return 0

    def exists(self, name: str) -> bool:
        """Tell whether there is a file or folder, also a link that leads nowhere.

        A name from the root on, or with a NUL, is none of this folder.
        """
        inside = "\0" not in name and not name.startswith("/")
        return inside and os.path.lexists(os.path.join(self.folder, name))  # noqa: PTH118

    def read(self, name: str) -> bytes:
        """Read the content of a file; of one that is not there, what is called much alike is named.

        Raises:
            DataError: The file is not there, is a broken link, or cannot be read.
        """
        # The file under its name; a broken link is no file.
        path = self.folder / name
        if "\0" in name or path.exists():
            return read_file(path, name)
        if path.is_symlink():
            raise refusal("readers.broken_link", name)
        # what differs in case, in the form of accents or in its ending alone

        def plain(file: str) -> str:
            return PurePosixPath(unicodedata.normalize("NFC", file).casefold()).stem

        beside: list[str] = []
        with suppress(OSError):
            inside = sorted(other.name for other in path.parent.iterdir())
            beside = [other for other in inside if plain(other) == plain(path.name)]
        for similar in beside:
            if self._is_image(self.head((PurePosixPath(name).parent / similar).as_posix())):
                raise refusal("readers.similar_name", name, similar=similar)
        if beside:
            raise refusal("readers.no_image_type", name, ending=PurePosixPath(beside[0]).suffix)
        return read_file(path, name)

    def head(self, name: str) -> bytes:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(HEAD_BYTES)
        except OSError:
            return b""
