"""`skiagram runs`: every run as a row, those committed to git and experiments."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

NAME = "runs"
SUMMARY = "print every run of a project: the options that differ, and its figures"
EXAMPLES = """\
  skiagram runs
      in a project's folder: commits that changed dvc.lock, on any branch, and DVC's experiments"""

_MOST = 20  # commits; DVC reads the options and figures of each
_LEFT_OUT = (  # columns: figures of single models, files and folders
    r"Created|State|Executor|(?!best_).*[.](roc_auc|balanced_accuracy|selection_auc)$"
    r"|(?!.*yaml:).*/.*|(models|scores|conf|pipeline|requirements.lock)$"
)
_SHOWN = r"best_\w+[.]selection_\w+$|best_\w+_minus_\w+[.](?!low$|high$)\w+$"  # equal or not


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare no arguments."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001
    """Print the table, by DVC; return its exit code."""
    project = Path().resolve()
    command = [sys.executable, "-m", "dvc", "exp", "show", "--only-changed"]
    command += ["--drop", _LEFT_OUT, "--keep", _SHOWN]
    for commit in ("HEAD", *find_committed_runs(project)):
        command += ["--rev", commit]
    environment = os.environ | {"DVC_ROOT": str(project)}
    sys.stdout.flush()
    return subprocess.run(command, cwd=project, env=environment, check=False).returncode  # noqa: S603


def find_committed_runs(project: Path) -> list[str]:
    """Return the last commits of any branch that changed dvc.lock, as each run does.

    Runs from before a commit that removed it are left out: of other options than today's.
    """
    lock = ("--", "dvc.lock")
    removed = _git(project, "log", "--format=%h", "--max-count=1", "--diff-filter=D", *lock)
    kinds = ("--format=%h", f"--max-count={_MOST}", "--diff-filter=AM")
    return _git(project, "log", *kinds, "HEAD", "--branches", "--not", *removed, *lock)


def _git(project: Path, *words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=project, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.split()
