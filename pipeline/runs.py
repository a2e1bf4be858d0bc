"""Every run as a row: those committed to git, and experiments: what differs, and selection AUC."""

import os
import subprocess
import sys

from option_files import ROOT

_MOST = 20  # commits; DVC reads the options and figures of each
_LEFT_OUT = (  # columns: figures of single models, files and folders
    r"Created|State|Executor|(?!best_).*[.](roc_auc|balanced_accuracy|selection_auc)$"
    r"|(?!.*yaml:).*/.*|(models|scores|conf|pipeline|requirements.lock)$"
)
_SHOWN = r"best_\w+[.]selection_auc$|best_\w+_minus_\w+[.](?!low$|high$)\w+$"  # equal or not


def main() -> int:
    """Print the table, by DVC."""
    command = [sys.executable, "-m", "dvc", "exp", "show", "--only-changed"]
    command += ["--drop", _LEFT_OUT, "--keep", _SHOWN]
    for commit in ("HEAD", *committed_runs()):
        command += ["--rev", commit]
    environment = os.environ | {"DVC_ROOT": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603


def committed_runs() -> list[str]:
    """Return the last commits of any branch that changed dvc.lock, as each run does.

    Runs from before a commit that removed it are left out: of other options than today's.
    """
    lock = ("--", "dvc.lock")
    removed = _git("log", "--format=%h", "--max-count=1", "--diff-filter=D", *lock)
    kinds = ("--format=%h", f"--max-count={_MOST}", "--diff-filter=AM")
    return _git("log", *kinds, "HEAD", "--branches", "--not", *removed, *lock)


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607
    return done.stdout.split()


if __name__ == "__main__":
    sys.exit(main())
