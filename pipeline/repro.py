"""Runs the pipeline: what `dvc repro` does, with stages side by side where there are cores.

DVC runs one stage at a time. Here each stage that is out of date has a DVC of its own, begun as
soon as all that it reads stands and there is a lane for it; stages that run together share the
processors. The result is that of `dvc repro`, to the last byte; dvc.lock has the order of dvc.yaml,
whichever stage ended first.

Only DVC's command line is called, by its entry function: DVC is imported once and each command is a
fork of this process, since DVC's start alone takes longer than many a stage. `_DVC` names what to
import ahead; a name that a later version lacks costs time, no result.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from itertools import product
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import yaml

from lock import replace_whole
from option_files import PARAMS, ROOT
from skiagram.compute.forks import end_with
from skiagram.compute.workers import STAGES_SIDE_BY_SIDE, Compute
from skiagram.errors import SkiagramError
from skiagram.options import check, read_option_file

_MAX_LANES = 4  # each holds images, features and libraries in memory
_WEIGHTS = {"train_network": 8}  # a network takes several times as long as another model
_DVC = (  # what it imports when it checks and runs a stage
    *("dvc.cli", "dvc.commands.repro", "dvc.commands.status", "dvc.repo.reproduce"),
    *("dvc.repo.status", "dvc.repo.index", "dvc.stage.cache", "dvc.stage.loader", "dvc.stage.run"),
    *("dvc.data_cloud", "dvc.cachemgr", "dvc.lock", "dvc_data.index", "networkx", "scmrepo.git"),
)


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml, one for each member of a matrix.

    Attributes:
        name: As DVC calls it.
        script: File in `pipeline` that it runs.
        chosen: Axis of the matrix → its member.
        reads: Paths of what it depends on.
        writes: Paths of its outputs.
    """

    name: str
    script: str
    chosen: dict[str, str]
    reads: frozenset[str]
    writes: frozenset[str]

    def needs(self, other: "Stage") -> bool:
        """Return whether it reads what another stage writes, or a part of it."""
        return self is not other and any(
            f"{read}/".startswith(f"{written}/") or f"{written}/".startswith(f"{read}/")
            for read, written in product(self.reads, other.writes)
        )


def main() -> None:
    """Run everything that is out of date."""
    try:
        params = read_option_file(PARAMS, PARAMS.name)
        stages = list(read_stages((ROOT / "dvc.yaml").read_text(), params))
        lanes = _lanes(params)
    except SkiagramError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    for name in _DVC:
        with suppress(ImportError):
            import_module(name)
    remove_empty_receipt(ROOT / "reports/receipt.json")
    try:
        code = _run(["repro"]) if lanes == 1 else _run_side_by_side(stages, lanes)
    except KeyboardInterrupt:  # the others were interrupted too: they are waited for
        code = 130
    if code:
        sys.exit(code)
    lock = ROOT / "dvc.lock"
    order = [stage.name for stage in stages]
    replace_whole(lock, sort_lock(lock.read_text(), order).encode())


def _run_side_by_side(stages: Sequence[Stage], lanes: int) -> int:
    """Run the first stage, which always runs, and the others where one is out of date."""
    first, *others = stages
    if code := _run(["repro", "-s", first.name]):
        return code
    changed = _run(["status", "--quiet", *(stage.name for stage in others)]) == 1
    return run_all(others, lanes, _start) if changed else 0


def run_all(stages: Sequence[Stage], lanes: int, start: Callable[[Stage, int], BaseProcess]) -> int:
    """Run each stage once all that it needs is done, the longest of those that can run first.

    Args:
        stages: In an order in which they could run one after the other.
        lanes: Stages at a time, at most.
        start: Starts a stage that shares the machine with so many, itself among them.

    Returns:
        Exit code of the first that failed, after which no other is started; else 0.
    """
    waiting = list(stages)
    running: dict[BaseProcess, Stage] = {}
    failed = 0
    while running or (waiting and not failed):
        undone = [*waiting, *running.values()]
        ready = [stage for stage in waiting if not any(map(stage.needs, undone))]
        ready.sort(key=lambda stage: -_weight(stage.name))
        together = min(lanes, len(running) + len(ready))
        for stage in ready[: 0 if failed else lanes - len(running)]:
            waiting.remove(stage)
            running[start(stage, together)] = stage
        ended = set(wait([process.sentinel for process in running]))
        for process in [process for process in running if process.sentinel in ended]:
            process.join()
            del running[process]
            failed = failed or process.exitcode or 0
    return failed


def remove_empty_receipt(receipt: Path) -> None:
    """Have stage record run again where its tracker was out of reach."""
    with suppress(OSError, ValueError):
        if json.loads(receipt.read_bytes()) == {"models": [], "sha256": {}}:
            receipt.unlink()


def sort_lock(lock: str, stages: Sequence[str]) -> str:
    """Return dvc.lock with its stages in a given order; those that are not in it come last.

    Args:
        lock: What DVC wrote.
        stages: Names.
    """
    head, *entries = re.split(r"(?m)^(?=  \S)", lock)
    place = {name: number for number, name in enumerate(stages)}
    names = [entry.partition(":\n")[0].strip() for entry in entries]
    known = [place.get(name, len(place)) for name in names]
    ordered = sorted(zip(known, range(len(entries)), entries, strict=True))
    return head + "".join(entry for _, _, entry in ordered)


def _lanes(params: dict[str, Any]) -> int:
    name = f"conf/compute/{params['compute']}.yaml"
    compute = check(Compute, read_option_file(ROOT / name, name), "compute")
    return min(_MAX_LANES, compute.places) if compute.backend == "local" else 1


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
                reads=_paths(stage["deps"], chosen),
                writes=_paths([*stage["outs"], *stage.get("metrics", [])], chosen),
            )


def _paths(entries: Sequence[str | dict[str, Any]], chosen: Mapping[str, str]) -> frozenset[str]:
    """Return paths of a list of dvc.yaml, with the member of the matrix filled in."""
    paths = [entry if isinstance(entry, str) else next(iter(entry)) for entry in entries]
    for name, value in chosen.items():
        paths = [path.replace(f"${{item.{name}}}", value) for path in paths]
    return frozenset(paths)


def _weight(stage: str) -> int:
    return _WEIGHTS.get(stage.split("@")[0], 1)


def _start(stage: Stage, together: int) -> BaseProcess:
    return _fork(["--wait-for-lock", "repro", "-s", stage.name], together)


def _run(words: Sequence[str]) -> int:
    process = _fork(words, 1)
    process.join()
    return process.exitcode or 0


def _fork(words: Sequence[str], together: int) -> BaseProcess:
    process = get_context("fork").Process(target=_dvc, args=(words, together, os.getpid()))
    process.start()
    return process


def _dvc(words: Sequence[str], together: int, parent: int) -> None:
    """Be DVC, in a process of its own, which holds no lock longer than this one lives."""
    from dvc.cli import main as dvc

    end_with(parent)
    os.environ[STAGES_SIDE_BY_SIDE] = str(together)
    logging.getLogger("dvc.repo.scm_context").setLevel(logging.WARNING)  # `git add` once a stage
    sys.exit(dvc(list(words)))


if __name__ == "__main__":
    main()
