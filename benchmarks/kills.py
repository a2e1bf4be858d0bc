"""Kills small runs at random instants and checks that the next run ends with equal bytes.

    python -m benchmarks.kills [--kills 60] [--seed 0] [--folder FOLDER]

Every stage and every study runs on small generated images, once undisturbed, then again and again
from nothing. SIGKILL meets, by turns of a seeded draw: all processes at once (as a power cut does),
DVC alone, the stage alone, a worker of a study. What was killed is started again at once, as
`make repro` does it. After some kills the run goes on to its end, and every file that it wrote is
compared. Half an hour on an idle machine.
"""

import argparse
import hashlib
import json
import os
import random
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
from tests.pipeline.project import REPOSITORY, Project, make_project, stack

STUDIES = ("ablation", "cost", "crossover", "robustness", "search")
_KILLS_A_RUN = 8
_OUTPUTS = ("data", "models", "scores", "combined", "reports")
_MEASURED = ("seconds", "training", "inference", "features")  # what a clock says, in a study's JSON
_LONGEST = 1200  # seconds that a run may take
_SMALL: dict[str, dict[str, Any]] = {
    "ablation": {"datasets": {"tiny": "holdout"}, "replicates": 100},
    "cost": {"dataset": "tiny", "baselines": ["ridge"], "images": 8, "repeats": 3},
    "crossover": {"dataset": "tiny", "sizes": [24, 48], "draws": 2, "replicates": 100},
    "robustness": {"datasets": {"tiny": "holdout"}, "corruptions": {"noise": [0.1]}, "shifts": []},
    "search": {"dataset": "tiny", "baselines": ["decision_tree"], "networks": []},
}
_SHARED = {"features": ["first_order"], "baselines": ["logistic_regression"]}


@dataclass
class Tally:
    """What was killed, and how the runs ended.

    Attributes:
        killed: (run, victim) → kills.
        runs: Run → how often it was killed and then went on to its end.
        different: What differed from an undisturbed run, or how a run failed.
        messages: What a stage said when its worker was killed.
    """

    killed: Counter[tuple[str, str]] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

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
        return [*table, "", ending, *self.different, *sorted(set(self.messages))]


@dataclass(frozen=True)
class Runner:
    """Runs one command of DVC in copies of a small project.

    Attributes:
        name: `pipeline`, or the name of a study.
        folder: Where copies are made.
    """

    name: str
    folder: Path

    @property
    def file(self) -> str:
        """Return the file of DVC's stages."""
        return "dvc.yaml" if self.name == "pipeline" else f"studies/{self.name}/dvc.yaml"

    def make(self, copy: str) -> Project:
        """Return a new small project on which nothing has run."""
        project = make_project(self.folder / copy / "project")
        stack(project)
        _edit(project, "conf/compute/local.yaml", workers=2)
        if self.name != "pipeline":
            place = project.folder / self.file
            place.parent.mkdir(parents=True)
            place.write_text((REPOSITORY / self.file).read_text())
            _shrink(project, self.name)
        done = project.run("dvc", "init", "--no-scm", "-q")
        if done.returncode:
            raise SystemExit(done.stderr)
        return project

    def start(self, project: Project) -> subprocess.Popen[bytes]:
        """Start what `make repro` starts; what it says is added to a file."""
        project.run(sys.executable, "pipeline/lock.py")
        with (project.folder.parent / "said.txt").open("ab") as said:
            return subprocess.Popen(
                ["dvc", "repro", self.file],
                cwd=project.folder,
                env=project.environment | {"COLUMNS": "200"},
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def finish(self, project: Project) -> str:
        """Run to the end and return a line if it failed."""
        code = self.start(project).wait(_LONGEST)
        return f"{self.name} in {project.folder}: exit {code}" if code else ""

    def outputs(self, project: Project) -> dict[str, str]:
        """Return path → SHA-256 of all that a run writes and that holds no measured time."""
        if self.name == "pipeline":
            lock = hashlib.sha256((project.folder / "dvc.lock").read_bytes()).hexdigest()
            return project.hashes(*_OUTPUTS) | {"dvc.lock": lock}
        found = project.hashes(f"studies/{self.name}")
        path = f"studies/{self.name}/result.json"
        result = json.loads((project.folder / path).read_text())
        found[path] = json.dumps(_without_times(result), sort_keys=True)
        timed = self.name in ("cost", "search")
        beside = (f"studies/{self.name}/page.html", f"studies/{self.name}/dvc.lock")
        return {name: text for name, text in found.items() if not (timed and name in beside)}


def _edit(project: Project, path: str, **values: Any) -> None:
    file = project.folder / path
    options = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(options | values, sort_keys=False))


