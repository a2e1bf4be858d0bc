"""Seconds until a finished run has the figures of one changed option of one small model.

    python -m benchmarks.one_option [--runs 5] [--project FOLDER] [--option FILE:NAME]

A small project is run to its end; then `dvc exp run` changes the option to a number that it never
had, several times. `--project` takes a finished project in a Git repository of its own instead, for
example a clone of this one after `make repro`; it gains the experiments. Each stage notes its
seconds as it ends, processes that it started included; DVC has what is left. Wall seconds mean
something on an idle machine alone, so the load stands beside them.
"""

import argparse
import json
import os
import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.common import machine
from tests.pipeline.project import Project, make_project

OPTION = "conf/model/logistic_regression.yaml:C"
_RANGE = (0.01, 1.0)
_HOOK = """
import atexit, json, os, sys, time
names = [word for word in sys.orig_argv if word.startswith("pipeline/")]
if names:
    started, process = time.time(), os.getpid()
    def note():
        if os.getpid() == process:
            with open(os.environ["STAGE_SECONDS"], "a") as file:
                seconds = time.time() - started, sum(os.times()[:4])
                file.write(json.dumps([names[0][9:-3], *seconds]) + "\\n")
    atexit.register(note)
"""


class Seconds(NamedTuple):
    """What a run or a stage took."""

    wall: float
    processor: float


@contextmanager
def finished_project() -> Iterator[Project]:
    """Yield a small project, in Git, on which everything has run."""
    with TemporaryDirectory() as folder:
        project = make_project(Path(folder) / "project")
        (project.folder / ".gitignore").write_text(
            "/.work/\n/source/\n__pycache__/\nmlflow.db\n", encoding="utf-8"
        )
        for command in (
            "git init -q .",
            "dvc init -q",
            "dvc repro -q",
            "git add -A .",
            "git -c user.name=benchmark -c user.email=benchmark@localhost commit -qm finished",
        ):
            done = project.run(*command.split())
            if done.returncode:
                raise SystemExit(f"{command}: {done.stderr}")
        yield project


def timed(project: Project, *command: str, **variables: str) -> Seconds:
    """Run a command; return what it took with all that it started."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = project.run(*command, PATH=project.environment["PATH"], **variables)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Seconds(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def change_once(project: Project, option: str, hook: Path) -> dict[str, Seconds]:
    """Change the option once; return what took how long, the stages in their order."""
    notes = hook / "seconds"
    notes.write_text("", encoding="utf-8")
    change = f"{option}={random.SystemRandom().uniform(*_RANGE):.6f}"
    paths = os.pathsep.join([str(hook), str(project.folder / "src")])
    command = ("dvc", "exp", "run", "-S", change)
    whole = timed(project, *command, PYTHONPATH=paths, STAGE_SECONDS=str(notes))
    lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    stages = {name: Seconds(wall, processor) for name, wall, processor in lines}
    left = [whole[k] - sum(stage[k] for stage in stages.values()) for k in range(2)]
    status = timed(project, "dvc", "status")
    return {**stages, "DVC": Seconds(*left), "all": whole, "dvc status": status}


def describe(values: list[float]) -> str:
    """Return the median, the minimum and the maximum."""
    return f"{statistics.median(values):6.1f} ({min(values):.1f} to {max(values):.1f})"


def measure(project: Project, option: str, runs: int) -> None:
    """Change the option several times, after one change that counts for nothing, and print."""
    with TemporaryDirectory() as folder:
        hook = Path(folder)
        (hook / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
        taken = [change_once(project, option, hook) for _ in range(1 + runs)][1:]
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}; {option}, {runs} runs")
    print(f"{'':16s}{'wall seconds':24s}processor seconds")
    for name in taken[0]:
        wall, processor = zip(*(of[name] for of in taken if name in of), strict=True)
        print(f"{name:16s}{describe(list(wall)):24s}{describe(list(processor))}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_option")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--project", type=Path)
    parser.add_argument("--option", default=OPTION, metavar="FILE:NAME")
    chosen = parser.parse_args()
    if chosen.project is None:
        with finished_project() as project:
            measure(project, chosen.option, chosen.runs)
    elif not (chosen.project / "dvc.lock").is_file():
        sys.exit(f"{chosen.project} holds no dvc.lock: name a project that `make repro` has run")
    else:
        measure(Project(chosen.project.resolve()), chosen.option, chosen.runs)


if __name__ == "__main__":
    main()
