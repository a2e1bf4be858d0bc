"""What stage digest wrote, written again where all that it read is as it was.

To follow the imports of every stage takes seconds, nearly all of them for libraries; to see that no
file has changed takes a tenth of one. So this module imports no library.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from skiagram.compute.files import write_files

SEEN = "skiagram.seen"  # audit event: a file whose state on the disk stands for its content
MODEL_FOLDERS = ("combined/models", "combined/scores", "models", "reports/explanations", "scores")
_NOTE = ".work/digests.json"
_WRITTEN = (".dvc", ".work", "data", "dvc.lock")  # in a project, by runs
_REWRITTEN = ("conf", "params.yaml", "tables")  # by each `skiagram run`, mostly as they were
_MOST_READ = 2**24  # bytes of such a file
_OF_MACHINE = ("/dev", "/proc", "/sys")
_COMPILED = (".nbc", ".nbi", ".pyc", ".so")  # they follow from sources, or from what is installed
_WRITING = os.O_WRONLY | os.O_RDWR
State = list[int] | list[str] | None
_VARIABLES = ("HOME", "PYTHONPATH", "SKIAGRAM_DATA")


class Reads:
    """All files and folders that this process reads from now on, as they were just before.

    An installed library is one by the folder that it lies in, which an installer changes.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._process = root, _process()
        self._states: dict[str, State] = {}
        self._tells_names = False  # of files of people outside the project
        self._left_out = (*_OF_MACHINE, *(str(root / name) for name in _WRITTEN))
        sys.addaudithook(self._note)
        for folder in sys.path:
            self._add(folder)

    def keep(self, models: list[str]) -> None:
        """Keep what the stage has written, with what it read.

        Args:
            models: Outputs of models that stages write, relative to the project.
        """
        if self._tells_names:  # no note may hold them, so such a stage looks at all of it again
            return
        folder = self._root / "data/code"
        digests = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
        note = {"process": self._process, "read": self._states, "models": models}
        path = self._root / _NOTE
        path.parent.mkdir(exist_ok=True)
        write_files({path: json.dumps(note | {"digests": digests}).encode()})

    def _note(self, event: str, given: tuple[Any, ...]) -> None:
        if event == SEEN and not Path(given[0]).absolute().is_relative_to(self._root.absolute()):
            self._tells_names = True
        is_read = event == "open" and not (given[2] or 0) & _WRITING
        if is_read or event in {SEEN, "os.listdir", "os.scandir"}:
            self._add(given[0])

    def _add(self, path: Any) -> None:
        if not isinstance(path, str | os.PathLike) or str(path).endswith(_COMPILED):
            return
        place = os.path.abspath(path)  # noqa: PTH100 - each call of pathlib is many of these
        inside = (f"{place}{os.sep}".startswith(f"{each}{os.sep}") for each in self._left_out)
        if place not in self._states and not any(inside):
            self._states[place] = None  # to look at it is to read it again
            self._states[place] = _state(place, self._root)


def repeat_digests(root: Path) -> bool:
    """Write the digests of an earlier run; return whether they hold, as nothing has changed."""
    # Digests hold where process, models and all files read are as they were.
    try:
        note = json.loads((root / _NOTE).read_bytes())
        same = note["process"] == _process() and _models(root) <= {*note["models"]}
        if not same or any(_state(path, root) != state for path, state in note["read"].items()):
            return False
        # The digests go where DVC looks for them.
        folder = root / "data/code"
        folder.mkdir(parents=True, exist_ok=True)
        for name, digest in note["digests"].items():
            (folder / name).write_text(digest, encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
    return True


def _process() -> list[str]:
    """List what besides files decides what Python runs, and where data lie."""
    variables = [os.environ.get(name, "") for name in _VARIABLES]
    return [sys.executable, sys.version, *sys.path, *variables]


def _models(root: Path) -> set[str]:
    """List the outputs of models that stand, of which those of dropped models must go."""
    folders = [root / name for name in MODEL_FOLDERS if (root / name).is_dir()]
    standing = [path for folder in folders for path in folder.iterdir() if path.is_dir()]
    return {path.relative_to(root).as_posix() for path in standing}


def _state(path: str, root: Path) -> State:
    """Read size, times of change and number on the disk; None of what is not there.

    Of what runs write again the content counts: names in a folder, and a file's SHA-256; of the
    project's folder names of modules.
    """
    try:
        status = os.stat(path)  # noqa: PTH116
        first = os.path.relpath(path, root).partition(os.sep)[0]
        if first == ".":
            return sorted(name for name in os.listdir(path) if name.endswith(".py"))  # noqa: PTH208
        if first in _REWRITTEN and os.path.isdir(path):  # noqa: PTH112
            return sorted(os.listdir(path))  # noqa: PTH208
        if first in _REWRITTEN and status.st_size <= _MOST_READ:
            return [hashlib.sha256(Path(path).read_bytes()).hexdigest()]
    except (OSError, ValueError):
        return None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
