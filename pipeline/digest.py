"""Stage digest: the code that each other stage may run, as one SHA-256; a new stage needs no list.

It runs each time, as DVC cannot see which libraries are installed; the others depend on their own
digest, so that an edit or another version of a library reruns the stages whose code it is part of,
and a comment none. In a project of one's own the installed skiagram as a whole is part of every
digest. What DVC made for a model that params.yaml names no longer goes,
since stages after it depend on the whole of `models`, `scores` and `explanations`.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from option_files import PARAMS, ROOT, SOURCES, chosen_names
from skiagram.compute.code_digest import (
    code_digest,
    code_libraries,
    code_modules,
    named_targets,
)
from skiagram.errors import OptionError, SkiagramError
from skiagram.options import flatten_options, read_option_file, with_choices

DIGESTS = ROOT / "data/code"
_SHARED = (
    "entrypoint.stage",
    "composition.OptionFiles",
    "option_files.chosen_names",
    "outputs.publish",
    "run_choices.RunChoices",
)
_EXPLAINED = [{"features": "${params:features}"}]  # by stages that read all choices
_CHANGES_NO_FIGURE = {"compute", "explained", "sweeps", "tracking"}
_OF_MODELS = ("explanations", "models", "scores")  # folders with a folder a model
_CODE = {".py", ".pyc", ".nbi", ".nbc"}


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


def main() -> None:
    """Write the digest of every stage, and of every member of a matrix."""
    try:
        params = read_option_file(PARAMS, PARAMS.name)
        _refuse_heads(params)
        _check_explained(params)
        stages = [
            stage
            for stage in read_stages((ROOT / "dvc.yaml").read_text(), params)
            if stage.script != Path(__file__).stem
        ]
        digests = {stage.name: describe_code(stage) for stage in stages}
        digests["options"] = json.dumps(resolved_options(stages, params), indent=1)
        if not SOURCES.is_dir():
            digests["skiagram"] = code_digest(SkiagramError)
    except SkiagramError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    DIGESTS.mkdir(parents=True, exist_ok=True)
    for name, digest in digests.items():
        (DIGESTS / name).write_text(f"{digest}\n")
    remove_dropped(stages)


def read_stages(pipeline: str, params: Mapping[str, Any]) -> Iterator[Stage]:
    """Yield all stages, those of a matrix one by one.

    Args:
        pipeline: The text of dvc.yaml.
        params: Values of params.yaml.
    """
    for name, stage in yaml.safe_load(pipeline)["stages"].items():
        matrix = stage.get("matrix", {})
        lists = [params.get(str(over).strip("${}")) or [] for over in matrix.values()]
        for values in product(*lists):
            chosen = dict(zip(matrix, values, strict=True))
            yield Stage(
                f"{name}@{'-'.join(values)}" if values else name,
                script=Path(stage["cmd"].split()[1]).stem,
                chosen=chosen,
                writes=_paths([*stage["outs"], *stage.get("metrics", [])], chosen),
            )


def _paths(entries: Sequence[str | dict[str, Any]], chosen: Mapping[str, str]) -> frozenset[str]:
    """Return paths of a list of dvc.yaml, with the member of the matrix filled in."""
    paths = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
    for name, value in chosen.items():
        paths = [path.replace(f"${{item.{name}}}", value) for path in paths]
    return frozenset(paths)


def _refuse_heads(params: Mapping[str, Any]) -> None:
    """Refuse the choice by which an earlier version trained models on encoders."""
    if params.get("heads") and params.get("encoders"):
        raise OptionError(
            "`heads` is no longer a choice",
            where=PARAMS.name,
            remedy="remove it, and name models that read an encoder, such as encoder_svm, among "
            "`baselines` (docs/how-to/encoders.md)",
        )


def _check_explained(params: Mapping[str, Any]) -> None:
    """Refuse to explain a model that is not trained."""
    trained = [*params["baselines"], *params["networks"]]
    if unknown := [name for name in params.get("explained", ()) if name not in trained]:
        fault, allowed = (
            f"`{unknown[0]}` is no baseline or network of the run",
            ", ".join(trained),
        )
        raise OptionError(fault, where=f"{PARAMS.name}: explained", allowed=allowed)


def describe_code(stage: Stage) -> str:
    """Return what a stage depends on: the SHA-256 of its code and files, versions of libraries."""
    entries = code_of(stage)
    versions = code_libraries(*entries).items()
    return "\n".join([digest_of(entries), *(f"{name} {version}" for name, version in versions)])


def resolved_options(stages: Sequence[Stage], params: Mapping[str, Any]) -> dict[str, str]:
    """Return the flat name of every option of the run → its value; the tracker records them.

    `dataset.size` is of the chosen data set, `features.glcm.region` of one family among several.
    """
    values: dict[str, Any] = {k: v for k, v in params.items() if k not in _CHANGES_NO_FIGURE}
    values["plan"] = _read("conf/plan.yaml")["plan"]
    for stage in stages:
        file = f"conf/{stage.script}.yaml"
        stage_options = {**_read(file)}
        for group, name, chosen in _chosen_files(stage_options.pop("defaults"), stage.chosen):
            if group not in _CHANGES_NO_FIGURE:
                one_of_several = params.get(group) != name
                values.setdefault(f"{group}.{name}" if one_of_several else f"{group}.", chosen)
        values.setdefault(stage.script, stage_options)
    flat = flatten_options(with_choices(values, params))
    return {name.replace("..", "."): flat[name] for name in sorted(flat)}


def remove_dropped(stages: Sequence[Stage]) -> None:
    """Remove outputs of models that dvc.lock notes of stages that are no more.

    DVC has them in its cache, and removes them itself at the next `dvc checkout`.
    """
    noted = yaml.safe_load((ROOT / "dvc.lock").read_text()) if (ROOT / "dvc.lock").exists() else {}
    made = {
        out["path"] for stage in noted.get("stages", {}).values() for out in stage.get("outs", ())
    }
    for path in made - {path for stage in stages for path in stage.writes}:
        if Path(path).parent.as_posix() in _OF_MODELS:
            shutil.rmtree(ROOT / path, ignore_errors=True)


def digest_of(entries: Sequence[str]) -> str:
    """Return the SHA-256 of code and of the data files beside it that it may read."""
    digest = hashlib.sha256(code_digest(*entries).encode())
    for path in sorted(_data_files(code_modules(*entries))):
        digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def code_of(stage: Stage) -> list[str]:
    """Return what a stage's code is reached from: its script, and the classes of its options."""
    file = f"conf/{stage.script}.yaml"
    options = _read(file)
    defaults = options["defaults"] + (_EXPLAINED if "choices" in options["defaults"] else [])
    files = [options, *(values for *_, values in _chosen_files(defaults, stage.chosen))]
    targets = {target for values in files for target in named_targets(values)}
    # A class that is not there is left to the stage, which says so.
    there = [target for target in sorted(targets) if _is_there(target)]
    return [f"{stage.script}.main", *_SHARED, *there]


def _chosen_files(
    defaults: list[Any], chosen: Mapping[str, str]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield group, name and values of each option file that a stage reads."""
    for entry in defaults:
        for group, names in entry.items() if isinstance(entry, dict) else ():
            if group.startswith("override "):
                continue
            for name in [chosen[group]] if group in chosen else chosen_names(names):
                file = f"conf/{group}/{name}.yaml"
                yield group, name, _read(file)


@cache
def _read(file: str) -> Mapping[str, Any]:
    return read_option_file(ROOT / file, file)


@cache
def _is_there(target: str) -> bool:
    try:
        code_digest(target)
    except (ValueError, ImportError):
        return False
    return True


def _data_files(modules: set[str]) -> set[Path]:
    """Return templates, tables and the like in the folders of modules."""
    origins = [spec.origin for spec in map(find_spec, sorted(modules)) if spec]
    folders = {Path(origin).parent for origin in origins if origin}
    return {
        path
        for folder in folders
        if folder.is_relative_to(SOURCES)
        for within in [folder, *_folders_of_data(folder)]
        for path in within.iterdir()
        if path.is_file() and path.suffix not in _CODE
    }


def _folders_of_data(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            yield path
            yield from _folders_of_data(path)


if __name__ == "__main__":
    main()
