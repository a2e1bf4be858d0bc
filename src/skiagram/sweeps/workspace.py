"""Where rows work: option files, source files, and a folder where each piece is made once."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from skiagram.composition import Composition
from skiagram.compute.code_digest import name_piece
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import Compute, visible_gpus
from skiagram.options import check

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Workspace:
    """What a row is given to work with.

    Attributes:
        options: Choices and option files of the project, as the row changes them.
        data: Folder where source files are at hand; None to fetch them.
        work: Folder for finished pieces, so that a sweep that was stopped goes on where it was.
        project: The project's folder, where the seal's ledger lies; None where nothing is noted.
    """

    options: Composition
    data: Path | None
    work: Path
    compute: Compute
    project: Path | None = None

    @classmethod
    def of_project(cls, root: Path) -> "Workspace":
        """Return the workspace of a project: its options, its machine, its store of pieces.

        `SKIAGRAM_DATA` names where source files are at hand.
        """
        data, options = os.environ.get("SKIAGRAM_DATA"), Composition(root)
        chosen = options.read_file("compute", str(options.choices["compute"]))
        work, compute = PieceStore.of_project(root).folder, check(Compute, chosen, "compute")
        return cls(options, Path(data) if data else None, work, compute, root)

    @property
    def pieces(self) -> PieceStore:
        """Return the store of finished pieces."""
        return PieceStore(self.work)

    def map_fits(self, function: Callable[[T], R], pieces: Sequence[T]) -> Iterator[R]:
        """Yield what a function that fits models makes of each piece, in order, side by side."""
        return self.compute.map_fits(function, pieces, gpus=visible_gpus())

    def make_once(
        self, kind: str, inputs: Mapping[str, Any], make: Callable[[Path], object], *code: object
    ) -> Path:
        """Return the folder of a piece; it is made at the first call for these inputs and code.

        Args:
            inputs: All that the piece depends on besides the code, as JSON.
            *code: What `make` runs but does not name, such as the class of an object given to it.
        """
        return self.pieces.make(name_piece(kind, inputs, make, *code), make)
