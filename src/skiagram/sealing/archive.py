"""Images in an archive that is encrypted with age: a plain tar within age, opened in memory.

`tar -c … | age -r … > images.tar.age` makes one. Because it can only be read from its beginning,
some files are kept at hand, up to 1 GB; those that come next are fetched together, in one passage
each time.
"""

import tarfile
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from skiagram.errors import DataError, refusal
from skiagram.readers.file_trees import HEAD_BYTES, FileTree, FolderTree, IsImage, is_hidden
from skiagram.readers.files import MAX_BYTES
from skiagram.sealing.encryption import Purpose, open_decrypted

ARCHIVE = ".tar.age"
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
        # One pass over the names, kinds and sizes of all files.
        with self._members() as members:
            for name, member, content in members:
                if name in self._sizes:
                    raise self._refused(f"`{name}` twice", "a file of each name once")
                if len(self._sizes) == _MAX_FILES:
                    raise self._refused("too many files", f"at most {_MAX_FILES:,}")
                self._sizes[name] = member.size
                if is_image(content(HEAD_BYTES)):
                    self._images.append(name)
        # Files are read in the order of the archive until another one is announced.
        self.announce(list(self._sizes))

    def files(self) -> Iterator[str]:
        return iter(self._sizes)

    def images(self, listed_names: Collection[str]) -> Iterator[str]:
        return (name for name in self._images if name not in listed_names)

    def series(self, name: str) -> list[str] | None:
        """List the files of a folder in the archive; None where there is no such folder.

        A series of DICOM slices is a folder: its parts are read together.
        """
        inside = f"{name}/"
        files = [file.removeprefix(inside) for file in self._sizes if file.startswith(inside)]
        return sorted(files) or None

    def size(self, name: str) -> int:
        """Count the bytes of a file, or of all files of a folder, before encryption."""
        names = [f"{name}/{part}" for part in self.series(name) or ()] or [name]
        return sum(self._sizes.get(inner, 0) for inner in names)

    def announce(self, names: Sequence[str]) -> None:
        """Say which files will be read, so that the archive is decrypted once, from begin to end.

        A tar without an index can only be read in its order: a file that is asked for later than it
        comes would need all of it again.
        """
        files: dict[str, None] = {}
        for name in names:
            if name in self._sizes:
                files[name] = None
            else:
                files |= dict.fromkeys(f"{name}/{file}" for file in self.series(name) or ())
        self._order = list(files)
        self._next = {name: number for number, name in enumerate(self._order)}

    def read(self, name: str) -> bytes:
        """Read the content of a file; those announced after it are fetched with it."""
        # What is absent or too large is refused before anything is decrypted.
        size = self._sizes.get(name)
        if size is None:
            raise refusal("sealing.not_in_archive", name, archive=self._where)
        if size > MAX_BYTES:
            raise refusal("sealing.too_large", name, most=MAX_BYTES)
        with self._lock:
            if name not in self._held:
                # as many of the files that come next as may be kept at hand
                start = self._next.get(name, len(self._order))
                group = {name}
                for other in self._order[start + 1 :]:
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
        # Names that lead out of the archive are refused, hidden files are passed over.
        while (member := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # or all would be kept
            parts = PurePosixPath(member.name).parts
            if member.name.startswith("/") or ".." in parts:
                raise self._refused(f"the name `{member.name}`", "names within the archive")
            if member.isdir() or any(map(is_hidden, parts)):
                continue
            # Only plain files: a link could point at anything.
            if not member.isreg() or member.issparse():
                odd = f"`{member.name}` is a link, a device or a sparse file"
                raise self._refused(odd, "files and folders")
            file = tar.extractfile(member)
            if file is not None:
                yield "/".join(parts), member, file.read

    def _refused(self, message: str, allowed: str) -> DataError:
        return refusal("sealing.no_archive", self._where, found=message, allowed=allowed)


class _Member(tarfile.TarInfo):
    """A file in a tar, whose description is no longer than it needs."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        """Refuse a header whose description would fill the memory, before it is read."""
        if self.type in _HEADERS and self.size > _MAX_HEADER:
            raise tarfile.ReadError(f"a description of {self.size:,} bytes")
        described: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return described


def open_tree(path: Path, where: str, is_image: IsImage) -> FileTree:
    """Open the files of a folder or of an encrypted archive.

    Raises:
        DataError: It is neither, or the archive cannot be opened.
    """
    # A folder is read as it is, an archive through its key.
    if path.is_dir():
        return FolderTree(path, is_image)
    if path.name.endswith(ARCHIVE) and path.is_file():
        return EncryptedArchive(path, where, is_image)
    raise refusal("sealing.no_folder", where, ending=ARCHIVE)
