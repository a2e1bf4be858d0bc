"""Where combinations stand: apart from the models that they are made of.

A stage cannot read `models` and `scores` as wholes and write into them.
"""

from pathlib import Path

from skiagram.records import Outcome

COMBINED = "combined"
MEMBERS = "members"


def models_folder(root: Path, outcome: Outcome) -> Path:
    """Return the folder of a model below the project's."""
    return _arm(root, outcome) / "models" / outcome.model


def scores_folder(root: Path, outcome: Outcome) -> Path:
    """Return the folder of a model's scores below the project's."""
    return _arm(root, outcome) / "scores" / outcome.model


def _arm(root: Path, outcome: Outcome) -> Path:
    return root / COMBINED if outcome.arm == "combined" else root
