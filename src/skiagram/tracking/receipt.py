"""The receipt: what was recorded, by hash; equal results have equal receipts."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from skiagram.errors import DataError


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
        lines = [*self.models, *(f"{path} {found}" for path, found in sorted(self.sha256.items()))]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


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
