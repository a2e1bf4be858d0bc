"""The code that each stage of a project may run, as one SHA-256; a new stage needs no list.

What a stage runs is reached from its script and from the classes that its configs name. Beside
it count the data files of those modules, such as templates, and the versions of the libraries that
compute. In a project of one's own the installed skiagram as a whole is part of every digest.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from skiagram.composition import CHOSEN_BY, SEVERAL, Composition
from skiagram.compute.code_digest import (
    code_digest,
    code_files,
    named_targets,
)
from skiagram.compute.files import sha256_of
from skiagram.errors import SkiagramError
from skiagram.options import PLAN, find_value, flatten_options, split_names

_CHANGES_NO_FIGURE = {"compute", "explained", "sweeps", "tracking"}
_MODEL_FOLDERS = (
    "combined/models",
    "combined/scores",
    "models",
    "reports/explanations",
    "scores",
)


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml, one for each member of a matrix.

    Attributes:
        name: As DVC calls it.
        script: File in `pipeline` that it runs.
        chosen: Axis of the matrix → its member.
        writes: Paths of its outputs.
    """

    name: str
    script: str
    chosen: dict[str, str]
    writes: frozenset[str]


@dataclass(frozen=True)
class StagesOfProject:
    """The stages of a project, as its dvc.yaml, params.yaml and configs have them.

    Attributes:
        root: The project's folder; its scripts can be imported.
    """

    root: Path
    _composed: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def options(self) -> Composition:
        """What params.yaml chooses, and the configs."""
        return Composition(self.root)

    @property
    def params(self) -> Mapping[str, Any]:
        """What params.yaml chooses."""
        return self.options.choices

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """All stages, those of a matrix one by one."""
        # Stages as dvc.yaml describes them.
        pipeline = yaml.load((self.root / "dvc.yaml").read_bytes(), Loader=yaml.CSafeLoader)
        stages = []
        for name, described in pipeline["stages"].items():
            matrix = described.get("matrix", {})
            lists = [self.params.get(str(over).strip("${}")) or [] for over in matrix.values()]
            entries = [*described["outs"], *described.get("metrics", [])]
            outputs = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
            # each member of the matrix is a stage, which writes to paths that hold its name
            for members in product(*lists):
                chosen, paths = dict(zip(matrix, members, strict=True)), outputs
                for axis, member in chosen.items():
                    paths = [path.replace(f"${{item.{axis}}}", member) for path in paths]
                stage_name = f"{name}@{'-'.join(members)}" if members else name
                script = Path(described["cmd"].split()[1]).stem
                stages.append(Stage(stage_name, script, chosen, frozenset(paths)))
        return tuple(stages)

    def write_digests(
        self, without: str, files: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        """Write the digest of every stage, and of every member of a matrix.

        Args:
            without: Script of the stage that calls this, which depends on no digest.
            files: Script of a stage → its input files that no option tells, with their checksums.
        """
        # Code, then files that a stage reads.
        files = files or {}
        described = [stage for stage in self.stages if stage.script != without]
        digests = {stage.name: self.digest_stage(stage) for stage in described}
        for stage in described:
            if changed := files.get(stage.script):
                digests[stage.name] += f"\n{digest_files(changed)}"
        # Sweeps watch the code of the whole package, and here that of the project.
        if self.params.get("sweeps"):
            code = [*self.root.glob("*.py"), *(self.root / "src").rglob("*.py")]
            own = {path.relative_to(self.root).as_posix(): sha256_of(path) for path in code}
            digests["sweep"] = digest_files({**files.get("sweep", {}), **own})
        digests["options"] = json.dumps(self.resolve_options(described), indent=1)
        if not (self.root / "src/skiagram").is_dir():
            digests["skiagram"] = code_digest(SkiagramError)
        # A file for each stage, on which DVC makes it depend.
        folder = self.root / "data/code"
        folder.mkdir(parents=True, exist_ok=True)
        for name, digest in digests.items():
            (folder / name).write_text(f"{digest}\n", encoding="utf-8")

    def digest_stage(self, stage: Stage) -> str:
        """Compute the SHA-256 of what a stage depends on: code, libraries, files and options.

        The stage's own config counts by its values, most of which stand in params.yaml: DVC
        would have a second column for each. So do the configs of a group of which params.yaml
        names several, since DVC could only watch the whole folder, with the files that nobody chose
        and all comments.
        """
        # What the stage runs, and the options that choose it.
        entries, options = self.code_of(stage), self._compose(stage)
        digest = hashlib.sha256(code_digest(*entries).encode())
        # the options
        digest.update(
            json.dumps(self.options.read_own(stage.script), default=str, sort_keys=True).encode()
        )
        # Groups of several members count by the names chosen.
        for group in self.options.list_members(stage.script):
            if group in SEVERAL and group in CHOSEN_BY:
                digest.update(json.dumps([group, options[SEVERAL[group]]]).encode())
        return digest.hexdigest()

    def _compose(self, stage: Stage) -> dict[str, Any]:
        """Return the options of a stage, composed once."""
        if stage.name not in self._composed:
            members = {axis: [member] for axis, member in stage.chosen.items()}
            self._composed[stage.name] = self.options.compose_stage(stage.script, members)
        return self._composed[stage.name]

    def code_of(self, stage: Stage) -> list[str]:
        """Return what a stage's code is reached from: its script, the classes of its options."""
        options = self._compose(stage)
        # One that has all choices explains the features, too.
        names = split_names(self.params["features"] if "choices" in options else "")
        families = [self.options.read_file("features", name) for name in names]
        targets = set(named_targets([options, *families]))
        entries = [f"{stage.script}.main", "skiagram.projects.stage.stage"]
        for target in sorted(targets):
            with suppress(ValueError, ImportError):  # the stage says which class is not there
                code_files(target)
                entries.append(target)
        return entries

    def resolve_options(self, stages: Sequence[Stage]) -> dict[str, str]:
        """List the flat name of every option of the run → its value; the tracker records them.

        `dataset.size` is of the chosen data set, `features.glcm.region` of one family among
        several.
        """
        # Choices that change no figure are not recorded.
        values = {k: v for k, v in self.params.items() if k not in _CHANGES_NO_FIGURE}
        plan = self.options.read_shared(PLAN.removeprefix("conf/").removesuffix(".yaml"))
        values["plan"] = find_value(plan, "plan", PLAN)
        # Options of each member, then those of the stage.
        for stage in stages:
            options = self._compose(stage)
            for group in self.options.list_members(stage.script):
                if group in SEVERAL:
                    for member, member_options in options[SEVERAL[group]].items():
                        values.setdefault(f"{group}.{member}", member_options)
                elif group not in _CHANGES_NO_FIGURE:
                    member = stage.chosen.get(group, "")
                    values.setdefault(f"{group}.{member}", options[group])
            values.setdefault(stage.script, self.options.read_shared(stage.script))
        flat = flatten_options(values)
        return {name.replace("..", "."): flat[name] for name in sorted(flat)}

    def remove_dropped(self) -> None:
        """Remove outputs of models that dvc.lock notes of stages that are no more.

        Stages after them depend on the whole of `models`, `scores` and `reports/explanations`. DVC
        has them in its cache, and removes them itself at the next `dvc checkout`.
        """
        # Outputs in the lock, less those that stages still write.
        lock = self.root / "dvc.lock"
        noted = yaml.load(lock.read_bytes(), Loader=yaml.CSafeLoader) if lock.exists() else {}
        made = {
            out["path"]
            for stage in noted.get("stages", {}).values()
            for out in stage.get("outs", ())
        }
        for path in made - {path for stage in self.stages for path in stage.writes}:
            if Path(path).parent.as_posix() in _MODEL_FOLDERS:
                shutil.rmtree(self.root / path, ignore_errors=True)


def digest_files(changed: Mapping[str, str]) -> str:
    """Write a line that tells files and their checksums, whose names may name patients."""
    lines = [f"{name}: {changed[name]}" for name in sorted(changed)]
    return f"files {hashlib.sha256(chr(10).join(lines).encode()).hexdigest()}"
