"""Runs the pipeline: what `dvc repro` does, with stages side by side where there are cores.

DVC runs one stage at a time. The audit does not depend on what is made of the images, nor train
stages on one another, so several DVCs share them out, each with its part of the processors; a last
one runs what is left and checks the whole. The result is that of `dvc repro`, to the last byte;
dvc.lock has the order of dvc.yaml, whichever stage ended first.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import yaml

from lock import replace_whole
from option_files import PARAMS, ROOT
from skiagram.compute.workers import STAGES_SIDE_BY_SIDE, Compute
from skiagram.errors import SkiagramError
from skiagram.options import check, read_option_file

_MOST_LANES = 4  # each holds images, features and libraries in memory
_PREPARED = ("restore", "extract", "encode")  # beside the audit, in the order of dvc.yaml
_WEIGHTS = {"train_network": 8}  # a network takes several times as long as another model


def main() -> None:
    """Run everything that is out of date."""
    try:
        params = read_option_file(PARAMS, PARAMS.name)
        stages = list(_stages(params))
        lanes = share_out([name for name in stages if name.startswith("train_")], _lanes(params))
    except SkiagramError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    if len(lanes) > 1 and _dvc("status", "--quiet").wait():
        prepared = [name for name in stages if name.split("@")[0] in _PREPARED]
        _finish([_dvc("repro", "ingest")])
        _side_by_side([["audit"], prepared])
        _side_by_side(lanes)
    _finish([_dvc("repro")])
    lock = ROOT / "dvc.lock"
    replace_whole(lock, sort_lock(lock.read_text(), stages).encode())


def _side_by_side(lanes: Sequence[Sequence[str]]) -> None:
    """Run the stages of each lane one after the other, and the lanes at once."""
    shared = os.environ | {STAGES_SIDE_BY_SIDE: str(len(lanes))}
    _finish([_dvc("--wait-for-lock", "repro", "-s", *lane, env=shared) for lane in lanes])


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
    return min(_MOST_LANES, compute.places) if compute.backend == "local" else 1


def _stages(params: dict[str, Any]) -> Iterator[str]:
    """Yield the names of all stages, those of a matrix one by one."""
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        lists = [
            params.get(str(over).strip("${}")) or [] for over in stage.get("matrix", {}).values()
        ]
        for values in product(*lists):
            yield f"{name}@{'-'.join(values)}" if values else name


def share_out(stages: Sequence[str], lanes: int) -> list[list[str]]:
    """Return the stages of each lane: the longest first, each to the lane with least to do.

    Args:
        stages: Names.
        lanes: Lanes at most.
    """
    shares: list[list[str]] = [[] for _ in range(min(lanes, len(stages)))]
    load = [0] * len(shares)
    for name in sorted(stages, key=lambda name: -_weight(name)):
        lane = load.index(min(load))
        shares[lane].append(name)
        load[lane] += _weight(name)
    return shares


def _weight(stage: str) -> int:
    return _WEIGHTS.get(stage.split("@")[0], 1)


def _dvc(*words: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(("dvc", *words), cwd=ROOT, env=env)  # noqa: S603, S607


def _finish(started: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for all, then end with the code of the first that failed."""
    try:
        codes = [process.wait() for process in started]
    except KeyboardInterrupt:
        for process in started:
            process.wait()
        sys.exit(130)
    for code in codes:
        if code:
            sys.exit(code)


if __name__ == "__main__":
    main()
