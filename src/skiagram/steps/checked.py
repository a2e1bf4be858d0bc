"""What a run has ingested and audited as it checked its data set, for the stages to take over.

Only the run that made it takes it: a killed one leaves a folder that the next run replaces, and
whoever calls a stage alone has it read the files.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

CHECKED = "SKIAGRAM_CHECKED"  # variable that a run gives to its stages
_FOLDER = ".work/checked"


def renew_checked() -> Path:
    """Make an empty folder for what a check of the project in this folder makes."""
    remove_checked(Path())
    Path(_FOLDER).mkdir(parents=True)
    return Path(_FOLDER)


def remove_checked(root: Path) -> None:
    """Remove what a check has made."""
    shutil.rmtree(root / _FOLDER, ignore_errors=True)


def offer_checked(stage: str, **inputs: Any) -> None:
    """Note of which inputs the folder of a stage is what the stage would write."""
    Path(_FOLDER, f"{stage}.json").write_text(json.dumps(inputs), encoding="utf-8")


def take_checked(root: Path, stage: str, target: Path, **inputs: Any) -> bool:
    """Move what the check of the run under way has made into a folder; False where it does not fit.

    What does not fit is removed, also for the stages that come later.
    """
    folder = root / _FOLDER
    note = folder / f"{stage}.json"
    if CHECKED not in os.environ or not note.exists():
        return False
    if json.loads(note.read_text(encoding="utf-8")) != json.loads(json.dumps(inputs)):
        remove_checked(root)
        return False
    note.unlink()
    target.mkdir(parents=True, exist_ok=True)
    for output in (folder / stage).iterdir():
        output.replace(target / output.name)
    return True
