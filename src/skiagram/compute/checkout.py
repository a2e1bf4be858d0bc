"""The project's folder: where it lasts, and which commit of its code and options runs.

Outputs of stages hold none of it; the tracker and the seal's ledger do.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

_OF_A_HOOK = (  # what git tells a hook's shell of the repository that it works on
    *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE"),
    *("GIT_CONFIG_PARAMETERS", "GIT_QUARANTINE_PATH"),
)
_CODE = (":(glob)*.py", "conf", "dvc.yaml", "params.yaml", "pipeline", "src")


class Commit(NamedTuple):
    """A commit of the project, and whether code or options differ from it."""

    sha: str
    modified: bool


def home(project: Path) -> Path:
    """Find the project's lasting folder; queued experiments run in a temporary clone of it."""
    return Path(os.environ.get("DVC_ROOT") or project).resolve()


def find_in_project(name: str) -> Path:
    """Find where a file of the project lies.

    A queued experiment runs in a copy without what git leaves out, as a project's manifests.
    """
    return Path(name) if Path(name).exists() else home(Path()) / name


def current_commit(project: Path) -> Commit | None:
    """Find the commit that is checked out; None outside git."""
    sha = ask_git(project, "rev-parse", "HEAD")
    if not sha:
        return None
    return Commit(sha, bool(ask_git(project, "status", "--porcelain", "--", *_CODE)))


def name_experiment(project: Path) -> str:
    """Find the DVC experiment under way, or that `dvc exp apply` brought here; empty for none."""
    if under_way := os.environ.get("DVC_EXP_NAME"):
        return under_way
    # What was applied last counts only while code and results are still its own.
    last = "refs/exps/exec/EXEC_APPLY"  # where DVC keeps what was applied last
    sha = ask_git(project, "rev-parse", "--verify", "--quiet", last)
    if not sha or ask_git(project, "diff", "--name-only", sha, "--", *_CODE, "dvc.lock"):
        return ""
    refs = ask_git(
        project, "for-each-ref", f"--points-at={sha}", "--format=%(refname)", "refs/exps"
    )
    named = [ref.split("/") for ref in refs.splitlines()]  # refs/exps/<commit, in two parts>/<name>
    return next((name for *parts, name in named if len(parts) == 4), "")


def places_without_home(project: Path) -> dict[str, str]:
    """List variables that have libraries keep in a project what a home that is not there would.

    A container may have none for the id that it runs under. Empty for who has one.
    """
    try:
        there = os.access(Path.home(), os.W_OK)
    except RuntimeError:  # nobody knows where it would be
        there = False
    kept = {"MPLCONFIGDIR": "matplotlib", "NUMBA_CACHE_DIR": "numba"}
    return {} if there else {name: str(project / ".work" / kept[name]) for name in kept}


def shell_of_no_hook() -> dict[str, str]:
    """Return the environment without what names another repository than that of a folder."""
    return {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}


def ask_git(folder: Path, *arguments: str) -> str:
    """Return what a command of git prints; nothing where it fails, or git is not installed."""
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(  # noqa: S603
        [git, *arguments], cwd=folder, env=shell_of_no_hook(), capture_output=True, check=False
    )
    return os.fsdecode(done.stdout).rstrip("\n") if done.returncode == 0 else ""
