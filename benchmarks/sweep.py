"""Twelve rows of a sweep against twelve runs of `dvc exp run`: the same figures, how much sooner?

    python -m benchmarks.sweep [--rows 12] [--rounds 2]

A repository of a small phantom whose base run is made. Each round runs the sweep, and every one of
its rows by `dvc exp run`; which comes first alternates. It writes docs/results/sweep.md.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import yaml
from benchmarks.common import machine
from tests.pipeline.project import PARTS

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs/results/sweep.md"
MODEL, OPTION = "svm", "C"
COMPARED = ("selection_auc", "roc_auc")
Table = dict[float, tuple[float, ...]]  # option → figures of the model


def main() -> None:
    """Run both ways, compare, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweep")
    parser.add_argument("--rows", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=2)
    chosen = parser.parse_args()
    strengths = [float(f"{value:.4g}") for value in np.geomspace(0.01, 100, chosen.rows)]
    taken: dict[str, list[float]] = {"sweep": [], "runs": []}
    tables: dict[str, list[Table]] = {"sweep": [], "runs": []}
    for number in range(chosen.rounds):
        with TemporaryDirectory(prefix="skiagram-sweep-") as folder:
            home = Path(folder) / "home"
            make_project(home, strengths)
            ways = {"sweep": run_sweep, "runs": run_experiments}
            for name in sorted(ways, reverse=bool(number % 2)):
                started = time.monotonic()
                tables[name].append(ways[name](home, strengths))
                taken[name].append(time.monotonic() - started)
                print(f"round {number + 1}, {name}: {taken[name][-1]:.1f} s", flush=True)
    write_page(tables, taken)


def make_project(folder: Path, strengths: list[float]) -> None:
    """Make a repository of a small phantom on which `dvc repro` has run."""
    folder.mkdir()
    for part in (*PARTS, ".gitignore"):
        source, target = REPOSITORY / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target)  # compiled loops come along
        else:
            shutil.copy(source, target)
    patients = {"train": 40, "validation": 10, "test": 40}
    edit(folder / "conf/dataset/phantom.yaml", patients=patients, images_per_patient=1)
    edit(folder / "params.yaml", baselines=["logistic_regression", MODEL], networks=[])
    axes = {f"conf.model.{MODEL}.{OPTION}": strengths}
    sweep = {"question": "How strongly should it be regularised?", "axes": axes}
    (folder / "conf/sweep/strength.yaml").write_text(yaml.safe_dump(sweep), encoding="utf-8")
    call(folder, "git", "init", "-q", "-b", "main")
    call(folder, "git", "config", "user.name", "benchmark")
    call(folder, "git", "config", "user.email", "benchmark@localhost")
    call(folder, "dvc", "init", "-q")
    call(folder, "dvc", "repro", "-q")
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-qm", "base run")


def edit(path: Path, **values: object) -> None:
    """Change values at the top of a YAML file, whose comments go."""
    written = yaml.safe_load(path.read_text(encoding="utf-8")) | values
    path.write_text(yaml.safe_dump(written, sort_keys=False), encoding="utf-8")


def run_sweep(home: Path, strengths: list[float]) -> Table:
    """Run the sweep, and return its figures."""
    shutil.rmtree(home / "sweeps/strength", ignore_errors=True)
    call(home, sys.executable, "pipeline/sweep.py", "sweep=strength")
    table = pd.read_csv(home / "sweeps/strength/table.csv")
    figures = table[table["model"] == MODEL].pivot_table("value", "row", "figure")
    rows = figures[list(COMPARED)].round(4).itertuples(index=False)
    return {value: tuple(row) for value, row in zip(strengths, rows, strict=True)}


def run_experiments(home: Path, strengths: list[float]) -> Table:
    """Run each row by DVC, and return the figures."""
    table: Table = {}
    for value in strengths:
        changed = f"conf/model/{MODEL}.yaml:{OPTION}={value}"
        call(home, "dvc", "exp", "run", "-q", "-S", changed)
        figures = json.loads((home / "reports/metrics.json").read_text(encoding="utf-8"))
        table[value] = tuple(figures[MODEL][name] for name in COMPARED)
    return table


def call(folder: Path, *command: str) -> str:
    """Run a command in a folder; return what it prints.

    Raises:
        SystemExit: It failed.
    """
    environment = os.environ | {"DVC_ROOT": str(folder), "PYTHONPATH": str(folder / "src")}
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def write_page(tables: dict[str, list[Table]], taken: dict[str, list[float]]) -> None:
    """Write docs/results/sweep.md."""
    first = tables["sweep"][0]
    equal = all(table == first for way in tables.values() for table in way)
    ratios = [runs / sweep for sweep, runs in zip(taken["sweep"], taken["runs"], strict=True)]
    rows = [
        f"| {value:g} | {' | '.join(f'{each:.4f}' for each in figures)} |"
        for value, figures in first.items()
    ]
    lines = [
        "# A sweep and as many runs: the same figures",
        "",
        "`python -m benchmarks.sweep`: a phantom of 90 cases whose base run is made, "
        f"{len(first)} values of one option of the support vector machine. {machine()}",
        "",
        f"The sweep takes {_spread(taken['sweep'])} s, `dvc exp run` for each row together "
        f"{_spread(taken['runs'])} s: {_spread(ratios)} times as long (rounds: {len(ratios)}). "
        f"The figures of all rows are equal: **{'yes' if equal else 'no'}**.",
        "",
        "Which value looks best on test cases plays no part in what is chosen: the row with the",
        "highest `selection_auc` is, a figure of development cases ([how](../how-to/sweep.md)).",
        "Weakening a baseline widens the difference between the arms on test cases; a sweep that",
        "chose by it would choose that.",
        "",
        "| inverse regularisation | selection AUC | AUC on test cases, not to choose by |",
        "|--:|--:|--:|",
        *rows,
    ]
    write_part(0, "\n".join(lines))


def write_part(number: int, text: str) -> None:
    """Write the first part of docs/results/sweep.md or its section, and leave the other one."""
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    parts = [part.strip() for part in written.split("\n## ", 1)]
    parts = [parts[0], *(f"## {part}" for part in parts[1:])]
    parts[number:] = [text, *parts[number + 1 :]]
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _spread(values: list[float]) -> str:
    spread = f" ({min(values):.1f}–{max(values):.1f})" if len(values) > 1 else ""
    return f"{statistics.median(values):.1f}{spread}"


if __name__ == "__main__":
    main()
