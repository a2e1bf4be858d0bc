"""The project's folder: where it lasts, and which commit of its code and options runs.

Outputs of stages hold none of it; the tracker and the seal's ledger do.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

_CODE = ("conf", "dvc.yaml", "params.yaml", "pipeline", "src")


class Commit(NamedTuple):
    """A commit of the project, and whether code or options differ from it."""

    sha: str
    modified: bool


def home(project: Path) -> Path:
    """Return the project's lasting folder; queued experiments run in a temporary clone of it."""
    return Path(os.environ.get("DVC_ROOT") or project).resolve()


def current_commit(project: Path) -> Commit | None:
    """Return the commit that is checked out; None outside git."""
    sha = ask_git(project, "rev-parse", "HEAD")
    if not sha:
        return None
    return Commit(sha, bool(ask_git(project, "status", "--porcelain", "--", *_CODE)))


def applied_experiment(project: Path) -> str:
    """Return the experiment that `dvc exp apply` brought here, while its options and results stand.

    Empty where none was, or where something differs from it by now.
    """
    last = "refs/exps/exec/EXEC_APPLY"  # where DVC keeps what was applied last
    sha = ask_git(project, "rev-parse", "--verify", "--quiet", last)
    if not sha or ask_git(project, "diff", "--name-only", sha, "--", *_CODE, "dvc.lock"):
        return ""
    refs = ask_git(
        project, "for-each-ref", f"--points-at={sha}", "--format=%(refname)", "refs/exps"
    )
    named = [ref.split("/") for ref in refs.splitlines()]  # refs/exps/<commit, in two parts>/<name>
    return next((name for *parts, name in named if len(parts) == 4), "")


def name_experiment(project: Path) -> str:
    """Return the DVC experiment under way, or applied; empty for none."""
    return os.environ.get("DVC_EXP_NAME") or applied_experiment(project)


def is_untracked(project: Path, file: str) -> bool:
    """Return whether a file of the project is neither in git nor left out of it on purpose."""
    return ask_git(project, "status", "--porcelain", "--", file).startswith("??")


def ask_git(folder: Path, *arguments: str) -> str:
    """Return what a command of git prints; nothing where it fails, or git is not installed."""
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(  # noqa: S603
        [git, *arguments], cwd=folder, capture_output=True, check=False
    )
    return os.fsdecode(done.stdout).rstrip("\n") if done.returncode == 0 else ""
