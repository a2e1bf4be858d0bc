"""What a trained model's folder says of itself, so that new cases can be scored with it alone."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiagram.calibration import Calibration
from skiagram.errors import DataError
from skiagram.models.contract import Arm
from skiagram.records import Task

DEPLOYMENT = "deployment.json"
CHECKSUMS = "checksums.json"


@dataclass(frozen=True)
class Decision:
    """How the scores of one repeat's final fit become a probability and a decision.

    Attributes:
        calibration: Fit on out-of-fold scores.
        threshold: Smallest probability of the positive class that is called positive; None with
            more than two classes.
    """

    calibration: Calibration
    threshold: float | None


@dataclass(frozen=True)
class Deployment:
    """What is needed to score new cases besides their preparation and the fitted files.

    Attributes:
        model: Name of the option file.
        arm: `classical`, `encoder`, `deep`, `combined` or `reader`.
        title: Name for people.
        options: The composed options.
        task: What is told apart.
        sensitivity: Share of the positive cases that the thresholds were set to find on out-of-fold
            scores; None with more than two classes.
        decisions: One per repeat; the fitted model of repeat k stands in the folder `repeat<k>`.
    """

    model: str
    arm: Arm
    title: str
    options: dict[str, Any]
    task: Task
    sensitivity: float | None
    decisions: tuple[Decision, ...]


def repeat_folder(repeat: int) -> str:
    """Return the name of the folder that holds the fitted model of one repeat."""
    return f"repeat{repeat}"


def write_checksums(folder: Path) -> None:
    """Write the SHA-256 of every file of a finished model's folder into it."""
    (folder / CHECKSUMS).write_text(json.dumps(_checksums(folder), indent=1) + "\n")


def verify_checksums(folder: Path) -> None:
    """Refuse a model's folder whose files are not those that training left.

    They guard against damage and mistakes, not against somebody who writes new checksums too. A
    folder without checksums is one of an earlier version, and passes.

    Raises:
        DataError: A file is altered, missing or not of training, or the checksums are damaged.
    """
    path = folder / CHECKSUMS
    if not path.exists():
        return
    remedy = "copy the whole folder models/NAME of a finished run again"
    try:
        written = json.loads(path.read_bytes())
        items = dict(written).items()
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise DataError("is damaged", where=str(path), remedy=remedy) from error
    found = _checksums(folder)
    for kind, names in {
        "is missing": [name for name, _ in items if name not in found],
        "was not written by training": [name for name in found if name not in dict(items)],
        "is altered: its checksum is another": [
            name for name, checksum in items if found.get(name) != checksum
        ],
    }.items():
        if names:
            raise DataError(kind, where=str(folder / names[0]), remedy=remedy)


def _checksums(folder: Path) -> dict[str, str]:
    """Return name → SHA-256 of the files below a folder; hidden ones are the system's."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".") and path != folder / CHECKSUMS
    }
