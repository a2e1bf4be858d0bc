"""Kills commands at even steps and checks what the same command, typed again, leaves.

    python -m benchmarks.killed_commands [COMMAND ...] [--moments 15 [--only 1 8]] [--folder FOLDER]

A step is a file or folder that a Python process of the command makes, opens to write, renames or
removes below the folder of the trial. Each command runs once undisturbed, and its steps are
counted. Then it meets SIGKILL, with all processes that it started, before a step in the middle of
each of 15 equal parts, or before each where there are fewer; before every second one the file that
it opens is emptied, as it would be by then. The command is typed again, and every file that stands
then is compared with the undisturbed run's. No run of the tracker may be left `RUNNING`, or twice.
A folder that is named keeps the project and the undisturbed runs, so that the moments of a command
may be spread over several calls; after a change of the code it takes a new one.

All commands work on small generated images, in copies of a project that `skiagram run` finished.
"""

import argparse
import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil  # type: ignore[import-untyped]
import yaml
from PIL import Image

from skiagram.projects.files import environment, shipped_files

_LONGEST = 900  # seconds that a command may take
_MODEL = "models/logistic_regression"
_AXIS = "conf.model.logistic_regression.C"
_SWEEP = f"python pipeline/sweep.py -m {_AXIS}=0.1,1"
_PACKAGE = f"skiagram package {_MODEL} -o model.skiagram"
_AUTHOR = "-c user.name=trial -c user.email=trial@localhost"
_TRIAL, _AT = "SKIAGRAM_TRIAL", "SKIAGRAM_KILL_AT"
_SHELL = ("bash", "-euc")
_COUNT = "steps"  # a file beside the trial's folder, of one byte a step
_DATED = "seal_ledger.jsonl"
_OF_THE_TIME = (
    "time",
    "hash",
    "previous",
)  # of an opening: that of the first try, and what follows
_LEFT_OUT = (".git", ".dvc", ".work", "__pycache__", "mlflow.db", "mlartifacts", "multirun")
_HOOK = """
import os, signal, sys

FOLDER, AT = os.environ["SKIAGRAM_TRIAL"], int(os.environ["SKIAGRAM_KILL_AT"])
CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.truncate"}

def count(event, arguments):
    opens = event == "open" and isinstance(arguments[2], int)
    opens = opens and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    named = bool(arguments) and isinstance(arguments[0], (str, bytes, os.PathLike))
    if not named or not (opens or event in CHANGES):
        return
    path = os.path.abspath(os.fsdecode(arguments[0]))
    if not path.startswith(FOLDER + os.sep) or "__pycache__" in path:
        return
    steps = os.open(FOLDER + ".steps", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(steps, b".")
    reached = os.lseek(steps, 0, os.SEEK_CUR)
    os.close(steps)
    if 0 < AT <= reached:
        if opens and arguments[2] & os.O_TRUNC and reached % 2:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
        os.killpg(0, signal.SIGKILL)

sys.addaudithook(count)
"""


def _nothing(_: Path) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Command:
    """A command as typed.

    Attributes:
        line: What is typed, for a shell; `{0}` stands for the folder of the trial.
        place: Where, below the folder of the trial; `project` is a copy of the finished one.
        prepare: What happens to the folder of the trial before.
        prints: Whether what it prints is compared too.
        remedy: What its message tells to add where something stands already.
    """

    line: str
    place: str = "project"
    prepare: Callable[[Path], None] = _nothing
    prints: bool = False
    remedy: str = ""


def _edit(path: Path, **values: object) -> None:
    options = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(options | values, sort_keys=False), encoding="utf-8")


def _of_an_earlier_version(trial: Path) -> None:
    """Make a project one of an earlier version: six of its files came otherwise."""
    project = trial / "project"
    record = yaml.safe_load((project / ".skiagram.yaml").read_text(encoding="utf-8"))
    names = [name for name in shipped_files() if name.startswith("conf/model/")][:5]
    for name in [*names, "pipeline/record.py"]:
        earlier = b"# of an earlier version\n"
        (project / name).write_bytes(earlier)
        record["files"][name] = hashlib.sha256(earlier).hexdigest()
    (project / ".skiagram.yaml").write_text(
        yaml.safe_dump(record, sort_keys=False), encoding="utf-8"
    )


