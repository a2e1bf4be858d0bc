"""Kills commands on a finished project at even moments and checks what the next run leaves.

    python -m benchmarks.killed_commands PROJECT COHORT [COMMAND ...]

PROJECT is one that `skiagram run` has finished on images in a folder for each class, and COHORT has
other images in folders of the same names. Each command runs once undisturbed, then 15
times it meets SIGKILL, with all processes that it started, at the middle of a fifteenth of that
time, and is typed again. What stands then is compared with the undisturbed run's; no run of the
tracker may be left `RUNNING`, and none may be twice there.
"""

import argparse
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from skiagram.projects.files import environment

_MOMENTS = 15
_LONGEST = 600  # seconds that a command may take
_MODEL = "models/logistic_regression"
_SKIAGRAM = (sys.executable, "-m", "skiagram")


@dataclass(frozen=True)
class Command:
    """A command of a project.

    Attributes:
        words: As typed in the project's folder.
        outputs: Pattern of the files that it writes and that are compared.
        removed: What must be gone, or as it was, before it runs as for the first time.
    """

    words: tuple[str, ...]
    outputs: str
    removed: tuple[str, ...]


def commands(cohort: Path, table: Path) -> dict[str, Command]:
    """Return name → command."""
    return {
        "predict": Command(
            (*_SKIAGRAM, "predict", _MODEL, str(cohort), "-o", "new.csv"), "new.csv", ("new.csv",)
        ),
        "extract": Command(
            (*_SKIAGRAM, "extract", str(table), "-o", "features.csv"),
            "features.csv",
            ("features.csv",),
        ),
        "validate": Command(
            (*_SKIAGRAM, "validate", ".", str(cohort), "--name", "elsewhere"),
            "reports/validations/elsewhere/*.csv",
            ("reports/validations/elsewhere", "seal_ledger.jsonl"),
        ),
        "record": Command(
            (sys.executable, "pipeline/record.py"),
            "reports/receipt.json",
            ("reports/receipt.json", "mlflow.db", "mlruns"),
        ),
    }


@dataclass(frozen=True)
class Trial:
    """A command in a copy of the project."""

    command: Command
    project: Path

    def start(self) -> "subprocess.Popen[bytes]":
        """Start it in a session of its own."""
        return subprocess.Popen(
            self.command.words,
            cwd=self.project,
            env=environment(self.project),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def begin_anew(self) -> None:
        """Remove what the command made."""
        for name in self.command.removed:
            path = self.project / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def left(self) -> dict[str, str]:
        """Return path → SHA-256 of what is compared, and the states of the tracker's runs."""
        files = sorted(self.project.glob(self.command.outputs))
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
        return digests | ({"runs": self._runs()} if "mlflow.db" in self.command.removed else {})

    def _runs(self) -> str:
        database = self.project / "mlflow.db"
        if not database.exists():
            return ""
        counted = "select status, count(*) from runs where status != 'FAILED' group by status"
        with sqlite3.connect(database) as connection:
            return str(connection.execute(counted).fetchall())


def disturb(name: str, trial: Trial) -> str:
    """Kill a command at each moment and return a line of the table."""
    trial.begin_anew()
    started = time.monotonic()
    if code := trial.start().wait(_LONGEST):
        return f"| {name} | it ends with {code} undisturbed | | |"
    seconds, expected = time.monotonic() - started, trial.left()
    kills, different = 0, 0
    for moment in range(_MOMENTS):
        trial.begin_anew()
        process = trial.start()
        try:
            process.wait(seconds * (moment + 0.5) / _MOMENTS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait(_LONGEST)
        if trial.left() != expected:
            trial.start().wait(_LONGEST)
        different += trial.left() != expected
    return f"| {name} | {seconds:.1f} | {kills} | {different} |"


def write_table(cohort: Path, folder: Path) -> Path:
    """Write a mask for each image, and the table of both that `extract` reads."""
    lines = ["Image,Mask"]
    for number, path in enumerate(sorted(cohort.rglob("*.png"))):
        with Image.open(path) as image:
            mask = Image.new("L", image.size)
            mask.paste(1, (1, 1, image.width - 1, image.height - 1))
        mask.save(folder / f"{number}.png")
        lines.append(f"{path.resolve()},{folder / f'{number}.png'}")
    table = folder / "table.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def main() -> None:
    """Kill what was asked for and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.killed_commands")
    parser.add_argument("project", type=Path)
    parser.add_argument("cohort", type=Path)
    parser.add_argument("names", nargs="*", metavar="COMMAND")
    chosen = parser.parse_args()
    print("| command | seconds undisturbed | kills | ended otherwise |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as place:
        every = commands(chosen.cohort.resolve(), write_table(chosen.cohort, Path(place)))
        for name in chosen.names or every:
            project = Path(place) / name
            shutil.copytree(chosen.project, project, symlinks=True)
            print(disturb(name, Trial(every[name], project)), flush=True)
            shutil.rmtree(project)


if __name__ == "__main__":
    main()
