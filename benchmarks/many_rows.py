"""A thousand rows of a sweep: memory, time a row, and kills that change no byte.

    python -m benchmarks.many_rows [--options 20] [--seeds 50] [--kills 9] [--seed 0]

A phantom of 90 cases, a logistic regression on first-order features, `--options` values of its
regularisation under each of `--seeds` seeds of folds and resamples, one worker. The sweep runs
once undisturbed while its memory is read, and once more from nothing, killed at random moments
and begun again by the same command; table and page are compared. It adds its section to
docs/results/sweep.md.
"""

import argparse
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil  # type: ignore[import-untyped]
import yaml
from benchmarks.common import machine
from benchmarks.sweep import REPOSITORY, edit, write_part

MODEL, OPTION = "logistic_regression", "inverse_regularisation"
OUTPUTS = ("table.csv", "page.html")
MARKS = (100, 500, 1000)  # rows at which memory is read
_LOOK_AGAIN = 0.2  # seconds
_LONGEST = 60  # seconds from a new row to a kill


@dataclass(frozen=True)
class Moment:
    """What a sweep held when so many rows were done.

    Attributes:
        seconds: Since its first row was done.
        memory: Bytes in memory.
    """

    rows: int
    seconds: float
    memory: int


def main() -> None:
    """Run undisturbed, then killed; compare, and write the section."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_rows")
    for name, number in (("options", 20), ("seeds", 50), ("kills", 9), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=number)
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="skiagram-rows-") as folder:
        whole, killed = Path(folder) / "whole", Path(folder) / "killed"
        for home in (whole, killed):
            make_project(home, chosen.options, chosen.seeds)
        moments = watch(whole)
        print(f"undisturbed: {moments[-1]}", flush=True)
        disturb(killed, chosen.kills, random.Random(chosen.seed))
        equal = all(
            (whole / "sweeps/many" / name).read_bytes()
            == (killed / "sweeps/many" / name).read_bytes()
            for name in OUTPUTS
        )
    write_section(chosen.options, chosen.seeds, moments, chosen.kills, equal)


def make_project(folder: Path, options: int, seeds: int) -> None:
    """Make a project of a small phantom with the sweep `many`."""
    folder.mkdir()
    for part in ("conf", "pipeline", "src"):
        shutil.copytree(REPOSITORY / part, folder / part)  # compiled loops come along
    for part in ("params.yaml", "dvc.yaml", "requirements.lock"):
        shutil.copy(REPOSITORY / part, folder / part)
    patients = {"train": 40, "validation": 10, "test": 40}
    edit(folder / "conf/dataset/phantom.yaml", patients=patients, images_per_patient=1)
    edit(folder / "conf/compute/local.yaml", workers=1)
    choices = {"baselines": [MODEL], "networks": [], "features": "first_order", "folds": 2}
    edit(folder / "params.yaml", **choices)
    strengths = [float(f"{value:.4g}") for value in np.geomspace(0.001, 100, options)]
    axes = {f"conf.model.{MODEL}.{OPTION}": strengths, "seed": list(range(seeds))}
    sweep = {
        "question": "How strongly should it be regularised?",
        "axes": axes,
        "reference": {f"conf.model.{MODEL}.{OPTION}": strengths[0]},  # under the same seed
    }
    (folder / "conf/sweep/many.yaml").write_text(yaml.safe_dump(sweep), encoding="utf-8")


def watch(home: Path) -> list[Moment]:
    """Run the sweep; return what it held at each look.

    Raises:
        SystemExit: It failed.
    """
    process, moments, started = start(home), list[Moment](), 0.0
    while process.poll() is None:
        if rows := rows_done(home):
            started = started or time.monotonic()
            if memory := memory_of(process.pid):
                moments.append(Moment(rows, time.monotonic() - started, memory))
        time.sleep(_LOOK_AGAIN)
    if process.returncode:
        raise SystemExit((home / "said.txt").read_text(encoding="utf-8")[-2000:])
    return moments


def disturb(home: Path, kills: int, draw: random.Random) -> None:
    """Run the sweep, killed so often, each time at a random moment after a row that was new.

    Raises:
        SystemExit: It failed, or ended before the last kill.
    """
    process = start(home)
    for number in range(1, kills + 1):
        begun = rows_done(home)
        while process.poll() is None and rows_done(home) == begun:
            time.sleep(_LOOK_AGAIN)
        time.sleep(draw.uniform(0, _LONGEST))
        if process.poll() is not None:
            raise SystemExit(f"ended before kill {number}")
        os.killpg(process.pid, signal.SIGKILL)  # the session, its workers too
        process.wait()
        print(f"kill {number} after {rows_done(home)} rows", flush=True)
        process = start(home)
    if process.wait():
        raise SystemExit((home / "said.txt").read_text(encoding="utf-8")[-2000:])


def start(home: Path) -> subprocess.Popen[bytes]:
    """Start the sweep in a session of its own; what it says is added to a file."""
    added = {"DVC_ROOT": str(home), "PYTHONPATH": str(home / "src")}
    with (home / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "pipeline/sweep.py", "sweep=many"],
            cwd=home,
            env=os.environ | added,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def rows_done(home: Path) -> int:
    """Return of how many rows the figures are kept."""
    pieces = home / ".work/pieces"
    return sum(1 for _ in pieces.glob("row-*"))


def memory_of(pid: int) -> int:
    """Return bytes in memory of a process; its only worker is the process itself."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def write_section(options: int, seeds: int, moments: list[Moment], kills: int, equal: bool) -> None:
    """Write the section of docs/results/sweep.md."""
    total = options * seeds
    marks = [mark for mark in MARKS if mark < total] + [total]
    lines = [
        "## A thousand rows",
        "",
        f"`python -m benchmarks.many_rows`: {options} options × {seeds} seeds of a phantom of 90 "
        f"cases, one model, one worker. {machine()}",
        "",
        "| rows | most memory until then, MiB | seconds a row since the mark before (quartiles) |",
        "|--:|--:|--:|",
    ]
    before = 0
    for mark in marks:
        until = [moment for moment in moments if moment.rows <= min(mark, total - 1)]
        since = [moment for moment in until if moment.rows >= before]
        peak = max(moment.memory for moment in until) / 2**20
        lines.append(f"| {mark} | {peak:.0f} | {_spread(since)} |")
        before = mark
    lines += [
        "",
        "Afterwards, while the table, the page and MLflow's runs are written, it holds at most "
        f"{max(moment.memory for moment in moments) / 2**20:.0f} MiB.",
        "",
        f"Killed {kills} times at random moments and begun again each time, it ended with equal "
        f"bytes of table and page: **{'yes' if equal else 'no'}**.",
    ]
    write_part(1, "\n".join(lines))


def _spread(moments: list[Moment]) -> str:
    """Return the median time a row between looks at least ten rows apart, and the quartiles."""
    paces, last = list[float](), moments[0]
    for moment in moments:
        if moment.rows >= last.rows + 10:
            paces.append((moment.seconds - last.seconds) / (moment.rows - last.rows))
            last = moment
    low, median, high = statistics.quantiles(paces, n=4)
    return f"{median:.2f} ({low:.2f}–{high:.2f})"


if __name__ == "__main__":
    main()
