"""How fast, and in how much memory, a folder of PNG files is checked and ingested.

    python benchmarks/ingest_folder.py [FILES [SIDE]]

Bare decoding is Pillow opening each file into an array, one file after the other. Ingest reads the
same files, verifies every checksum, checks every image and writes shards; while it stores one image
it reads the next, so it needs a second core. Both take turns, and the least time of three counts.
"""

import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from skiagram.cli.main import main
from skiagram.datasets.folder.csv_rows import read_rows
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.folder.survey import survey_folder
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.options import build


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
    table.write_text("\n".join(lines), encoding="utf-8")


def data_set(project: Path, folder: Path, table: Path) -> Folder:
    """Make the folder a data set of an empty project with `skiagram init`."""
    (project / "conf" / "dataset").mkdir(parents=True)
    with chdir(project), redirect_stdout(StringIO()):
        code = main(["init", str(folder), str(table), "--positive", "cancer"])
    if code:
        raise RuntimeError(f"skiagram init ended with {code}")
    options = yaml.safe_load((project / "conf/dataset/films.yaml").read_text(encoding="utf-8"))
    source: Folder = build(options, "dataset")
    return replace(source, manifest=str(project / source.manifest))


def decode_all(folder: Path) -> None:
    """Decode every file as Pillow does."""
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            np.asarray(image)


def spent(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def peak_megabytes() -> float:
    """Return the most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure() -> None:
    """Measure and print."""
    words = [int(word) for word in sys.argv[1:]]
    files, side = [*words, *(20_000, 256)[len(words) :]]
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name) / "films", Path(name) / "data"
        table = Path(name) / "films.csv"
        write_films(folder, table, files, side)
        source = data_set(Path(name) / "project", folder, table)
        decode_all(folder)  # then all rounds find the files in the page cache
        before = peak_megabytes()
        bare, whole = [], []
        for turn in range(3):
            folders = IngestFolders(
                *(out / str(turn) / part for part in ("images", "cases", "seal"))
            )
            bare.append(spent(lambda: decode_all(folder)))
            whole.append(spent(partial(ingest, source, "cv", None, folders)))
            shutil.rmtree(out)
        print(f"{files} PNG files of {side} × {side} pixels")
        print(f"bare decoding {min(bare):6.1f} s")
        print(f"ingest        {min(whole):6.1f} s, {min(bare) / min(whole):.2f} of bare speed")
        print(f"ingest memory {peak_megabytes():6.0f} MB, {before:.0f} MB before")
        clock = spent(lambda: survey_folder(source, folder, read_rows(table.read_bytes()), "cv"))
        times = clock / min(bare)
        print(f"check         {clock:6.1f} s, {times:.0f} times bare decoding")
        print(f"check memory  {peak_megabytes():6.0f} MB")


if __name__ == "__main__":
    measure()
