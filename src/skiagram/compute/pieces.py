"""The store of finished work: pieces on disk, each made once and then found again.

A piece is a folder named `<what>-<digest>` by all that it was made of, or `<what>-<digest>-<part>`.
It appears whole or not at all, whatever is killed, and is found as long as its files are as they
were written. No result depends on it: the store may be deleted whenever nothing runs.

Files of a piece may be hard links to files that stand elsewhere, and then take no room;
`remove_unshared` removes such a piece once it is the last to hold one of them.
"""

import errno
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from skiagram.compute.checkout import home
from skiagram.compute.files import locked

DIGITS = 24  # of the digest in a piece's name
UNFINISHED = "unfinished"  # kind of work under way
_MANIFEST, _LOCK = "piece.json", "lock"
_WITHOUT_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV}
_refused: set[Path] = set()  # stores of which this process has said that they take nothing


class Held(NamedTuple):
    """The pieces of one kind: how many, their bytes, and those of files that stand here alone."""

    kind: str
    pieces: int
    bytes: int
    alone: int


@dataclass(frozen=True)
class PieceStore:
    """Pieces of finished work below a folder; parallel runs share it."""

    folder: Path

    @classmethod
    def of_project(cls, project: Path) -> "PieceStore":
        """Return the store of a project, which its copies for queued experiments share."""
        return cls(home(project) / ".work/pieces")

    def find(self, name: str) -> Path | None:
        """Return the folder of a piece; None where it is absent, or damaged and thus removed."""
        folder = self.folder / name
        if not folder.is_dir():
            return None
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            files = json.loads((folder / _MANIFEST).read_bytes())["files"]
            if all(_state(folder / file) == state for file, state in files.items()):
                return folder
        self.remove(name)
        return None

    def parts(self, name: str) -> list[Path]:
        """Return the folders of all pieces of a name that has parts, in order of the part."""
        folders = (self.find(part) for part in self._names(f"{name}-"))
        return [folder for folder in folders if folder is not None]

    def make(self, name: str, make: Callable[[Path], object], most: int | None = None) -> Path:
        """Return the folder of a piece; it is made if absent.

        Args:
            make: Writes the piece to the folder that it is given.
            most: So many of its kind are kept, those made last; None for all.
        """
        folder = self.find(name)
        if folder is not None:
            return folder
        folder, started = self.folder / name, self.folder / f"{UNFINISHED}-{uuid4().hex}"
        started.mkdir(parents=True)
        try:
            make(started)
            (started / _MANIFEST).write_text(json.dumps(_describe(started)), encoding="utf-8")
            started.rename(folder)
        except OSError:
            if self.find(name) is None:  # else another process was faster with the same piece
                raise
        finally:
            shutil.rmtree(started, ignore_errors=True)
        if most is not None:
            self._drop_oldest(_kind(name), most)
        return folder

    def keep(self, name: str, write: Callable[[Path], object], most: int | None = None) -> None:
        """Make a piece of what is there already; a store that takes none is said, once."""
        try:
            self.make(name, write, most)
        except OSError as error:
            self._say(error)

    @contextmanager
    def unfinished(self, name: str, *, alone: bool = True) -> Iterator[Path | None]:
        """Yield a folder for what a run that is killed leaves to the next; None if there is none.

        What is in it stays until it is removed as `unfinished-<name>`. Runs that make the same
        piece go one after the other, and the second finds what the first one made.

        Args:
            alone: Whether this process works alone, not as one of several that share the work.
        """
        folder, there = self.folder / f"{UNFINISHED}-{name}", True
        with ExitStack() as opened:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if alone:
                    opened.enter_context(locked(folder / _LOCK))
            except OSError as error:
                self._say(error)
                there = False
            try:
                yield folder if there else None
            finally:
                with suppress(OSError):
                    if {path.name for path in folder.iterdir()} <= {_LOCK}:
                        self.remove(folder.name)

    def remove(self, *names: str) -> None:
        """Remove pieces, each whole or not at all."""
        for name in names:
            aside = self.folder / f"{UNFINISHED}-{uuid4().hex}"
            with suppress(OSError):
                (self.folder / name).rename(aside)
            shutil.rmtree(aside, ignore_errors=True)

    def remove_unshared(self, kind: str) -> None:
        """Remove the pieces of a name that are the last to hold a file that was linked.

        Args:
            kind: The name, without digest and part.
        """
        named = re.compile(rf"{re.escape(kind)}-[0-9a-f]{{{DIGITS}}}(-.*)?")
        for name in filter(named.fullmatch, self._names(kind)):
            with suppress(OSError, ValueError, KeyError):
                links = json.loads((self.folder / name / _MANIFEST).read_bytes())["links"]
                if any((self.folder / name / link).stat().st_nlink == 1 for link in links):
                    self.remove(name)

    def held(self) -> list[Held]:
        """Return what the store holds, by kind."""
        kinds: dict[str, list[str]] = {}
        for name in self._names(""):
            kinds.setdefault(_kind(name), []).append(name)
        return [self._weigh(kind, names) for kind, names in sorted(kinds.items())]

    def empty(self, kind: str | None = None) -> None:
        """Remove all pieces, or those of one kind; nothing that uses the store may run."""
        self.remove(*(name for name in self._names("") if kind in (None, _kind(name))))

    def _names(self, start: str) -> list[str]:
        with suppress(OSError):
            names = [path.name for path in self.folder.iterdir()]
            return sorted(name for name in names if name.startswith(start))
        return []

    def _weigh(self, kind: str, names: list[str]) -> Held:
        files: dict[int, os.stat_result] = {}
        for name in names:
            for path in (self.folder / name).rglob("*"):
                with suppress(OSError):  # of work under way
                    if path.is_file():
                        status = path.stat()
                        files[status.st_ino] = status
        alone = sum(status.st_size for status in files.values() if status.st_nlink == 1)
        return Held(kind, len(names), sum(status.st_size for status in files.values()), alone)

    def _drop_oldest(self, kind: str, most: int) -> None:
        names = self._names(f"{kind}-")
        if len(names) <= most:
            return
        with suppress(OSError):  # of a piece that another process removes
            names.sort(key=lambda name: (self.folder / name).stat().st_mtime_ns)
            self.remove(*names[: len(names) - most])

    def _say(self, error: OSError) -> None:
        if self.folder in _refused:
            return
        _refused.add(self.folder)
        # An error of a copied folder holds those of its files as text.
        quoted = re.search(r"\[Errno (\d+)\]", str(error))
        if (int(quoted[1]) if quoted else error.errno) in _WITHOUT_LINKS:
            why = "its file system makes no hard links, by which it takes no room"
            remedy = f"Move the project to one that does, or go on without: {self.folder}"
        else:
            why, remedy = str(error), f"Free some space, or delete {self.folder}"
        sys.stderr.write(
            f"Warning: finished work is not kept ({why}); a later run makes it again. {remedy}.\n"
        )


def link_files(source: Path, target: Path) -> None:
    """Have a folder's files in another one, too: as hard links, or as copies on another disk."""
    shutil.copytree(source, target, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    Path(target).unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # of another disk, or of one that knows no links
        shutil.copy2(source, target)


def _kind(name: str) -> str:
    return name.partition("-")[0]


def _describe(folder: Path) -> dict[str, object]:
    """Return the state of each file, and which are links to files that stand elsewhere too."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path: path.relative_to(folder).as_posix() for path in files}
    links = [name for path, name in names.items() if path.stat().st_nlink > 1]
    return {"files": {name: _state(path) for path, name in names.items()}, "links": links}


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
