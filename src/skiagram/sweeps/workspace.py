"""Where rows work: configs, source files, and a folder where each piece is made once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiagram.composition import Composition
from skiagram.compute.code_digest import name_piece
from skiagram.compute.context import RunContext
from skiagram.compute.workers import Compute
from skiagram.datasets.choices import find_data
from skiagram.options import check


@dataclass(frozen=True)
class Workspace:
    """What a row is given to work with.

    Attributes:
        options: Choices and configs of the project, as the row changes them.
        data: Folder where source files are at hand; None to fetch them.
        context: The machine, and the store of finished pieces, from which a sweep that was stopped
            goes on.
        project: The project's folder, where the seal's ledger lies; None where nothing is noted.
    """

    options: Composition
    data: Path | None
    context: RunContext
    project: Path | None = None

    @classmethod
    def of_project(cls, root: Path, compute: Compute | None = None) -> "Workspace":
        """Open the workspace of a project: its options, its machine, its store of pieces.

        `SKIAGRAM_DATA` names where source files are at hand.

        Args:
            compute: How much of the machine is used; None for what the project's options say.
        """
        options = Composition(root)
        if compute is None:
            chosen = options.read_file("compute", str(options.choices["compute"]))
            compute = check(Compute, chosen, "compute")
        context = RunContext.of_project(root, compute)
        return cls(options, find_data(), context, root)

    def make_once(
        self, kind: str, inputs: Mapping[str, Any], step: Callable[..., object], *given: Any
    ) -> Path:
        """Find the folder of a piece; it is made at the first call for these inputs and code.

        Args:
            kind: Of the piece, which its folder's name begins with.
            inputs: All that the piece depends on besides the code of the step, as JSON.
            step: Writes the piece from what it is given and the folder, which comes last.
            given: What the step is given.
        """
        return self.context.require_store().make(
            name_piece(kind, inputs, step), lambda folder: step(*given, folder)
        )
