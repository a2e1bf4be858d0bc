"""What is recorded of an execution, and what a tracker does with it.

The receipt says what was recorded, by hash: equal results have equal receipts.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic.dataclasses import dataclass as options

from skiagram.errors import DataError
from skiagram.options import STRICT


class NotRecorded(Exception):
    """The tracker could not be reached or refused; no result is lost by it."""


@dataclass(frozen=True)
class Point:
    """One value of a metric.

    Attributes:
        name: Metric, for example `roc_auc` or `validation_loss/repeat0-final`.
        value: A finite number.
        step: Epoch, fold or repeat; 0 for a single figure.
    """

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class Run:
    """One line in the tracker's table: the whole execution, or one model of it.

    Attributes:
        name: Name for people.
        params: Option → value as text.
        points: Metrics.
        tags: Tag → text.
        artefacts: Local file or folder → folder inside the run (empty: its top).
        failed: Whether the model could not be trained.
    """

    name: str
    params: dict[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    artefacts: dict[Path, str] = field(default_factory=dict)
    failed: bool = False


@dataclass(frozen=True)
class Receipt:
    """Everything that an execution hands to the tracker.

    Attributes:
        models: Names of the recorded models, in order.
        sha256: Path of each file, relative to the project → SHA-256 of its content.
    """

    models: tuple[str, ...]
    sha256: dict[str, str]

    @property
    def digest(self) -> str:
        """Return one SHA-256 over names and hashes."""
        lines = [
            *self.models,
            *(f"{path} {digest}" for path, digest in sorted(self.sha256.items())),
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Execution:
    """All that is recorded of one execution of the pipeline.

    Attributes:
        name: Name of the DVC experiment, or `workspace`.
        parent: The execution as a whole.
        children: One run per model.
        receipt: Hashes of everything recorded.
    """

    name: str
    parent: Run
    children: tuple[Run, ...]
    receipt: Receipt


class Tracker(Protocol):
    """The options dataclass of a tracker."""

    def record(self, execution: Execution, home: Path) -> str:
        """Record an execution once; recording the same results again adds nothing.

        Args:
            execution: What to record.
            home: Folder of the project that outlives temporary clones.

        Returns:
            A line for people: what was done.

        Raises:
            NotRecorded: The tracker could not be reached or refused.
        """

    def share_openings(self, openings: Mapping[str, str], home: Path) -> Mapping[str, str]:
        """Keep entries of the seal's ledger, and return all that anybody kept.

        Args:
            openings: Hash → line of each entry known here.
            home: Folder of the project that outlives temporary clones.

        Raises:
            NotRecorded: The tracker could not be reached or refused.
        """


@options(**STRICT)
class NoTracking:
    """Records nothing."""

    def record(self, execution: Execution, home: Path) -> str:
        """Record nothing."""
        return "Nothing recorded: tracking is off."

    def share_openings(self, openings: Mapping[str, str], home: Path) -> Mapping[str, str]:
        """Share nothing."""
        return {}


def receipt_of(project: Path, models: tuple[str, ...], artefacts: Iterable[Path]) -> Receipt:
    """Hash files and folders of a project.

    Args:
        project: Folder that holds them.
        models: Names of the recorded models.
        artefacts: Absolute paths of files and folders; folders are walked.

    Raises:
        DataError: An artefact is missing.
    """
    hashes: dict[str, str] = {}
    for artefact in artefacts:
        if not artefact.exists():
            raise DataError(
                "is missing",
                where=artefact.relative_to(project).as_posix(),
                remedy="run the stages that come before, `dvc repro`",
            )
        files = [artefact] if artefact.is_file() else artefact.rglob("*")
        for file in files:
            if file.is_file():
                hashes[file.relative_to(project).as_posix()] = _sha256(file)
    return Receipt(models, hashes)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
