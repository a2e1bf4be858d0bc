"""Where a study works: option files, source files, and a folder where each piece is made once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from skiagram.compute.code_digest import name_piece
from skiagram.compute.pieces import PieceStore
from skiagram.compute.progress import Progress
from skiagram.compute.workers import Compute, visible_gpus
from skiagram.errors import OptionError
from skiagram.options import read_option_file

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Workspace:
    """What a study is given to work with.

    Attributes:
        data: Folder where source files are at hand; None to fetch them.
        work: Folder for finished pieces, so that a study that was stopped goes on where it was.
        project: The project's folder, where the seal's ledger lies; None where nothing is noted.
    """

    conf: Path
    data: Path | None
    work: Path
    compute: Compute
    project: Path | None = None

    @classmethod
    def of_project(cls, root: Path, data: str | None, compute: Compute) -> "Workspace":
        """Return the workspace of a project; `data` names where source files are at hand."""
        work = PieceStore.of_project(root).folder
        return cls(root / "conf", Path(data) if data else None, work, compute, root)

    @property
    def pieces(self) -> PieceStore:
        """Return the finished pieces, of a project those of its stages too."""
        return PieceStore(self.work)

    def run(
        self, title: str, function: Callable[[T], R], pieces: Sequence[T], *, fits: bool = True
    ) -> list[R]:
        """Return what a function makes of each piece, in order, side by side, below a bar."""
        # With more threads, a fit that the study made by itself has left some.
        done = (
            self.compute.map_fits(
                function, pieces, forked=self.compute.threads == 1, gpus=visible_gpus()
            )
            if fits
            else self.compute.map(function, pieces)
        )
        results = []
        with Progress(title, len(pieces)) as progress:
            for result in done:
                results.append(result)
                progress.advance()
        return results

    def option_file(self, group: str, name: str) -> dict[str, Any]:
        path = self.conf / group / f"{name}.yaml"
        if not path.is_file():
            allowed = sorted(other.stem for other in path.parent.glob("*.yaml"))
            raise OptionError(
                f"no option file conf/{group}/{name}.yaml",
                where="study",
                allowed=", ".join(allowed),
            )
        return read_option_file(path, f"conf/{group}/{name}.yaml")

    def options_of(self, stage: str) -> dict[str, Any]:
        """Return the options that are a stage's own, as the root pipeline has them."""
        return read_option_file(self.conf / f"{stage}.yaml", f"conf/{stage}.yaml")

    def digest(self, what: str, inputs: Mapping[str, Any], *code: object) -> str:
        """Return a name, beginning with `what`, that these inputs and this code alone have."""
        return name_piece(what, inputs, *code)

    def make_once(
        self, what: str, inputs: Mapping[str, Any], make: Callable[[Path], object], *code: object
    ) -> Path:
        """Return the folder of a piece; it is made at the first call for these inputs and code.

        Args:
            inputs: All that the piece depends on besides the code, as JSON.
            *code: What `make` runs but does not name, such as the class of an object given to it.
        """
        return self.pieces.make(name_piece(what, inputs, make, *code), make)
