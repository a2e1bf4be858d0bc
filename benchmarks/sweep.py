"""Runs queued by DVC and the same by Hydra, on a tiny phantom: do all tables agree?

    python -m benchmarks.sweep [runs]

Twelve runs, where no other even number is given, by both at a time. It writes
docs/results/sweep.md. While DVC's queue runs, a model is edited in the home folder; Hydra's runs
are made in another clone without DVC's cache. So a run that took the edited code, or an old result,
shows as a difference. One queued run has the options of the base run.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs/results/sweep.md"
OPTION = ("logistic_regression", "inverse_regularisation")
ALL_STRENGTHS, MARGINS = (0.001, 1.0, 0.01, 0.03, 0.1, 10.0), (0.02, 0.05)
STRENGTHS = ALL_STRENGTHS[: int(sys.argv[1]) // 2] if len(sys.argv) > 1 else ALL_STRENGTHS
FIGURES = (f"selection_auc/{OPTION[0]}", "difference", "difference_low", "difference_high")
OTHER_PROCESSOR = {
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_CORETYPE": "Haswell",
    "ATEN_CPU_CAPABILITY": "default",
    "NPY_DISABLE_CPU_FEATURES": "AVX512F",
}
Table = dict[tuple[float, float], tuple[float, ...]]  # option and margin → FIGURES
_MODEL = "src/skiagram/models/classical/linear_models.py"
_RUNS = """
SELECT r.run_uuid, c.value, m.value FROM runs r
JOIN params c ON c.run_uuid = r.run_uuid
  AND c.key = 'model.logistic_regression.inverse_regularisation'
