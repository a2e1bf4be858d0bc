"""The store of pieces: work on disk that is made once and then found again.

It holds what DVC's cache does not: encodings, which an added image leaves as they are; rows of
sweeps and what they are made of; and fits and checkpoints of trainings under way.

A piece is a folder named `<what>-<digest>` by all that it was made of, or `<what>-<digest>-<part>`.
It appears whole or not at all, whatever is killed, and is found as long as its files are as they
were written. No result depends on it: the store may be deleted whenever nothing runs.
"""

import json
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
_refused: set[Path] = set()  # stores of which this process has said that they take nothing


class Held(NamedTuple):
    """The pieces of one kind: how many, and their bytes."""

    kind: str
    pieces: int
    bytes: int


@dataclass(frozen=True)
class PieceStore:
    """Pieces of finished work below a folder; parallel runs share it."""

    folder: Path

    @classmethod
    def of_project(cls, project: Path) -> "PieceStore":
        """Open the store of a project, which its copies for queued experiments share."""
        return cls(home(project) / ".work/pieces")

    def find(self, name: str) -> Path | None:
        """Find the folder of a piece; None where it is absent, or damaged and thus removed."""
        # A piece counts where each of its files is as the manifest says.
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
        """List the folders of all pieces of a name that has parts, in order of the part."""
        folders = (self.find(part) for part in self._names(f"{name}-"))
        return [folder for folder in folders if folder is not None]

    def make(self, name: str, make: Callable[[Path], object]) -> Path:
        """Return the folder of a piece; it is made if absent.

        Args:
            make: Writes the piece to the folder that it is given.
        """
        # A piece that is there is taken.
        folder = self.find(name)
        if folder is not None:
            return folder
        folder, started = self.folder / name, self.folder / f"{UNFINISHED}-{uuid4().hex}"
        started.mkdir(parents=True)
        # Made beside its place, then moved as a whole: nobody finds half a piece.
        try:
            make(started)
            files = [path for path in sorted(started.rglob("*")) if path.is_file()]
            states = {path.relative_to(started).as_posix(): _state(path) for path in files}
            (started / _MANIFEST).write_text(json.dumps({"files": states}), encoding="utf-8")
            started.rename(folder)
        except OSError:
            if self.find(name) is None:  # else another process was faster with the same piece
                raise
        finally:
            shutil.rmtree(started, ignore_errors=True)
        return folder

    def keep(self, name: str, write: Callable[[Path], object]) -> None:
        """Make a piece of what is there already; a store that takes none is said, once."""
        try:
            self.make(name, write)
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
        # A lock keeps two runs out of one folder.
        folder, is_available = self.folder / f"{UNFINISHED}-{name}", True
        with ExitStack() as opened:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if alone:
                    opened.enter_context(locked(folder / _LOCK))
            except OSError as error:
                self._say(error)
                is_available = False
            # A folder in which nothing was left goes.
            try:
                yield folder if is_available else None
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

    def held(self) -> list[Held]:
        """List what the store holds, by kind."""
        kinds: dict[str, list[int]] = {}
        for name in self._names(""):
            size = 0
            for path in (self.folder / name).rglob("*"):
                with suppress(OSError):  # of work under way
                    size += path.stat().st_size if path.is_file() else 0
            kinds.setdefault(name.partition("-")[0], []).append(size)
        return [Held(kind, len(sizes), sum(sizes)) for kind, sizes in sorted(kinds.items())]

    def empty(self, kind: str | None = None) -> None:
        """Remove all pieces, or those of one kind; nothing that uses the store may run."""
        self.remove(*self._names("" if kind is None else f"{kind}-"))

    def _names(self, start: str) -> list[str]:
        with suppress(OSError):
            names = [path.name for path in self.folder.iterdir()]
            return sorted(name for name in names if name.startswith(start))
        return []

    def _say(self, error: OSError) -> None:
        if self.folder in _refused:
            return
        _refused.add(self.folder)
        sys.stderr.write(
            f"Warning: finished work is not kept ({error}); a later run makes it again. Free some "
            f"space, or delete {self.folder}.\n"
        )


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
