"""Kills small runs at random instants and checks that the next run ends with equal bytes.

    python -m benchmarks.kills [--kills 60] [--seed 0] [--folder FOLDER]

Every stage and one sweep run on small generated images, once undisturbed, then again and again from
nothing. SIGKILL meets, by a seeded draw: all processes at once (as a power cut does), DVC, a stage,
a worker of a stage or sweep (a forked fit, or one of joblib's). What ended is started again at
once, as `make repro` does it. After some kills the run goes on to its end, and every file that it
wrote is compared.
Every sweep has its turn, also after the kills that were asked for.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil  # type: ignore[import-untyped]
import yaml
from tests.pipeline.project import Project, make_project, stack

PIPELINE = "pipeline"
SWEEPS = ("crossover",)
_SWEEPS_A_PIPELINE = 3  # turns of sweeps between two of the pipeline
_KILLS_A_RUN = 6
_VICTIMS = ("all", "DVC", "stage", "worker", "worker")
_OUTPUTS = ("data", "models", "scores", "combined", "reports")
_LONGEST = 1200  # seconds that a run may take
_LOOK_AGAIN = 0.05  # seconds
_SECONDS = "seconds.txt"
_SUBSET = "conf.plan.plan.subset"
_SWEPT = {  # base of a sweep
    "dataset": "tiny",
    "features": "first_order",
    "baselines": ["logistic_regression"],
    "networks": ["small_cnn"],
    "folds": 2,
    "conf.evaluate.replicates": 100,
    _SUBSET: {"cases": 24, "draw": 0},
}
_AXES = {f"{_SUBSET}.cases": [24, 48], f"{_SUBSET}.draw": [0, 1]}


@dataclass
class Tally:
    """What was killed, and how the runs ended.

    Attributes:
        killed: (run, victim) → kills.
        runs: Run → how often it was killed and then went on to its end.
        different: What differed from an undisturbed run, or how a run failed.
    """

    killed: Counter[tuple[str, str]] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Return a table, and what went wrong."""
        victims = sorted({victim for _, victim in self.killed})
        head = ["run", *victims, "runs to the end"]
        rows = [
            [name, *(str(self.killed[name, victim]) for victim in victims), str(self.runs[name])]
            for name in self.runs
        ]
        table = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
        ending = f"{self.killed.total()} kills, {len(self.different)} runs ended otherwise."
        return [*table, "", ending, *self.different]