def _swept(trial: Path) -> None:
    _edit(trial / "project/conf/sweep/regularisation.yaml", axes={_AXIS: [0.1, 1]}, figures=[])


def _with_a_sweep(trial: Path) -> None:
    _run(trial / "project", _SWEEP)


def _another_seed(trial: Path) -> None:
    _edit(trial / "project/params.yaml", seed=1)


def _committed(trial: Path) -> None:
    _run(trial / "project", f"git add -A\ngit {_AUTHOR} commit -qm run")


def _packed(trial: Path) -> None:
    _run(trial / "project", _PACKAGE)


def _unrecorded(trial: Path) -> None:
    for name in ("reports/receipt.json", "mlflow.db"):
        (trial / "project" / name).unlink(missing_ok=True)


def _run(place: Path, line: str) -> None:
    words = (*_SHELL, line)
    subprocess.run(words, cwd=place, env=environment(place), check=True, capture_output=True)


_RUN = """\
skiagram run {0}/images --positive yes --networks none --baselines logistic_regression \
--features first_order --folds 2"""
_TABLE = "skiagram table {0}/cohort made.csv --pattern '{{label}}/{{patient}}.png'"
_PREDICT = f"skiagram predict {_MODEL} {{0}}/cohort -o new.csv"
_COMPARE = "skiagram compare {0}/scores.csv --label label --a a --b b -o page.html"
_PLAN = "skiagram plan --prevalence .3 --auc .85 --half-width .05"
_RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
_SEAL = f"skiagram seal {{0}}/cohort {{0}}/labels.csv --recipient {_RECIPIENT} --output sealed"
_REPRO = """\
skiagram repair
dvc repro
skiagram show"""
_QUEUE = """\
dvc queue kill other || true  # DVC waits for one whose worker is gone
dvc exp run --queue -n other -S seed=1 || true
dvc exp run --run-all"""
COMMANDS = {
    "run": Command(f"{_RUN} --project made", "."),
    "new": Command("skiagram new made", "."),
    "table": Command(_TABLE, "."),
    "check": Command("skiagram check {0}/cohort --positive yes", ".", prints=True),
    "init": Command("skiagram init {0}/cohort --positive yes", remedy="--renew"),
    "upgrade": Command("skiagram upgrade", prepare=_of_an_earlier_version),
    "repro": Command(_REPRO, prepare=_another_seed),
    "queue": Command(_QUEUE, prepare=_committed),
    "sweep by name": Command("python pipeline/sweep.py sweep=regularisation", prepare=_swept),
    "sweep by hand": Command(_SWEEP),
    "apply": Command("skiagram apply by_hand 1", prepare=_with_a_sweep),
    "predict": Command(_PREDICT, remedy="--force"),
    "predict --page": Command(f"{_PREDICT} --page new.html", remedy="--force"),
    "extract": Command("skiagram extract {0}/masks.csv -o features.csv", "."),
    "features": Command("skiagram features features.csv"),
    "compare": Command(_COMPARE, "."),
    "validate": Command("skiagram validate . {0}/cohort --name elsewhere", remedy="--force"),
    "package": Command(_PACKAGE),
    "package --mlflow": Command("skiagram package model.skiagram --mlflow served", prepare=_packed),
    "plan": Command(_PLAN, ".", prints=True),
    "seal": Command(_SEAL, "."),
    "record": Command("python pipeline/record.py", prepare=_unrecorded),
}


def _without_times(ledger: bytes) -> bytes:
    """Return the openings of a ledger as they would be at any other time."""
    openings = [json.loads(line) for line in ledger.splitlines()]
    timeless = [
        {name: value for name, value in opening.items() if name not in _OF_THE_TIME}
        for opening in openings
    ]
    return json.dumps(timeless).encode()


