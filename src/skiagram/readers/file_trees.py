"""Where the files of a data set lie: in a folder, or in an archive that is encrypted with age.

Both are read by relative name. An archive is a plain tar within age, `tar -c … | age -r … >
images.tar.age`; it is opened in memory. Because it can only be read from its beginning, some files
are kept at hand, up to 1 GB; those that come next are fetched together, in one passage each time.
"""

import os
import stat
import tarfile
import threading
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from skiagram.errors import DataError
from skiagram.readers.files import MAX_BYTES, read_file
from skiagram.sealing.encryption import Purpose, open_decrypted

ARCHIVE = ".tar.age"
HEAD_BYTES = 2**16  # enough to tell a packed volume
# folders of systems and disk stations beside the files of people
_SYSTEM = {"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information"}
_AT_HAND = 2**30  # bytes of an archive's files
_MAX_FILES = 2_000_000
_MAX_HEADER = 2**20  # bytes that describe one file in a tar
_HEADERS = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}

IsImage = Callable[[bytes], bool]


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is none of a person's, such as macOS's or a recycle bin."""
    return name.startswith(".") or name in _SYSTEM


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
        """Return the names of the files in a folder, sorted; None where the name is no folder."""
        return None

    def state(self, name: str) -> str | None:
        """Return what the system says of a file and changes with it; None where it says nothing."""
        return None

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the bytes of a file, or of all in a folder; 0 where it cannot be read."""

    def exists(self, name: str) -> bool:
        """Return whether there is a file, or a folder of files, of this name."""
        return self.size(name) > 0 or self.series(name) is not None

    def announce(self, names: Sequence[str]) -> None:  # noqa: B027 - not all need to know
        """Tell which files or folders will be read, in order."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return the content of a file; a DataError where it cannot be read."""

    def head(self, name: str) -> bytes:
        """Return the first bytes of a file, `HEAD_BYTES` or all; none where it cannot be read."""
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
        for place, folders, files in os.walk(self.folder):
            folders[:] = [name for name in folders if not is_hidden(name)]
            for file in files:
                if not is_hidden(file):
                    yield (Path(place) / file).relative_to(self.folder).as_posix()

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

    def state(self, name: str) -> str | None:
        """Return size, times of change and number on the disk of a file, or of all in a folder."""
        try:
            stats = self._stats(name)
        except (OSError, ValueError):
            return None
        return repr([(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for s in stats])

    def size(self, name: str) -> int:
        try:
            return sum(status.st_size for status in self._stats(name))
        except (OSError, ValueError):
            return 0

    def exists(self, name: str) -> bool:
        inside = "\0" not in name and not name.startswith("/")
        return inside and os.path.lexists(os.path.join(self.folder, name))  # noqa: PTH118

    def _stats(self, name: str) -> list[os.stat_result]:
        path = os.path.join(self.folder, name)  # noqa: PTH118 - a Path takes longer than the system
        status = os.stat(path)  # noqa: PTH116
        if not stat.S_ISDIR(status.st_mode):
            return [status]
        return [os.stat(os.path.join(path, part)) for part in self.series(name) or ()] or [status]  # noqa: PTH116, PTH118

    def read(self, name: str) -> bytes:
        path = self.folder / name
        if "\0" in name or path.exists():
            return read_file(path, name)
        if path.is_symlink():
            remedy = "copy the file itself to this place, or remove its row"
            raise DataError("a link that leads nowhere", where=name, remedy=remedy)
        # a name beside it that differs in case, in the form of accents or in its ending alone

        def plain(file: str) -> str:
            return unicodedata.normalize("NFC", file).casefold()

        similar = None
        with suppress(OSError):
            names = sorted(other.name for other in path.parent.iterdir())
            stem = PurePosixPath(plain(path.name)).stem
            alike = [other for other in names if plain(other) == plain(path.name)]
            ended = [other for other in names if PurePosixPath(plain(other)).stem == stem]
            similar = next(iter(alike or ended), None)
            if (
                not alike
                and ended
                and not any(
                    self._is_image(self.head((PurePosixPath(name).parent / other).as_posix()))
                    for other in ended
                )
            ):
                raise DataError(
                    f"its file is of a type that is no image: `{PurePosixPath(ended[0]).suffix}`",
                    where=name,
                    allowed="PNG, JPEG, TIFF, DICOM, NIfTI, NRRD, MetaImage and others of images",
                    remedy="convert such files, a volume of NumPy or MATLAB for example to .nii.gz",
                )
        if similar is None:
            return read_file(path, name)
        beside = PurePosixPath(name).parent / similar
        ending = PurePosixPath(similar).suffix
        if not path.suffix and ending and not self._is_image(self.head(beside.as_posix())):
            raise DataError(
                f"its file is of a type that is no image: `{ending}`",
                where=name,
                allowed="PNG, JPEG, TIFF, DICOM, NIfTI, NRRD, MetaImage and others of images",
                remedy="convert such files, a volume of NumPy or MATLAB for example to .nii.gz",
            )
        raise DataError(
            f"no such file, but there is `{similar}`",
            where=name,
            remedy="write the name as it is on the disk: its ending, upper and lower case and the "
            "way in which accents are stored count; without any ending it is found in a table, too",
        )

    def head(self, name: str) -> bytes:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(HEAD_BYTES)
        except OSError:
            return b""


class EncryptedArchive(FileTree):
    """The files of a tar that is encrypted with age; nothing of it is written.

    The whole archive is read and proved genuine once, before any of it is used.

    Args:
        at_hand: Bytes of files to keep; one file may exceed it.

    Raises:
        DataError: No key was given or another one is needed, the archive is altered, cut short or
            no plain tar, or a name in it leaves the archive.
    """

    in_order = True

    def __init__(self, path: Path, where: str, is_image: IsImage, at_hand: int = _AT_HAND) -> None:
        self._path = path
        self._where = where
        self._limit = at_hand
        self._sizes: dict[str, int] = {}
        self._images: list[str] = []
        self._next: dict[str, int] = {}
        self._order: list[str] = []
        self._held: dict[str, bytes] = {}
        self._lock = threading.Lock()
        with self._members() as members:
            for name, member, content in members:
                if name in self._sizes:
                    raise self._refused(f"`{name}` twice", "a file of each name once")
                if len(self._sizes) == _MAX_FILES:
                    raise self._refused("too many files", f"at most {_MAX_FILES:,}")
                self._sizes[name] = member.size
                if is_image(content(HEAD_BYTES)):
                    self._images.append(name)
        self.announce(list(self._sizes))

    def files(self) -> Iterator[str]:
        return iter(self._sizes)

    def images(self, listed_names: Collection[str]) -> Iterator[str]:
        return (name for name in self._images if name not in listed_names)

    def series(self, name: str) -> list[str] | None:
        inside = f"{name}/"
        files = [file.removeprefix(inside) for file in self._sizes if file.startswith(inside)]
        return sorted(files) or None

    def size(self, name: str) -> int:
        names = [f"{name}/{part}" for part in self.series(name) or ()] or [name]
        return sum(self._sizes.get(inner, 0) for inner in names)

    def announce(self, names: Sequence[str]) -> None:
        files: dict[str, None] = {}
        for name in names:
            if name in self._sizes:
                files[name] = None
            else:
                files |= dict.fromkeys(f"{name}/{file}" for file in self.series(name) or ())
        self._order = list(files)
        self._next = {name: number for number, name in enumerate(self._order)}

    def read(self, name: str) -> bytes:
        """Return the content of a file; those announced after it are fetched with it."""
        size = self._sizes.get(name)
        if size is None:
            remedy = "check its name, or make the archive again"
            raise DataError(f"not in the archive {self._where}", where=name, remedy=remedy)
        if size > MAX_BYTES:
            raise DataError("too large a file", where=name, allowed=f"at most {MAX_BYTES:,} bytes")
        with self._lock:
            if name not in self._held:
                # as many of the files that come next as may be kept at hand
                start = self._next.get(name)
                group, size = {name}, self._sizes[name]
                for other in self._order[start + 1 :] if start is not None else ():
                    size += self._sizes[other]
                    if size > self._limit:
                        break
                    group.add(other)
                self._held = {}
                with self._members() as members:
                    held = {name: read(info.size) for name, info, read in members if name in group}
                self._held = held  # now that the end of the archive is proved genuine too
            return self._held[name]

    @contextmanager
    def _members(self) -> Iterator[Iterator[tuple[str, tarfile.TarInfo, Callable[[int], bytes]]]]:
        """Yield name, description and a reader of each file, in the archive's order."""
        with open_decrypted(self._path, Purpose.ARCHIVE, self._where) as stream:
            try:
                with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as tar:
                    yield self._files_of(tar)
            except tarfile.TarError as error:
                raise self._refused(
                    f"no plain tar ({error})", "a tar without compression, of files and folders"
                ) from error

    def _files_of(
        self, tar: tarfile.TarFile
    ) -> Iterator[tuple[str, tarfile.TarInfo, Callable[[int], bytes]]]:
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # or all would be kept
            parts = PurePosixPath(member.name).parts
            if member.name.startswith("/") or ".." in parts:
                raise self._refused(f"the name `{member.name}`", "names within the archive")
            if member.isdir() or any(map(is_hidden, parts)):
                continue
            if not member.isreg() or member.issparse():
                odd = f"`{member.name}` is a link, a device or a sparse file"
                raise self._refused(odd, "files and folders")
            file = tar.extractfile(member)
            if file is not None:
                yield "/".join(parts), member, file.read

    def _refused(self, message: str, allowed: str) -> DataError:
        return DataError(
            message,
            where=self._where,
            allowed=allowed,
            remedy="make it with `tar -c -C FOLDER . | age -r age1… > images.tar.age`",
        )


class _Member(tarfile.TarInfo):
    """A file in a tar, whose description is no longer than it needs."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in _HEADERS and self.size > _MAX_HEADER:
            raise tarfile.ReadError(f"a description of {self.size:,} bytes")
        described: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return described


def open_tree(path: Path, where: str, is_image: IsImage) -> FileTree:
    """Return the files of a folder or of an encrypted archive.

    Raises:
        DataError: It is neither, or the archive cannot be opened.
    """
    if path.is_dir():
        return FolderTree(path, is_image)
    if path.name.endswith(ARCHIVE) and path.is_file():
        return EncryptedArchive(path, where, is_image)
    raise DataError(
        "no such folder",
        where=where,
        allowed=f"a folder, or an archive whose name ends with {ARCHIVE}",
        remedy="correct the name, or name the folder above it in SKIAGRAM_DATA",
    )