@dataclass(frozen=True)
class Runner:
    """Runs one command in copies of a small project.

    Attributes:
        name: `pipeline`, or the name of a sweep.
        folder: Where copies are made.
    """

    name: str
    folder: Path

    @property
    def command(self) -> list[str]:
        """Return what runs it."""
        if self.name == PIPELINE:
            return [sys.executable, "-m", "dvc", "repro"]
        return [sys.executable, "pipeline/sweep.py", f"sweep={self.name}"]

    def make(self, copy: str) -> Project:
        """Return a new small project on which nothing has run."""
        shutil.rmtree(self.folder / copy, ignore_errors=True)  # of an earlier time
        project = make_project(self.folder / copy / "project")
        stack(project)
        _edit(project, "conf/compute/local.yaml", workers=2)
        if self.name == PIPELINE:
            _edit(project, "params.yaml", explained=["logistic_regression"])
        else:
            path = f"conf/sweep/{self.name}.yaml"
            options = yaml.safe_load((project.folder / path).read_text(encoding="utf-8"))
            _edit(project, path, base=options["base"] | _SWEPT, axes=_AXES)
        done = project.run("dvc", "init", "--no-scm", "-q")
        if done.returncode:
            raise SystemExit(done.stderr)
        return project

    def start(self, project: Project) -> subprocess.Popen[bytes]:
        """Start it as `make repro` does; what it says is added to a file."""
        project.skiagram("repair")
        with (project.folder.parent / "said.txt").open("ab") as said:
            return subprocess.Popen(
                self.command,
                cwd=project.folder,
                env=project.environment | {"COLUMNS": "200"},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def undisturbed(self) -> float:
        """Run once without a kill, if that was not done before, and return the seconds it took.

        Raises:
            SystemExit: It failed.
        """
        whole = self.folder / f"{self.name}-whole"
        if not (whole / _SECONDS).exists():
            started = time.monotonic()
            if failure := self.finish(self.make(whole.name)):
                raise SystemExit(failure)
            (whole / _SECONDS).write_text(f"{time.monotonic() - started:.1f}\n", encoding="utf-8")
        return float((whole / _SECONDS).read_text(encoding="utf-8"))

    def finish(self, project: Project) -> str:
        """Run to the end and return a line if it failed.

        A DVC that outlived a killed runner is at work still; a second one names it and ends, and
        then the run is started once more.
        """
        code = self.start(project).wait(_LONGEST)
        if code and (at_work := _left_behind(project)):
            psutil.wait_procs(at_work, _LONGEST)
            code = self.start(project).wait(_LONGEST)
        return f"{self.name} in {project.folder}: exit {code}" if code else ""

    def outputs(self, project: Project) -> dict[str, str]:
        """Return path → SHA-256 of all that a run writes."""
        if self.name == PIPELINE:
            lock = hashlib.sha256((project.folder / "dvc.lock").read_bytes()).hexdigest()
            return project.hashes(*_OUTPUTS) | {"dvc.lock": lock}
        return project.hashes(f"sweeps/{self.name}")


def _edit(project: Project, path: str, **values: Any) -> None:
    file = project.folder / path
    options = yaml.safe_load(file.read_text(encoding="utf-8"))
    file.write_text(yaml.safe_dump(options | values, sort_keys=False), encoding="utf-8")


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return []


def _left_behind(project: Project) -> list[psutil.Process]:
    """Return the DVCs that run in a project, whoever started them."""
    return [
        process
        for process in psutil.process_iter(["cwd"])
        if process.info["cwd"] == str(project.folder) and _is_dvc(_command(process))
    ]


def _is_dvc(command: list[str]) -> bool:
    return command[1:] == ["-m", "dvc", "repro"]


def _victims(runner: psutil.Process, wanted: str) -> list[psutil.Process]:
    """Return the processes of a kind below a runner, in the order of their numbers."""
    below = runner.children(recursive=True)
    commands = {process.pid: _command(process) for process in (runner, *below)}
    if wanted == "DVC":
        return [process for process in (runner, *below) if _is_dvc(commands[process.pid])]
    stages = {
        pid: command
        for pid, command in commands.items()
        if len(command) > 1
        and command[1].startswith("pipeline/")  # below a shell, whose second word is -c
    }
    kinds: dict[str, list[psutil.Process]] = {"stage": [], "worker": []}
    for process in sorted(below, key=lambda process: process.pid):
        command, parent = commands[process.pid], process.ppid()
        forked = process.pid in stages and parent in stages
        if forked or "loky.backend.popen" in " ".join(command):
            kinds["worker"].append(process)
        elif process.pid in stages:
            kinds["stage"].append(process)
    return kinds[wanted]


def _kill(started: subprocess.Popen[bytes], wanted: str, draw: random.Random) -> bool:
    """Kill one of what is wanted, as soon as there is one; return whether there was."""
    if wanted == "all":
        os.killpg(started.pid, signal.SIGKILL)  # the session that the script made
        return True
    while started.poll() is None:
        try:
            victims = _victims(psutil.Process(started.pid), wanted)
            if victims:
                draw.choice(victims).kill()
                return True
        except psutil.NoSuchProcess:  # it ended just now
            continue
        time.sleep(_LOOK_AGAIN)
    return False


def _go_on(
    runner: Runner, project: Project, started: subprocess.Popen[bytes], seconds: float
) -> subprocess.Popen[bytes] | None:
    """Let it run so long, start it again where an earlier kill ends it; None if all is done."""
    end = time.monotonic() + seconds
    while True:
        try:
            if started.wait(max(0.0, end - time.monotonic())) == 0:
                return None
        except subprocess.TimeoutExpired:
            return started
        started = runner.start(project)


def disturb(runner: Runner, number: int, draw: random.Random, tally: Tally) -> None:
    """Run from nothing, kill some times, go on to the end and compare.

    Args:
        runner: What to run.
        number: Of this run.
        draw: Of instants and victims.
        tally: Added to.
    """
    seconds = runner.undisturbed()
    project = runner.make(f"{runner.name}-{number}")
    started = runner.start(project)
    for turn in range(_KILLS_A_RUN):
        instant = draw.uniform(0, seconds * (0.7 if turn == 0 else 0.2))
        wanted = draw.choice(_VICTIMS)
        going = _go_on(runner, project, started, instant)
        if going is None:
            break  # it was faster: no kill
        started = going
        if _kill(started, wanted, draw):
            tally.killed[runner.name, wanted] += 1
    started.wait(_LONGEST)
    failure = runner.finish(project)
    tally.runs[runner.name] += 1
    expected = runner.outputs(Project(runner.folder / f"{runner.name}-whole" / "project"))
    outputs = {} if failure else runner.outputs(project)
    changed = sorted(name for name in expected if outputs.get(name) != expected[name])
    extra = sorted(outputs.keys() - expected.keys())
    if failure or changed or extra:
        tally.different.append(failure or f"{runner.name}-{number}: {', '.join(changed + extra)}")


def turns(names: list[str]) -> Iterator[str]:
    """Yield what to run, without end: the pipeline, some sweeps, the pipeline again."""
    sweeps = [name for name in names if name != PIPELINE]
    while True:
        for number, name in enumerate(sweeps):
            if PIPELINE in names and number % _SWEEPS_A_PIPELINE == 0:
                yield PIPELINE
            yield name
        if not sweeps:
            yield PIPELINE


def run(names: list[str], kills: int, seed: int, folder: Path) -> Iterator[Tally]:
    """Yield the tally after each run, until there were so many kills and each name had its turn."""
    draw, tally = random.Random(seed), Tally()
    for number, name in enumerate(turns(names)):
        if tally.killed.total() >= kills and set(names) <= tally.runs.keys():
            return
        disturb(Runner(name, folder), number, draw, tally)
        yield tally


def main() -> int:
    """Kill, compare and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--folder",
        type=Path,
        help="to keep the runs, the undisturbed ones for the next time too; else a temporary one",
    )
    parser.add_argument("names", nargs="*", default=[PIPELINE, *SWEEPS])
    given = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        for tally in run(given.names, given.kills, given.seed, folder):
            print(*tally.lines(), sep="\n", flush=True)
    return 1 if tally.different else 0


if __name__ == "__main__":
    sys.exit(main())
