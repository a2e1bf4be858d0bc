"""Where rows work: option files, source files, and a folder where each piece is made once."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from skiagram.compute.code_digest import name_piece
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import Compute, visible_gpus
from skiagram.errors import OptionError
from skiagram.options import check, read_option_file, with_choices

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Workspace:
    """What a row is given to work with.

    Attributes:
        data: Folder where source files are at hand; None to fetch them.
        work: Folder for finished pieces, so that a sweep that was stopped goes on where it was.
        project: The project's folder, where the seal's ledger lies; None where nothing is noted.
        changes: Option → value in place of what params.yaml and option files have, named as
            `skiagram.sweeps.rows` says.
    """

    conf: Path
    data: Path | None
    work: Path
    compute: Compute
    project: Path | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_project(cls, root: Path) -> "Workspace":
        """Return the workspace of a project: its options, its machine, its store of pieces.

        `SKIAGRAM_DATA` names where source files are at hand.
        """
        data = os.environ.get("SKIAGRAM_DATA")
        chosen = read_option_file(root / "params.yaml", "params.yaml")["compute"]
        name = f"conf/compute/{chosen}.yaml"
        compute = check(Compute, read_option_file(root / name, name), "compute")
        work = PieceStore.of_project(root).folder
        return cls(root / "conf", Path(data) if data else None, work, compute, root)

    @property
    def pieces(self) -> PieceStore:
        """Return the finished pieces, of a project those of its stages too."""
        return PieceStore(self.work)

    def map_fits(self, function: Callable[[T], R], pieces: Sequence[T]) -> Iterator[R]:
        """Yield what a function that fits models makes of each piece, in order, side by side."""
        return self.compute.map_fits(function, pieces, gpus=visible_gpus())

    def choices(self) -> dict[str, Any]:
        """Return the choices of params.yaml.

        Raises:
            OptionError: A change names a choice that is not there.
        """
        values = read_option_file(self.conf.parent / "params.yaml", "params.yaml")
        changed = {k: v for k, v in self.changes.items() if not k.startswith("conf.")}
        for name in sorted(changed.keys() - values.keys()):
            allowed = f"{', '.join(values)}; an option of a file has `conf.` before it"
            raise OptionError("no such choice", where=name, allowed=allowed)
        return values | changed

    def option_file(self, group: str, name: str) -> dict[str, Any]:
        """Return the values of a member of a group."""
        path = self.conf / group / f"{name}.yaml"
        if not path.is_file():
            raise OptionError(
                f"no option file conf/{group}/{name}.yaml",
                where=self._where,
                allowed=self.list_files(group),
            )
        values = read_option_file(path, f"conf/{group}/{name}.yaml")
        return self._changed(values, f"conf.{group}.{name}.")

    def list_files(self, group: str) -> str:
        """Return the names of a group's option files, for a message."""
        return ", ".join(sorted(path.stem for path in (self.conf / group).glob("*.yaml")))

    def options_of(self, stage: str) -> dict[str, Any]:
        """Return the options that are a stage's own, as the root pipeline has them."""
        values = read_option_file(self.conf / f"{stage}.yaml", f"conf/{stage}.yaml")
        values.pop("defaults", None)
        values = self._changed(values, f"conf.{stage}.")
        refers = "${params:" in repr(values)
        return dict(with_choices(values, self.choices())) if refers else values

    @property
    def _where(self) -> str:
        return "sweep" if self.changes else "options"

    def _changed(self, values: dict[str, Any], prefix: str) -> dict[str, Any]:
        """Return the values of a file with the changes whose names begin with a prefix."""
        for name, value in self.changes.items():
            if name.startswith(prefix):
                *parents, last = name.removeprefix(prefix).split(".")
                place: Any = values
                for parent in parents:
                    place = place.get(parent) if isinstance(place, dict) else None
                if not isinstance(place, dict):
                    group = name.removesuffix(f".{last}")
                    remedy = f"give `{group}` a value with all its options"
                    raise OptionError("has no options to change", where=group, remedy=remedy)
                place[last] = deepcopy(value)  # a further change goes into it
        return values

    def make_once(
        self, kind: str, inputs: Mapping[str, Any], make: Callable[[Path], object], *code: object
    ) -> Path:
        """Return the folder of a piece; it is made at the first call for these inputs and code.

        Args:
            inputs: All that the piece depends on besides the code, as JSON.
            *code: What `make` runs but does not name, such as the class of an object given to it.
        """
        return self.pieces.make(name_piece(kind, inputs, make, *code), make)