@dataclass(frozen=True)
class Trial:
    """A command in a folder of its own, which is the same each time.

    Attributes:
        inputs: Folder of what all trials begin with.
    """

    command: Command
    inputs: Path
    folder: Path

    def begin(self) -> None:
        """Make the folder as it is before the command is typed for the first time."""
        prepared = self.folder.with_name("prepared")
        shutil.rmtree(self.folder, ignore_errors=True)
        if not prepared.exists():
            shutil.copytree(self.inputs, self.folder, symlinks=True)
            self.command.prepare(self.folder)
            self.folder.rename(prepared)
        shutil.copytree(prepared, self.folder, symlinks=True)

    def type(self, at: int = 0, *more: str) -> tuple[int, str]:
        """Type the command, to be killed at a step; return its exit code and what it printed."""
        self._steps.unlink(missing_ok=True)
        place = self.folder / self.command.place
        words = (*_SHELL, " ".join([self.command.line.format(self.folder), *more]))
        marks = {_TRIAL: str(self.folder), _AT: str(at), "PYTHONPATH": str(self.folder.parent)}
        with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
            process = subprocess.Popen(
                words,
                cwd=place,
                env=environment(place) | marks,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            code = self._wait(process, at)
            self._end_what_is_left()
            printed.seek(0)
            return code, printed.read()

    def _wait(self, process: "subprocess.Popen[bytes]", at: int) -> int:
        """Wait for the command; what waits for a process that was killed is killed as well."""
        end = time.monotonic() + _LONGEST
        while process.poll() is None and time.monotonic() < end:
            if 0 < at <= self.steps():
                time.sleep(1)
                self._end_what_is_left()
            time.sleep(0.1)
        return process.wait(1)

    def steps(self) -> int:
        """Return how many steps the last one took."""
        return self._steps.stat().st_size if self._steps.exists() else 0

    def left(self) -> dict[str, str]:
        """Return path → SHA-256 of all that stands, and the states of the tracker's runs."""
        digests = {}
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder)
            if path.is_file() and not set(name.parts) & {*_LEFT_OUT}:
                content = path.read_bytes()
                if path.name == _DATED:
                    content = _without_times(content)
                digests[name.as_posix()] = hashlib.sha256(content).hexdigest()
        return digests | self._runs() | self._experiments()

    def _runs(self) -> dict[str, str]:
        counted = "select status, count(*) from runs where status != 'FAILED' group by status"
        found = {}
        for database in self.folder.glob("*/mlflow.db"):
            with sqlite3.connect(database) as connection:
                states = connection.execute(counted).fetchall()
            found[f"runs of {database.parent.name}"] = str(states)
        return found

    def _experiments(self) -> dict[str, str]:
        """Return what DVC's experiments hold of the figures."""
        project = self.folder / "project"
        git = ("git", "-C", str(project))
        listed = (*git, "for-each-ref", "--format=%(refname)", "refs/exps/**")
        found = subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split()
        names = [name for name in found if "/exec/" not in name and "/celery/" not in name]
        shown = [subprocess.run((*git, "show", f"{name}:reports/metrics.json"), capture_output=True,
                                check=False).stdout for name in names]  # fmt: skip
        return {
            f"experiment {name.rpartition('/')[2]}": hashlib.sha256(text).hexdigest()
            for name, text in zip(names, shown, strict=True)
        }

    @property
    def _steps(self) -> Path:
        return Path(f"{self.folder}.{_COUNT}")

    def _end_what_is_left(self) -> None:
        """Kill what outlived the command, as a power cut would."""
        for process in psutil.process_iter():
            try:
                if process.environ().get(_TRIAL) == str(self.folder):
                    process.send_signal(signal.SIGKILL)
                    process.wait(10)
            except (psutil.Error, OSError):
                continue


@dataclass(frozen=True)
class Undisturbed:
    """A command that nothing kills.

    Attributes:
        left: As `Trial.left`.
    """

    code: int
    seconds: float
    steps: int
    printed: str
    left: dict[str, str]

    @classmethod
    def of(cls, trial: Trial) -> "Undisturbed":
        """Return what the folder beside the trial keeps, else run the command."""
        kept = trial.folder.with_name("undisturbed.json")
        if kept.exists():
            return cls(**json.loads(kept.read_text(encoding="utf-8")))
        trial.begin()
        started = time.monotonic()
        code, printed = trial.type()
        run = cls(code, time.monotonic() - started, trial.steps(), printed, trial.left())
        if not code:
            kept.write_text(json.dumps(asdict(run)), encoding="utf-8")
        return run


