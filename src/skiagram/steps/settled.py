"""What a line of `skiagram run` left: whether all is as it was, and which options it had set.

Where all is as it was, nothing is checked again. The files of a data set, and the code, count by
their names, sizes and times, so that none is read; what a project chooses counts by its content.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from skiagram.compute.files import write_files
from skiagram.readers.file_trees import walk_files
from skiagram.readers.files import state_of

_NOTE = ".work/settled.json"
_CHOSEN = ("params.yaml", "conf/**/*", "tables/*", "*.py")  # what a line, or a person, writes
_PACKAGE = Path(__file__).parents[1]


def digest_inputs(line: object, paths: Iterable[Path]) -> str:
    """Compute the SHA-256 of what a line says, and of the state of what it reads.

    Args:
        line: A dataclass of its words.
        paths: Files and folders of the data set; what is hidden in these does not count.
    """
    digest = hashlib.sha256(f"{line} {os.environ.get('SKIAGRAM_DATA')}".encode())
    for path in (*paths, _PACKAGE):
        for file in sorted(walk_files(path)) if path.is_dir() else [path]:
            if file.parent.name != "__pycache__":  # what a run compiles
                with suppress(OSError):  # a link that leads nowhere
                    digest.update(state_of(file).encode())
    return digest.hexdigest()


def note_settled(root: Path, inputs: str, options: Mapping[str, Mapping[str, Any]]) -> None:
    """Note that the data set and the choices of a project are those of some inputs.

    Args:
        options: File → dotted option → value, as the line has set them.
    """
    (root / _NOTE).parent.mkdir(exist_ok=True)
    note = {"digest": _digest_project(root, inputs), "options": options}
    write_files({root / _NOTE: json.dumps(note, default=str).encode()})


def is_settled(root: Path, inputs: str) -> bool:
    """Tell whether a project is as a line left it that had the same inputs.

    Names under a key of patients are made anew each time: no trace of the key is kept.
    """
    is_keyed = "SKIAGRAM_PATIENT_KEY" in os.environ
    return not is_keyed and _read_note(root).get("digest") == _digest_project(root, inputs)


def options_set(root: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the options that the last line has set, by file and dotted name."""
    options: Mapping[str, Mapping[str, Any]] = _read_note(root).get("options", {})
    return options


def _read_note(root: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((root / _NOTE).read_bytes()))
    except (OSError, ValueError):
        return {}


def _digest_project(root: Path, inputs: str) -> str:
    digest = hashlib.sha256(inputs.encode())
    for path in sorted(path for pattern in _CHOSEN for path in root.glob(pattern)):
        if path.is_file():
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