JOIN params m ON m.run_uuid = r.run_uuid AND m.key = 'margin'
"""


def main() -> None:
    """Run both sweeps, compare, and write the page."""
    with TemporaryDirectory(prefix="skiagram-sweep-") as folder:
        home, clone, second = (Path(folder) / name for name in ("home", "clone", "second"))
        make_project(home)
        call(home, "dvc", "repro", "-q")
        call(home, "git", "add", "-A")
        call(home, "git", "commit", "-qm", "base run")
        call(home, "dvc", "push", "-q")
        call(home, "git", "clone", "-q", str(home), str(clone))
        shutil.copytree(home / "src", clone / "src", dirs_exist_ok=True)  # its compiled loops
        choices = [f"conf.model.{'.'.join(OPTION)}={','.join(map(str, STRENGTHS))}"]
        choices += [f"margin={','.join(map(str, MARGINS))}"]
        sweep = (sys.executable, "pipeline/sweep.py", "-m", *choices)
        with ThreadPoolExecutor() as pool:
            work = (
                pool.submit(seconds, queue_by_dvc, home),
                pool.submit(seconds, call, clone, *sweep),
            )
        by_dvc, by_hydra = (each.result() for each in work)
        tables = {
            f"{tool}, {place}": read(path)
            for tool, path in (("DVC's queue", home), ("Hydra", clone))
            for place, read in (("dvc exp show", shown), ("MLflow", recorded), ("files", filed))
        }
        call(home, "git", "clone", "-q", str(home), str(second))
        call(second, "dvc", "pull", "-q")
        status = call(second, "dvc", "status", "dvc.yaml", **OTHER_PROCESSOR).strip()
    write_page(tables, by_dvc, by_hydra, status)


def seconds(work: Callable[..., object], *arguments: object) -> float:
    """Return how long work takes."""
    started = time.monotonic()
    work(*arguments)
    return time.monotonic() - started


def make_project(folder: Path) -> None:
    """Make a repository of a small phantom, two models and one epoch, with a remote beside it."""
    folder.mkdir()
    for part in ("conf", "pipeline", "src"):
        shutil.copytree(REPOSITORY / part, folder / part)  # compiled loops come along
    for part in ("params.yaml", "dvc.yaml", ".dvcignore", ".gitignore", "requirements.lock"):
        shutil.copy(REPOSITORY / part, folder / part)
    patients = {"train": 40, "validation": 10, "test": 40}
    edit(folder / "conf/dataset/phantom.yaml", patients=patients, images_per_patient=1)
    edit(folder / "conf/tracking/sqlite.yaml", pyfunc=False)
    edit(folder / "conf/compute/local.yaml", workers=1)
    network = yaml.safe_load((folder / "conf/model/small_cnn.yaml").read_text())
    network["training"]["epochs"] = 1
    (folder / "conf/model/small_cnn.yaml").write_text(yaml.safe_dump(network, sort_keys=False))
    chosen = {"baselines": [OPTION[0]], "networks": ["small_cnn"], "features": "first_order"}
    edit(folder / "params.yaml", folds=2, **chosen)
    call(folder, "git", "init", "-q", "-b", "main")
    call(folder, "git", "config", "user.name", "benchmark")
    call(folder, "git", "config", "user.email", "benchmark@localhost")
    call(folder, "dvc", "init", "-q")
    call(folder, "dvc", "remote", "add", "-q", "-d", "store", str(folder.parent / "store"))
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-qm", "a tiny project")


def edit(path: Path, **values: object) -> None:
    """Change values at the top of a YAML file, whose comments go."""
    written = yaml.safe_load(path.read_text()) | values
    path.write_text(yaml.safe_dump(written, sort_keys=False))


def queue_by_dvc(home: Path) -> None:
    """Queue the runs, start the queue, edit a model in the home folder, wait, and undo the edit."""
    option = f"conf/model/{OPTION[0]}.yaml:{OPTION[1]}"
    for strength, margin in product(STRENGTHS, MARGINS):
        call(
            *(home, "dvc", "exp", "run", "-q", "--queue"),
            *("-S", f"{option}={strength}", "-S", f"margin={margin}"),
        )
    model = home / _MODEL
    written = model.read_text()
    call(home, "dvc", "queue", "start", "-q")
    assert "self.inverse_regularisation" in written
    model.write_text(written.replace("self.inverse_regularisation", "1e-6"))
    while "Queued" in (status := call(home, "dvc", "queue", "status")) or "Running" in status:
        time.sleep(5)
    model.write_text(written)
    call(home, "dvc", "queue", "stop", "-q")


def shown(home: Path) -> Table:
    """Return the table of `dvc exp show`."""
    table: Table = {}
    for branch in json.loads(call(home, "dvc", "exp", "show", "--json")):
        for experiment in branch["experiments"] or []:
            data = experiment["revs"][0]["data"]
            params = {name: part["data"] for name, part in data["params"].items()}
            figures = data["metrics"]["reports/metrics.json"]["data"]
            strength = params[f"conf/model/{OPTION[0]}.yaml"][OPTION[1]]
            table[strength, params["params.yaml"]["margin"]] = _figures(figures)
    return table


def recorded(home: Path) -> Table:
    """Return the table of MLflow."""
    table: Table = {}
    with sqlite3.connect(home / "mlflow.db") as database:
        for run, strength, margin in database.execute(_RUNS):
            rows = database.execute("SELECT key, value FROM metrics WHERE run_uuid = ?", [run])
            metrics = dict(rows.fetchall())
            if "difference" in metrics:
                table[float(strength), float(margin)] = tuple(metrics[name] for name in FIGURES)
    return table


def filed(home: Path) -> Table:
    """Return the table that the files of each experiment's commit give."""
    table: Table = {}
    references = call(home, "git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    for reference in references:
        if "/exec/" in reference or "/stash" in reference or "/celery" in reference:
            continue
        strength = yaml.safe_load(_file(home, reference, f"conf/model/{OPTION[0]}.yaml"))[OPTION[1]]
        margin = yaml.safe_load(_file(home, reference, "params.yaml"))["margin"]
        figures = json.loads(_file(home, reference, "reports/metrics.json"))
        table[strength, margin] = _figures(figures)
    return table


def _file(home: Path, reference: str, path: str) -> str:
    return call(home, "git", "show", f"{reference}:{path}")


def _figures(figures: dict[str, dict[str, float]]) -> tuple[float, ...]:
    gain = figures["best_network_minus_baseline"]
    return figures[OPTION[0]]["selection_auc"], gain["roc_auc"], gain["low"], gain["high"]


def call(folder: Path, *command: str, **variables: str) -> str:
    """Run a command in a folder as a user there would, and return what it printed."""
    own = {name: value for name, value in os.environ.items() if name not in _NOT_THEIRS}
    own |= {"PATH": f"{Path(sys.executable).parent}:{own['PATH']}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=folder, env=own | variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    return done.stdout


_NOT_THEIRS = {"DVC_ROOT", "PYTHONPATH", "DVC_EXP_NAME"}


def write_page(tables: dict[str, Table], by_dvc: float, by_hydra: float, status: str) -> None:
    """Write what was found; stop with an error where tables differ."""
    first = next(iter(tables.values()))
    runs = len(STRENGTHS) * len(MARGINS)
    equal = all(table == first and len(table) == runs for table in tables.values())
    rows = sorted({(strength, *row) for (strength, _), row in first.items()})
    chosen, largest = (max(rows, key=lambda row: row[column])[0] for column in (1, 2))
    lines = [
        "# Swept runs: three tables, two tools\n",
        f"`python -m benchmarks.sweep`: a phantom of 90 cases, {runs} runs queued by DVC "
        f"({by_dvc / 60:.1f} min, a model edited in the home folder meanwhile) and the same at the "
        f"same time by Hydra in another clone without DVC's cache ({by_hydra / 60:.1f} min).\n",
        f"`dvc exp show`, MLflow and the files of each experiment give {runs} equal rows under "
        f"both tools: **{'yes' if equal else 'no'}**. "
        f"Distinct differences among them: {len({row[1] for row in first.values()})}.\n",
        "After push, clone and pull, with two threads and other instruction sets, `dvc status` "
        f"says: {status!r}\n",
        f"A job returns `selection_auc` of `{OPTION[0]}`, which is of development cases: the "
        f"highest is that of {chosen}. The difference is on test cases, and is not to choose by: "
        f"the largest is that of {largest}.\n",
        "| inverse regularisation | selection AUC | difference in AUC on test cases | low | high |",
        "|--:|--:|--:|--:|--:|",
        *(f"| {' | '.join(map(str, row))} |" for row in rows),
    ]
    PAGE.write_text("\n".join(lines) + "\n")
    if not equal:
        for name, table in tables.items():
            print(name, len(table), sorted(table.items()))
        raise SystemExit("the tables differ")


if __name__ == "__main__":
    main()
