"""Feature extraction and restoration on two cores compared with one (option `compute`).

    python -m benchmarks.cores

The six families of benchmarks.features, and conf/restoration/wavelet.yaml, on generated films in a
store; texture and morphology of regions in volumes. The start of the workers counts.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.common import families, films
from benchmarks.ratio import Ratio, Side, compare, show
from benchmarks.regions import ball, texture
from benchmarks.restoration import restoration

from skiagram.compute.workers import Compute
from skiagram.features.extraction import extract
from skiagram.features.family import FeatureFamily
from skiagram.features.morphology import Morphology
from skiagram.image_store.shards import Region, ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.restoration.restore import restore_store

FILMS = ((150, 1024), (30_000, 28))
TO_RESTORE = (60, 1024)
VOLUMES = (60, 100)
TARGET = 1.8


def ratios() -> Iterator[Ratio]:
    """Work on the same store with one worker and with two."""
    chosen = [*families().values()]
    for number, side in FILMS:
        with tempfile.TemporaryDirectory() as folder:
            store = _store(Path(folder), number, side)
            yield _extracted(f"{number:,} images of {side} × {side}", store, chosen, number)
    number, side = VOLUMES
    with tempfile.TemporaryDirectory() as folder:
        store = _store_of_volumes(Path(folder), number, side)
        described = [*texture(), Morphology(unit="mm", autocorrelation=False)]
        yield _extracted(f"{number} regions in volumes of {side}³", store, described, number)
    number, side = TO_RESTORE
    with tempfile.TemporaryDirectory() as folder:
        store = _store(Path(folder) / "images", number, side)
        restored = partial(_restore, store, Path(folder))
        yield _compared(f"restore, {number} images of {side} × {side}", restored, number)


def _extracted(what: str, store: ImageStore, chosen: Sequence[FeatureFamily], number: int) -> Ratio:
    return _compared(
        f"extract, {what}", lambda workers: extract(store, chosen, compute=_local(workers)), number
    )


def _compared(title: str, work: Callable[[int], object], number: int) -> Ratio:
    """Compare some work of so many workers, on two with one."""
    one, two = (Side(_name(workers), partial(work, workers), number) for workers in (1, 2))
    return compare(title, two, one, TARGET, clock=time.perf_counter)


def _store(folder: Path, number: int, side: int) -> ImageStore:
    distinct = films(10, side, side)
    with ShardWriter(folder) as writer:
        for at in range(number):
            writer.add(f"film-{at}", distinct[at % len(distinct)])
    return ImageStore(folder)


def _store_of_volumes(folder: Path, number: int, side: int) -> ImageStore:
    image, mask = ball(side)
    with ShardWriter(folder) as writer:
        for at in range(number):
            writer.add(f"volume-{at}", image[..., None], (1.0, 1.0, 1.0), Region(mask))
    return ImageStore(folder)


def _restore(store: ImageStore, folder: Path, workers: int) -> None:
    restored, record = folder / "restored", folder / "treatment.parquet"
    restore_store(store, restoration("wavelet"), restored, record, compute=_local(workers))
    shutil.rmtree(restored)


def _local(workers: int) -> Compute:
    return Compute(threads=1, workers=workers, backend="local", address=None)


def _name(workers: int) -> str:
    return f"{workers} core{'s' * (workers - 1)}"


if __name__ == "__main__":
    show(ratios())