def _shrink(project: Project, study: str) -> None:
    path = f"conf/study/{study}.yaml"
    options = yaml.safe_load((project.folder / path).read_text())
    chosen: dict[str, Any] = {name: value for name, value in _SHARED.items() if name in options}
    chosen |= {"networks": ["small_cnn"], "plan": options["plan"] | {"folds": 2}}
    if study == "ablation":
        chosen["variants"] = dict(list(options["variants"].items())[:2])
    if study == "search":
        chosen["budget"] = options["budget"] | {"trials": 4, "together": 2, "startup": 2}
    _edit(project, path, **chosen | _SMALL[study])


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if not _is_time(name, one)}
        return {name: _without_times(one) for name, one in kept.items()}
    return [_without_times(one) for one in value] if isinstance(value, list) else value


def _is_time(name: str, value: Any) -> bool:
    timing = isinstance(value, dict) and set(value) == {"median", "low", "high"}
    return "seconds" in name or (name in _MEASURED and timing) or name == "processor"


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children())
    except psutil.NoSuchProcess:
        return []


def _stages(dvc: psutil.Process) -> list[psutil.Process]:
    """Return the processes of a stage: below DVC's, and below the shell that starts them."""
    found = [one for one in _children(dvc) if "pipeline/" in _command(one)]
    below = [child for one in found for child in _children(one) if "pipeline/" in _command(child)]
    return below or found


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def _kill(started: subprocess.Popen[bytes], wanted: str) -> str:
    """Kill what is wanted, or DVC where there is no such process, and return which it was."""
    dvc = psutil.Process(started.pid)
    if wanted == "all":
        os.killpg(started.pid, signal.SIGKILL)  # the session that the script made
        return wanted
    victims = _stages(dvc) if wanted != "DVC" else []
    if wanted == "worker":
        victims = [one for stage in victims for one in _workers(stage)]
    if not victims:
        started.kill()
        return "DVC"
    victims[0].kill()
    return wanted


def _workers(stage: psutil.Process) -> list[psutil.Process]:
    return [one for one in _children(stage) if "loky.backend.popen" in _command(one)]


def disturb(runner: Runner, number: int, seconds: float, draw: random.Random, tally: Tally) -> int:
    """Run from nothing, kill some times, go on to the end and compare.

    Args:
        runner: What to run.
        number: Of this run.
        seconds: That an undisturbed one takes.
        draw: Of instants and victims.
        tally: Added to.

    Returns:
        How often it was killed.
    """
    project = runner.make(f"{runner.name}-{number}")
    victims = ["all", "DVC", "stage", *(["worker"] * 2 if runner.name != "pipeline" else [])]
    kills = 0
    for turn in range(_KILLS_A_RUN):
        instant = draw.uniform(0, seconds * (0.7 if turn == 0 else 0.2))
        wanted = draw.choice(victims)
        started = runner.start(project)
        try:
            started.wait(instant)
            break  # it was faster: no kill
        except subprocess.TimeoutExpired:
            said = (project.folder.parent / "said.txt").stat().st_size
            victim = _kill(started, wanted)
        started.wait(_LONGEST)
        tally.killed[runner.name, victim] += 1
        kills += 1
        if victim == "worker":
            told = (project.folder.parent / "said.txt").read_bytes()[said:].decode()
            tally.messages += [line for line in told.splitlines() if "worker" in line][:1]
    failure = runner.finish(project)
    tally.runs[runner.name] += 1
    expected = runner.outputs(Project(runner.folder / f"{runner.name}-whole" / "project"))
    found = {} if failure else runner.outputs(project)
    changed = sorted(name for name in expected if found.get(name) != expected[name])
    extra = sorted(found.keys() - expected.keys())
    if failure or changed or extra:
        tally.different.append(failure or f"{runner.name}-{number}: {', '.join(changed + extra)}")
    return kills


def run(names: list[str], kills: int, seed: int, folder: Path) -> Iterator[Tally]:
    """Yield the tally after each run; the pipeline takes half of the turns, studies the rest."""
    draw, tally = random.Random(seed), Tally()
    seconds: dict[str, float] = {}  # of an undisturbed run
    studies = [name for name in names if name != "pipeline"]
    number = 0
    while tally.killed.total() < kills:
        turn = "study" if studies and (number % 2 or names == studies) else "pipeline"
        name = studies[number // 2 % len(studies)] if turn == "study" else turn
        runner = Runner(name, folder)
        if name not in seconds:
            started = time.monotonic()
            if failure := runner.finish(runner.make(f"{name}-whole")):
                raise SystemExit(failure)
            seconds[name] = time.monotonic() - started
        disturb(runner, number, seconds[name], draw, tally)
        number += 1
        yield tally


def main() -> int:
    """Kill, compare and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="to keep the runs; else a temporary one")
    parser.add_argument("names", nargs="*", default=["pipeline", *STUDIES])
    given = parser.parse_args()
    with TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        for tally in run(given.names, given.kills, given.seed, folder):
            print(*tally.lines(), sep="\n", flush=True)
    return 1 if tally.different else 0


if __name__ == "__main__":
    sys.exit(main())
