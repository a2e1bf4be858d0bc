"""Seconds and memory of each stage as data grow: small images, and films.

    python -m benchmarks.scale [IMAGES ...] [--films FILMS ...] [--side PIXELS] [--unknown-patients]

For each number, that many PNG files of 28 × 28, or films of 1,024 × 1,024, are written, listed in a
manifest, and go through what the stages do: ingest, restore, extract and three baselines. Each has
a process of its own with one worker. Seconds are those of the processor, so other work on the
machine moves them little; memory is what the process held at most beyond what it began with, with
mapped files and without them. A million images and 20,000 films are
`python -m benchmarks.scale 1000000 --films 20000`; `--side 224` makes the films smaller.
Restored films have four bytes a pixel, 84 GB for 20,000: `--as-ingested` leaves restoring out.
The last line of each is the number of files that DVC's cache would hold. With `--unknown-patients`
small images go through ingest, which then groups what look like copies, and audit.
"""

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread

import numpy as np
from benchmarks.common import held_memory, peak_memory
from PIL import Image

from skiagram.audit.run import collect_evidence, judge, tabulate_copies
from skiagram.case_features.extraction import build_families, extract
from skiagram.datasets.folder.columns import Columns
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.fitting.arm import ArmFolders, Member, train
from skiagram.fitting.cross_validation import Plan
from skiagram.image_store.store import ImageStore
from skiagram.options import build, read_option_file
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record
from skiagram.restoration.restore import restore_store
from skiagram.tasks.cases import DataCard, read_cases

CONF = Path(__file__).resolve().parents[1] / "conf"
FAMILIES = ("first_order", "glcm", "wavelet")
BASELINES = ("logistic_regression", "decision_tree", "histogram_boosting")
PLAN = Plan(
    repeats=1, folds=2, inner_folds=2, calibration="platt", sensitivity=0.9,
    validation_fraction=0.15, seed=0,
)  # fmt: skip
SMALL, FILM = 28, 1024
_PAUSE = 0.2  # seconds between looks at the memory


