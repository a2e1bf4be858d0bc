"""Where and how long: commit, host and seconds, which no output of the pipeline may hold."""

import json
import os
import shutil
import subprocess
from pathlib import Path

_CODE = ("conf", "dvc.yaml", "params.yaml", "pipeline", "src")


def experiment_name() -> str:
    """Return the name of the DVC experiment under way, or `workspace`."""
    return os.environ.get("DVC_EXP_NAME") or "workspace"


def home(project: Path) -> Path:
    """Return the project's lasting folder; queued experiments run in a temporary clone of it."""
    return Path(os.environ.get("DVC_ROOT") or project).resolve()


def commit_tags(project: Path) -> dict[str, str]:
    """Return the commit and whether code or options differ from it; empty outside git."""
    commit = _git(project, "rev-parse", "HEAD")
    if not commit:
        return {}
    changed = _git(project, "status", "--porcelain", "--", *_CODE)
    return {
        "mlflow.source.git.commit": commit,
        "skiagram.modified": "yes" if changed else "no",
    }


def seconds_of(project: Path, stage: str) -> tuple[float, str] | None:
    """Return the seconds and the host of a stage's last run here; None where not known.

    Args:
        project: The project's folder.
        stage: For example `evaluate` or `train_baseline-svm`.
    """
    try:
        noted = json.loads((project / ".work" / "seconds" / f"{stage}.json").read_text())
        return float(noted["seconds"]), str(noted["host"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _git(project: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(  # noqa: S603
        [git, *arguments], cwd=project, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
