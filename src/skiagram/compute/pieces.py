"""Finished pieces of work on disk: each is made once for its inputs and code, then found again."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from skiagram.compute.code_digest import code_digest, named_targets


def name_piece(what: str, inputs: Mapping[str, Any], *code: object) -> str:
    """Return a name, beginning with `what`, that these inputs and this code alone have.

    Args:
        inputs: All that it depends on, as JSON; the code of each `_target_` in it counts too.
        *code: Functions and classes that run; see `skiagram.compute.code_digest`.
    """
    code_sha256 = code_digest(*code, *named_targets(inputs))
    text = json.dumps([what, inputs, code_sha256], sort_keys=True, allow_nan=False)
    return f"{what}-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def make_once(
    work: Path,
    what: str,
    inputs: Mapping[str, Any],
    make: Callable[[Path], object],
    *code: object,
) -> Path:
    """Return the folder of a piece; it is made at the first call for these inputs and code.

    Args:
        work: Folder of all pieces.
        inputs: All that the piece depends on besides the code, as JSON.
        *code: What `make` runs but does not name, such as the class of an object given to it.
    """
    return make_piece(work / name_piece(what, inputs, make, *code), make)


def make_piece(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return the folder of a piece, which appears whole or not at all; it is made if absent."""
    if folder.is_dir():
        return folder
    started = folder.with_name(f"started-{uuid4().hex}")
    started.mkdir(parents=True)
    try:
        make(started)
        started.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was faster with the same piece
            raise
    finally:
        shutil.rmtree(started, ignore_errors=True)
    return folder
