"""What is recorded of an execution, and what a tracker does with it.

The receipt says what was recorded, by hash: equal results have equal receipts.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from pydantic.dataclasses import dataclass as options

from skiagram.composition import Composition
from skiagram.compute.files import sha256_of
from skiagram.errors import refusal
from skiagram.options import build
from skiagram.strict import STRICT
from skiagram.tracking.comparison import RecordedRun


class NotRecorded(Exception):
    """The tracker could not be reached or refused; no result is lost by it."""


class Point(NamedTuple):
    """One finite value of a metric; the step is an epoch, a fold or a repeat."""

    name: str
    value: float
    step: int = 0


@dataclass(frozen=True)
class Run:
    """One line in the tracker's table: the whole execution, or one model of it.

    Attributes:
        params: Option → value as text.
        tags: Tag → text.
        artefacts: Local file or folder → folder inside the run (empty: its top).
        began: Seconds since 1970; None for the time of recording.
        ended: Seconds since 1970; None for the time of recording.
    """

    name: str
    params: dict[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    artefacts: dict[Path, str] = field(default_factory=dict)
    failed: bool = False
    began: float | None = None
    ended: float | None = None


@dataclass(frozen=True)
class Receipt:
    """Names of the recorded models, and path of each file in the project → its SHA-256.

    Both are empty where the tracker could not be reached or refused: there is no run.
    """

    models: tuple[str, ...]
    sha256: dict[str, str]

    @property
    def digest(self) -> str:
        files = (f"{path} {digest}" for path, digest in sorted(self.sha256.items()))
        return hashlib.sha256("\n".join([*self.models, *files]).encode()).hexdigest()


class Execution(NamedTuple):
    """All that is recorded of one execution: its whole, and one run per model.

    The name is that of the DVC experiment, or `workspace`.
    """

    name: str
    parent: Run
    children: tuple[Run, ...]
    receipt: Receipt


class Tracker(Protocol):
    """The options dataclass of a tracker; `home` is the folder that outlives temporary clones."""

    def record(self, execution: Execution, home: Path) -> str:
        """Record an execution once; recording the same results again adds nothing.

        Returns:
            A line for people: what was done.

        Raises:
            NotRecorded: The tracker could not be reached or refused.
        """

    def share_openings(self, openings: Mapping[str, str], home: Path) -> Mapping[str, str]:
        """Keep entries of the seal's ledger (hash → line), and return all that anybody kept."""

    def list_runs(self, home: Path) -> list[RecordedRun]:
        """Return the recorded runs of a project's whole pipeline, those that failed among them.

        Raises:
            NotRecorded: The tracker could not be reached or refused.
        """


@options(**STRICT)
class NoTracking:
    """Records nothing."""

    def record(self, execution: Execution, home: Path) -> str:
        return "Nothing recorded: tracking is off."

    def share_openings(self, openings: Mapping[str, str], home: Path) -> Mapping[str, str]:
        return {}

    def list_runs(self, home: Path) -> list[RecordedRun]:
        return []


def find_tracker(project: Path) -> Tracker:
    """Return the tracker that a project's params.yaml chooses."""
    options = Composition(project)
    chosen = options.read_file("tracking", str(options.choices["tracking"]))
    tracker: Tracker = build(chosen, "tracking")
    return tracker


def receipt_of(project: Path, models: tuple[str, ...], artefacts: Iterable[Path]) -> Receipt:
    """Hash files and folders of a project, given by absolute paths; folders are walked."""
    hashes: dict[str, str] = {}
    for artefact in artefacts:
        if not artefact.exists():
            raise refusal("tracking.no_artefact", artefact.relative_to(project).as_posix())
        for file in [artefact] if artefact.is_file() else artefact.rglob("*"):
            if file.is_file():
                hashes[file.relative_to(project).as_posix()] = sha256_of(file)
    return Receipt(models, hashes)
