"""Mends what an earlier run left before DVC begins: a broken dvc.lock, begun copies, a lost record.

DVC writes the lock in place; killed in that moment, it leaves a file that it refuses itself. A lock
is whole where it is YAML of the form that DVC writes and its last line is complete.
"""

import json
import os
import re
import shutil
import subprocess
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from skiagram.compute.files import write_files
from skiagram.errors import refusal

_CONFLICT = b"\n<<<<<<< "
_NOTE = ".dvc/tmp/rwlock"  # DVC's, of which process uses what
_BEGUN_COPY = re.compile(r"\.[\w-]{22}\.tmp")  # as DVC names a file that it copies from its cache
_OUTPUTS = ("combined", "data", "models", "reports", "scores", "sweeps")
_PATIENCE = 1.0  # seconds; a run that is writing the lock right now is done by then


def repair(root: Path) -> list[str]:
    """Mend what a killed run left of a project; return what was done, a line each.

    Raises:
        DataError: Two versions of the lock meet in it, left by a merge.
    """
    done = [repair_lock(root), repair_note(root), remove_begun_copies(root)]
    # Stage record runs again where its tracker was out of reach, which leaves an empty receipt.
    receipt = root / "reports/receipt.json"
    with suppress(OSError, ValueError):
        if json.loads(receipt.read_bytes()) == {"models": [], "sha256": {}}:
            receipt.unlink()
    return [line for line in done if line]


def repair_lock(root: Path) -> str:
    """Make sure that dvc.lock can be read, and keep a copy of it.

    Args:
        root: The project.

    Returns:
        What was done, one line; empty where the lock is whole.

    Raises:
        DataError: Two versions of the lock meet in it, left by a merge.
    """
    # Without a lock nothing was run yet.
    lock, last = root / "dvc.lock", root / ".work" / "dvc.lock"
    if not lock.exists():
        return ""
    last.parent.mkdir(exist_ok=True)
    # A run may be writing it at this moment.
    if not _is_whole(lock.read_bytes()):
        time.sleep(_PATIENCE)
    content = lock.read_bytes()
    if _is_whole(content):
        write_files({last: content})
        return ""
    # Only a person can say which of two versions stands.
    if _CONFLICT in b"\n" + content:
        raise refusal("projects.two_versions")
    # The broken one is kept, in case it is of use.
    write_files({last.with_name("dvc.lock.broken"): content})
    # The copy of the last run takes its place, else the one that git holds.
    last_copy = last.read_bytes() if last.exists() else b""
    committed, git = b"", shutil.which("git")
    if git is not None:
        show = [git, "show", "HEAD:./dvc.lock"]
        committed = subprocess.run(show, cwd=root, capture_output=True, check=False).stdout  # noqa: S603
    for place, whole in (("the last run", last_copy), ("git", committed)):
        if whole and _is_whole(whole):
            write_files({lock: whole})
            return f"dvc.lock was cut short by a killed run; the one of {place} was put back."
    lock.unlink()
    return "dvc.lock was cut short by a killed run; no whole one was found, so every stage is new."


def repair_note(root: Path) -> str:
    """Remove DVC's note of which process uses what, where a killed run left it of no use.

    DVC refuses to start on a note that is empty or cut, and makes another where there is none. It
    passes over processes that are gone, and waits for killed ones that a container without an init
    process keeps as defunct.
    """
    # A note cut short may just be being written: a second look tells.
    note = root / _NOTE
    for patience in (_PATIENCE, 0):
        try:
            held = json.loads(note.read_bytes())
        except FileNotFoundError:
            return ""
        except ValueError:
            time.sleep(patience)
        else:
            if not (users := _users(held)) or any(map(_runs, users)):
                return ""
            note.unlink()
            return "`.dvc/tmp/rwlock` names only processes that have ended, and is removed."
    note.unlink()
    return "`.dvc/tmp/rwlock` was cut short by a killed run and is removed: DVC makes it anew."


def remove_begun_copies(root: Path) -> str:
    """Remove files that a killed DVC had begun to copy from its cache to outputs.

    DVC gives a copy its name once it is whole, and never looks for those that it had begun.

    Returns:
        What was done, one line; empty where there is none, or a DVC is at work, which may be making
        one.
    """
    # Processes that are still at work may be copying.
    with suppress(FileNotFoundError):
        if _users(json.loads((root / _NOTE).read_bytes())):
            return ""
    # DVC names them in its own way.
    begun = [
        Path(folder, file)
        for name in _OUTPUTS
        for folder, _, files in os.walk(root / name)
        for file in files
        if _BEGUN_COPY.fullmatch(file)
    ]
    for path in begun:
        path.unlink(missing_ok=True)
    if not begun:
        return ""
    return "Copies of outputs that a killed run had begun are removed; DVC makes them anew."


def _users(held: dict[str, dict[str, Any]]) -> set[int]:
    """List the processes that DVC's note names as writers or readers of paths."""
    readers = chain.from_iterable(held.get("read", {}).values())
    return {int(user["pid"]) for user in (*held.get("write", {}).values(), *readers)}


def _runs(process: int) -> bool:
    import psutil  # type: ignore[import-untyped]  # slow to import, and rarely needed

    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    return False


def _is_whole(content: bytes) -> bool:
    """Tell whether DVC would read this lock, and its last line is complete."""
    try:
        lock = yaml.load(content, Loader=yaml.CSafeLoader)
        stages = lock["stages"].values()
        return (
            content.endswith(b"\n") and "schema" in lock and all("cmd" in stage for stage in stages)
        )
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError):
        return False