def disturb(name: str, trial: Trial, moments: int, chosen: range) -> str:
    """Kill a command at some steps and return a line of the table; print what went wrong.

    Args:
        chosen: Which of the moments, from 0.
    """
    run = Undisturbed.of(trial)
    if run.code:
        return f"| {name} | it ends with {run.code}: {run.printed[-1000:]} | | | | | |"
    steps, expected = run.steps, run.left
    parts = min(moments, steps)
    kills, renewed, refused, different = 0, 0, 0, 0
    for part in range(parts)[chosen.start : chosen.stop]:
        at = 1 + int(steps * (part + 0.5) / parts)
        trial.begin()
        trial.type(at)
        kills += trial.steps() >= at
        again, text = (0, "") if trial.left() == expected else trial.type()
        if again and (remedy := trial.command.remedy) and remedy in text:
            again, text = trial.type(0, remedy)
            renewed += 1
        found = trial.left()
        if again:
            refused += 1
            print(f"{name}, step {at} of {steps}: {again}, {text[-400:]}", file=sys.stderr)
        elif found != expected or (trial.command.prints and text and text != run.printed):
            different += 1
            names = sorted({name for name, _ in found.items() ^ expected.items()})
            print(f"{name}, step {at} of {steps}: {', '.join(names[:9])}", file=sys.stderr)
    return (
        f"| {name} | {run.seconds:.1f} | {steps} | {kills} | {renewed} | {refused} | {different} |"
    )


def make_images(folder: Path, number: int, seed: int) -> None:
    """Write images of two classes, one of them striped, in a folder for each."""
    draw = np.random.default_rng(seed)
    for each in range(number):
        label = "yes" if each % 2 else "no"
        stripes = 40 * np.sin(np.arange(28) * 1.3 + draw.uniform(0, 6))[:, None] * (each % 2)
        pixels = (stripes + draw.normal(128, 25, (28, 28))).clip(0, 255).astype(np.uint8)
        (folder / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / label / f"{folder.name}{each}.png")


def make_inputs(folder: Path) -> None:
    """Make images, a cohort, tables and a finished project."""
    folder.mkdir(parents=True)
    make_images(folder / "images", 60, 1)
    make_images(folder / "cohort", 24, 2)
    (folder / "masks").mkdir()
    mask = Image.new("L", (28, 28))
    mask.paste(1, (1, 1, 27, 27))
    mask.save(folder / "masks/mask.png")
    images = sorted((folder / "cohort").rglob("*.png"))
    rows = [f"{path.relative_to(folder)},masks/mask.png" for path in images]
    (folder / "masks.csv").write_text("\n".join(["Image,Mask", *rows, ""]), encoding="utf-8")
    rows = [
        f"{path.relative_to(folder / 'cohort')},{path.parent.name},{'test' if at % 3 else 'train'}"
        for at, path in enumerate(images)
    ]
    (folder / "labels.csv").write_text("\n".join(["file,label,split", *rows, ""]), encoding="utf-8")
    draw = np.random.default_rng(3)
    rows = [f"{at % 2},{at % 2 + draw.normal():.4f},{draw.normal():.4f}" for at in range(60)]
    (folder / "scores.csv").write_text("\n".join(["label,a,b", *rows, ""]), encoding="utf-8")
    _run(folder, f"{_RUN.format(folder)} --project project")


def main() -> None:
    """Kill what was asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.killed_commands")
    parser.add_argument("names", nargs="*", metavar="COMMAND", help=", ".join(COMMANDS))
    parser.add_argument("--moments", type=int, default=15)
    parser.add_argument("--only", type=int, nargs=2, metavar=("FIRST", "LAST"), help="of them")
    parser.add_argument("--folder", type=Path, help="keeps what is made for the next time")
    chosen = parser.parse_args()
    first, last = chosen.only or (1, chosen.moments)
    only = range(first - 1, last)
    with tempfile.TemporaryDirectory() as temporary:
        place = (chosen.folder or Path(temporary)).resolve()
        inputs = place / "inputs"
        if not inputs.exists():
            make_inputs(inputs)
        print("| command | seconds | steps | kills | by the remedy | refused | otherwise |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
        for name in chosen.names or COMMANDS:
            beside = place / name.replace(" ", "_")
            beside.mkdir(exist_ok=True)
            (beside / "sitecustomize.py").write_text(_HOOK, encoding="utf-8")
            print(disturb(name, Trial(COMMANDS[name], inputs, beside / "trial"), chosen.moments,
                          only), flush=True)  # fmt: skip
            shutil.rmtree(beside / "trial")


if __name__ == "__main__":
    main()
