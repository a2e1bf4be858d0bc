"""Seconds and memory of each stage as data grow: small images, and films.

    python benchmarks/scale.py [IMAGES ...] [--films FILMS ...]

For each number, that many PNG files of 28 × 28, or of 1,024 × 1,024, are written with a table, made
a data set with `skiagram init`, and go through ingest, restore, extract and three baselines in a
temporary copy of the project, with one worker. Seconds are those of the processor, so other work on
the machine moves them little; memory is the most that the stage's process held, mapped files
included. A million images are `python benchmarks/scale.py 1000000 --films 20000`: about three hours
and 100 GB of disk.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.ingest_folder import write_films  # noqa: E402

FEATURES = "features=[first_order,glcm,wavelet]"
BASELINES = ("logistic_regression", "decision_tree", "histogram_boosting")
SMALL, FILM = 28, 1024


def measure(project: Path, name: str, *command: str) -> tuple[str, float, float]:
    """Run a command; return its name, seconds of the processor and peak resident MB."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
    process = subprocess.Popen(
        [sys.executable, *command], cwd=project, env=environment, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{name} ended with status {status}")
    return name, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def stages(project: Path) -> Iterator[tuple[str, float, float]]:
    """Run all stages on the films beside a project."""
    cli = ("-m", "skiagram", "init", "../films", "../films.csv", "--positive", "cancer")
    yield measure(project, "init", *cli)
    one = "compute.workers=1"
    yield measure(project, "ingest", "pipeline/ingest.py", "dataset=films", "design=cv")
    yield measure(project, "restore", "pipeline/restore.py", one)
    yield measure(project, "extract", "pipeline/extract.py", FEATURES, one)
    for model in BASELINES:
        fits = ("plan.folds=2", "plan.inner_folds=2", f"model={model}", one)
        yield measure(project, model, "pipeline/train_baseline.py", *fits)
    yield measure(project, "ingest again", "pipeline/ingest.py", "dataset=films", "design=cv")
    yield measure(project, "restore again", "pipeline/restore.py", one)
    yield measure(project, "extract again", "pipeline/extract.py", FEATURES, one)


def run(number: int, side: int) -> dict[str, tuple[float, float]]:
    """Return name of each stage → seconds and MB for so many images."""
    with tempfile.TemporaryDirectory() as place:
        write_films(Path(place) / "films", Path(place) / "films.csv", number, side)
        project = Path(place) / "project"
        for part in ("conf", "pipeline"):
            shutil.copytree(ROOT / part, project / part)
        shutil.copy(ROOT / "params.yaml", project)
        params = yaml.safe_load((project / "params.yaml").read_text())
        (project / "params.yaml").write_text(yaml.safe_dump(params | {"design": "cv"}))
        found = {name: (seconds, held) for name, seconds, held in stages(project)}
        disk = sum(file.stat().st_size for file in (project / "data").rglob("*") if file.is_file())
        files = sum(file.is_file() for file in (project / "data").rglob("*"))
        print(f"{number:,} images of {side} × {side}: {disk / 1e6:,.0f} MB, {files} files of data")
    return found


def show(numbers: list[int], side: int) -> None:
    """Measure each number of images and print a row a stage."""
    runs = [run(number, side) for number in numbers]
    print("| stage | " + " | ".join(f"{number:,}: s | MB" for number in numbers) + " |")
    print("| --- |" + " --- | --- |" * len(numbers))
    for name in runs[0] if runs else ():
        cells = " | ".join(f"{each[name][0]:.1f} | {each[name][1]:,.0f}" for each in runs)
        print(f"| {name} | {cells} |", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python benchmarks/scale.py")
    parser.add_argument("images", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--films", nargs="*", type=int, default=[50, 500])
    chosen = parser.parse_args()
    show(chosen.images, SMALL)
    show(chosen.films, FILM)


if __name__ == "__main__":
    main()
