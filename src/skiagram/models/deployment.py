"""What a trained model's folder says of itself, so that new cases can be scored with it alone."""

from dataclasses import dataclass
from typing import Any

from skiagram.calibration import Calibration
from skiagram.models.contract import Arm
from skiagram.records import Task

DEPLOYMENT = "deployment.json"


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
        arm: `classical`, `deep`, `combined` or `reader`.
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
