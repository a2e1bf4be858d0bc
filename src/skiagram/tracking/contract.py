"""What is recorded of an execution, and what a tracker does with it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from skiagram.tracking.receipt import Receipt


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
class Execution:
    """All that is recorded of one execution of the pipeline.

    Attributes:
        name: Name of the DVC experiment, or `workspace`.
        parent: The execution as a whole.
        children: One run a model.
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
