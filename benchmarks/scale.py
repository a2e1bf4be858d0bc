"""Seconds and memory of each stage as data grow: small images, and films.

    python -m benchmarks.scale [IMAGES ...] [--films FILMS ...]

For each number, that many PNG files of 28 × 28, or of 1,024 × 1,024, are written, made a data set
with `skiagram init`, and go through what the stages do: ingest, restore, extract and three
baselines, then the first three once more on equal images. Each has a process of its own with one
worker. Seconds are those of the processor, so other work on the machine moves them little; memory
is what the process held at most beyond what it began with, mapped files included. A million images
and 20,000 films are `python -m benchmarks.scale 1000000 --films 20000`.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks.common import peak_memory
from benchmarks.ingest_folder import data_set, write_films

from skiagram.datasets.folder.source import Folder
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.features.extraction import build_families, extract
from skiagram.features.table import FeatureTable
from skiagram.image_store.store import ImageStore
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.resampling import Plan
from skiagram.options import build, read_option_file
from skiagram.records import read_cases
from skiagram.restoration.restore import restore_store

CONF = Path(__file__).resolve().parents[1] / "conf"
FAMILIES = ("first_order", "glcm", "wavelet")
BASELINES = ("logistic_regression", "decision_tree", "histogram_boosting")
PLAN = Plan(
    repeats=1, folds=2, inner_folds=2, calibration="platt", sensitivity=0.9,
    validation_fraction=0.15, seed=0,
)  # fmt: skip
SMALL, FILM = 28, 1024


def options(group: str, name: str) -> dict[str, object]:
    """Return the values of an option file."""
    return read_option_file(CONF / group / f"{name}.yaml")


def ingested(source: Folder, out: Path) -> None:
    """Do what ingest does."""
    folders = IngestFolders(*(out / part for part in ("images", "cases", "sealed")))
    ingest(source, "cv", None, folders, out.parent / "kept/ingested")


def restored(out: Path) -> None:
    """Do what restore does."""
    repair, record = build(options("restoration", "repair"), "repair"), out / "treatment.parquet"
    store, kept = ImageStore(out / "images"), out.parent / "kept/restored"
    restore_store(store, repair, out / "restored", record, kept=kept)


def described(out: Path) -> None:
    """Do what extract does."""
    families = build_families({name: options("features", name) for name in FAMILIES})
    table = extract(ImageStore(out / "restored"), families, kept=out.parent / "kept/features")
    table.write(out / "features.parquet")


def trained(out: Path, name: str) -> None:
    """Do what train_baseline does."""
    cases, task = read_cases(out / "cases")
    inputs = FeatureTable.read(out / "features.parquet")
    values = options("model", name)
    sealed = inputs.of(cases.test().case_id)
    member = Member(name, build(values, "model"), values, inputs.of(cases.case_id), sealed)
    train(member, cases, task, PLAN, ArmFolders.under(out, name))


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Do some work in a process of its own; return seconds of the processor and MB."""
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def measured() -> None:
        before, started = peak_memory(), time.process_time()
        work()
        sender.send((time.process_time() - started, (peak_memory() - before) / 1e6))

    process = context.Process(target=measured)
    process.start()
    sender.close()
    seconds, megabytes = receiver.recv()
    process.join()
    return float(seconds), float(megabytes)


def run(number: int, side: int) -> dict[str, tuple[float, float]]:
    """Return name of each stage → seconds and MB for so many images."""
    with tempfile.TemporaryDirectory() as place:
        folder, table = Path(place) / "films", Path(place) / "films.csv"
        write_films(folder, table, number, side)
        source = data_set(Path(place) / "project", folder, table)
        out, again = Path(place) / "data", Path(place) / "again"
        found = {
            "ingest": measure(partial(ingested, source, out)),
            "restore": measure(partial(restored, out)),
            "extract": measure(partial(described, out)),
            **{name: measure(partial(trained, out, name)) for name in BASELINES},
            "ingest, nothing new": measure(partial(ingested, source, again)),
            "restore, nothing new": measure(partial(restored, again)),
            "extract, nothing new": measure(partial(described, again)),
        }
        files = [path for path in out.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        print(f"{number:,} of {side}²: {size / 1e6:,.0f} MB in {len(files)} files", flush=True)
    return found


def show(numbers: list[int], side: int) -> None:
    """Measure each number of images and print a row a stage."""
    runs = [run(number, side) for number in numbers]
    print("| stage | " + " | ".join(f"{number:,}: s | MB" for number in numbers) + " |")
    print("| --- |" + " --- | --- |" * len(numbers))
    for name in runs[0] if runs else ():
        cells = " | ".join(f"{each[name][0]:.2f} | {each[name][1]:,.0f}" for each in runs)
        print(f"| {name} | {cells} |", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("images", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--films", nargs="*", type=int, default=[50, 500])
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    show(chosen.images, SMALL)
    show(chosen.films, FILM)


if __name__ == "__main__":
    main()
