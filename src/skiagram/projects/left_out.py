"""What git must not take: images, their tables, and what names a patient.

The project's `.gitignore` knows the usual kinds of files. Here the files of one data set are added,
wherever they lie in the repository and whatever they are called.
"""

import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from skiagram.compute.checkout import ask_git
from skiagram.compute.files import write_files
from skiagram.errors import refusal

_FILE = ".gitignore"
_LISTED = 10  # names in a message
_WHY = "# Images and tables of patients: git leaves them out."
_OUTPUTS = ("reports", "sweeps")  # a user may force pages in, to show them


def leave_out(project: Path, folder: Path, files: Iterable[Path]) -> list[Path]:
    """Name a folder of images and some files in `.gitignore`, where git would take them.

    The folder gets a `.gitignore` of its own, which leaves out all that lies in it, itself too; a
    file's name is added to the `.gitignore` beside it. What lies outside the project's repository
    is not touched.

    Args:
        folder: Folder of images, or an archive of them.
        files: Tables and others; they need not exist yet.

    Returns:
        The `.gitignore` files beside files that were changed, which belong into git.

    Raises:
        DataError: The project lies in the folder of images.
    """
    # Patterns go into the project's repository, not beyond it.
    top = ask_git(project, "rev-parse", "--show-toplevel")
    repository = Path(top or project).resolve()
    changed: dict[Path, None] = {}
    for path in (folder.resolve(), *(file.resolve() for file in files)):
        if not path.is_relative_to(repository):
            continue
        if not path.is_dir():
            if top and not _is_left_out(project, path):
                # a pattern of git that stands for this name alone
                pattern = re.sub(r"([\\*?\[]| (?= *$))", r"\\\1", path.name)
                _append(path.with_name(_FILE), f"/{pattern}")
                changed[path.with_name(_FILE)] = None
        elif project.resolve().is_relative_to(path):
            raise refusal("projects.images_hold_project", str(folder))
        elif not _is_left_out(project, path / "image"):
            _append(path / _FILE, "*")
    return list(changed)


def explain_taken(project: Path) -> str:
    """Explain what to do about files that git holds although they are left out; empty for none."""
    # Files that git holds although a pattern leaves them out.
    kinds = (".", *(f":(exclude){name}" for name in _OUTPUTS))
    listed = ask_git(project, "ls-files", "-ciz", "--exclude-standard", "--", *kinds)
    names = sorted(filter(None, listed.split("\0")))
    if not names:
        return ""
    # The command that takes them out, short enough for a terminal.
    shown = ", ".join(names[:_LISTED])
    command = f"git rm --cached -q -- {shlex.join(names)}"
    if len(names) > _LISTED:
        shown += f" and {len(names) - _LISTED} more"
        command = (
            "git ls-files -ciz --exclude-standard -- "
            f"{shlex.join(kinds)} | xargs -0 git rm --cached -q --"
        )
    return f"""\
WARNING: git holds what must stay out of it, images, tables of patients or what is made of them:
{shown}.
Take them out; they stay on your disk:
  {command}
  git commit -m 'Patients stay out of git'
Earlier commits and experiments still hold them: keep this repository as private as they are,
or begin a new one. A file of no patient can be named in .gitignore, after a `!`."""


def _is_left_out(project: Path, path: Path) -> bool:
    """Tell whether git would leave a path out, also if it holds it."""
    return bool(ask_git(project, "check-ignore", "--no-index", "--", str(path)))


def _append(file: Path, line: str) -> None:
    text = file.read_bytes() if file.exists() else b""
    gap = b"\n" if text and not text.endswith(b"\n") else b""
    why = "" if _WHY.encode() in text else f"{_WHY}\n"
    write_files({file: text + gap + os.fsencode(f"{why}{line}\n")})