def write_films(folder: Path, table: Path, files: int, side: int) -> None:
    """Write smooth noisy gray PNG files and their table."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    lines = ["file,patient_id,label"]
    for at in range(files):
        coarse = generator.uniform(40, 215, (8, 8))
        smooth = Image.fromarray(coarse.astype(np.float32)).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        noise = generator.standard_normal((side, side), dtype=np.float32)
        noisy = np.asarray(smooth) + np.float32(3) * noise
        name = f"film-{at:05d}.png"
        film = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        film.save(folder / name, compress_level=1)
        lines.append(f"{name},{at // 4},{'cancer' if at // 4 % 2 else 'normal'}")
    table.write_text("\n".join(lines))


def options(group: str, name: str) -> dict[str, object]:
    """Return the values of a config."""
    return read_option_file(CONF / group / f"{name}.yaml")


def listed(
    folder: Path, rows: list[str], manifest: Path, patient: str | None = "patient_id"
) -> Folder:
    """Return a data set of some files; `skiagram init` would look for copies among them first."""
    header, *files = rows
    lines = [f"{header},sha256"]
    for row in files:
        content = (folder / row.partition(",")[0]).read_bytes()
        lines.append(f"{row},{hashlib.sha256(content).hexdigest()}")
    manifest.write_text("\n".join(lines), encoding="utf-8")
    return Folder(
        name="films", title="Films", modality="films", licence="none", citation="none",
        known_issues=(), waived_findings={}, folder=str(folder), manifest=str(manifest),
        manifest_sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
        columns=Columns(
            file="file", label="label", patient=patient, split=None, site=None,
            covariates=(), scores=(),
        ),
        classes=("normal", "cancer"), positive_class="cancer", test_sites=(), channels=1,
        unlisted="ignore", source="generated",
    )  # fmt: skip


def ingested(source: Folder, out: Path) -> None:
    """Do what ingest does."""
    folders = IngestFolders(*(out / part for part in ("images", "cases", "sealed")))
    ingest(source, "cv", None, folders)


def audited(out: Path) -> None:
    """Do what audit does."""
    (cases, task), card = read_cases(out / "cases"), read_record(DataCard, out / "cases/card.json")
    evidence = collect_evidence([ImageStore(out / "images")], cases, task, card)
    judge(evidence)
    tabulate_copies(evidence)


def restored(out: Path) -> None:
    """Do what restore does."""
    repair = build(options("restoration", "repair"), "repair")
    restore_store(ImageStore(out / "images"), repair, out / "restored")


def described(out: Path, images: str) -> None:
    """Do what extract does."""
    families = build_families({name: options("features", name) for name in FAMILIES})
    extract(ImageStore(out / images), families).write(out / "features.parquet")


def trained(out: Path, name: str) -> None:
    """Do what train_baseline does."""
    cases, task = read_cases(out / "cases")
    inputs = FeatureTable.read(out / "features.parquet")
    values = options("model", name)
    sealed = inputs.of(cases.test().case_id)
    member = Member(name, build(values, "model"), values, inputs.of(cases.case_id), sealed)
    train(member, cases, task, PLAN, ArmFolders.under(out, name))


@dataclass(frozen=True)
class Cost:
    """What a stage took.

    Attributes:
        seconds: Of the processor.
        megabytes: Held at most, mapped files included.
        unmapped: The same without them.
    """

    seconds: float
    megabytes: float
    unmapped: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, {self.megabytes:,.0f} MB, {self.unmapped:,.0f} not of files"


def measure(work: Callable[[], object]) -> Cost:
    """Do some work in a process of its own."""
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def measured() -> None:
        before, held, started = peak_memory(), held_memory(), time.process_time()
        ended, most = Event(), [held]

        def watch() -> None:
            while not ended.wait(_PAUSE):
                most.append(max(most.pop(), held_memory()))

        watching = Thread(target=watch)
        watching.start()
        work()
        ended.set()
        watching.join()
        seconds = time.process_time() - started
        sender.send(Cost(seconds, (peak_memory() - before) / 1e6, (most[0] - held) / 1e6))

    process = context.Process(target=measured)
    process.start()
    sender.close()
    cost: Cost = receiver.recv()
    process.join()
    return cost


def run(
    number: int, side: int, stages: Sequence[str], patient: str | None = "patient_id"
) -> dict[str, Cost]:
    """Return name of each stage → what it took for so many images.

    Args:
        patient: Column of the patients; None where nobody knows them.
    """
    images = "restored" if "restore" in stages else "images"
    with tempfile.TemporaryDirectory() as place:
        folder, table, out = (Path(place) / name for name in ("films", "films.csv", "data"))
        write_films(folder, table, number, side)
        rows = table.read_text(encoding="utf-8").splitlines()
        source = listed(folder, rows, Path(place) / "listed.csv", patient)
        works = {
            "ingest": partial(ingested, source, out),
            "audit": partial(audited, out),
            "restore": partial(restored, out),
            "extract": partial(described, out, images),
            **{name: partial(trained, out, name) for name in BASELINES},
        }
        title = f"{number:,} of {side}²{'' if patient else ', unknown patients'}"
        measured: dict[str, Cost] = {}
        for name in stages:
            measured[name] = measure(works[name])
            print(f"{title}: {name} {measured[name]}", flush=True)
        files = [path for path in out.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        print(f"{title}: {size / 1e6:,.0f} MB in {len(files)} files", flush=True)
    return measured


def tabulate(numbers: list[int], runs: list[dict[str, Cost]]) -> None:
    """Print a row a stage."""
    heads = (f"{number:,}: s | MB | not of files" for number in numbers)
    print("| stage | " + " | ".join(heads) + " |")
    print("| --- |" + " --- | --- | --- |" * len(numbers))
    for name in runs[0] if runs else ():
        cells = " | ".join(
            f"{cost.seconds:.2f} | {cost.megabytes:,.0f} | {cost.unmapped:,.0f}"
            for cost in (each[name] for each in runs)
        )
        print(f"| {name} | {cells} |", flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    parser.add_argument("images", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--films", nargs="*", type=int, default=[50, 500])
    parser.add_argument("--side", type=int, default=FILM, help="of the films, pixels")
    parser.add_argument("--as-ingested", action="store_true", help="films are not restored")
    parser.add_argument("--unknown-patients", action="store_true")
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if chosen.unknown_patients:
        looked = [run(number, SMALL, ("ingest", "audit"), None) for number in chosen.images]
        tabulate(chosen.images, looked)
        return
    whole = ("ingest", "restore", "extract", *BASELINES)
    tabulate(chosen.images, [run(number, SMALL, whole) for number in chosen.images])
    stages = [name for name in whole if name != "restore" or not chosen.as_ingested]
    tabulate(chosen.films, [run(number, chosen.side, stages) for number in chosen.films])


if __name__ == "__main__":
    main()
