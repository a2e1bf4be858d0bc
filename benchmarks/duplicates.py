"""Finding near duplicates among tens of thousands of images.

    python -m benchmarks.duplicates [IMAGES ...]

Generated tissue with planted copies (noise and brightness, every second one cropped too). Seconds
and memory are those of a process of its own that reads the images from shards, reduces, compares
and confirms them.
"""

import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from benchmarks.common import peak_memory
from benchmarks.ratio import Table, show
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import zoom

from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.near_duplicates.pairs import duplicate_pairs
from skiagram.near_duplicates.search import transformed_pairs

SIZE = 64
KEPT = 0.9  # of a side, in a cropped copy
COPIES = 100  # every hundredth image is a copy of the one before


def images(number: int, size: int = SIZE) -> Iterator[NDArray[np.uint8]]:
    """Yield tissue with a power-law spectrum of exponent 3, and after each hundredth its copy.

    Every second copy is cropped by a tenth, so that it is no near duplicate.
    """
    draws = np.random.default_rng(0)
    frequency = np.hypot(fft.fftfreq(size)[:, None], fft.rfftfreq(size))
    frequency[0, 0] = frequency[0, 1]
    tissue = np.zeros((size, size))
    for at in range(number):
        if at % COPIES == COPIES - 1:
            tissue = 1.1 * tissue + 0.1 * draws.normal(size=(size, size))
            if at // COPIES % 2:
                cut = zoom(tissue, 1 / KEPT, order=1)
                tissue = cut[-size:, :size]
        else:
            noise = fft.rfft2(draws.normal(size=(size, size)))
            tissue = fft.irfft2(noise * frequency**-1.5, s=(size, size))
            tissue /= tissue.std()
        yield np.clip(128 + 30 * tissue, 0, 255).astype(np.uint8)


def whole(number: int, size: int) -> tuple[int, float, float, float, float]:
    """Return copies found, what near duplicates took, and what it all took.

    Returns:
        Planted pairs found; seconds for near duplicates, and with transformed copies; seconds of
        the processors for both; peak resident memory, GB.
    """
    with tempfile.TemporaryDirectory() as folder:
        with ShardWriter(Path(folder)) as writer:
            for at, image in enumerate(images(number, size)):
                writer.add(f"case-{at:06d}", image)
        started, worked = time.perf_counter(), time.process_time()
        store = ImageStore(Path(folder))
        pairs = duplicate_pairs(store)
        near = time.perf_counter() - started
        transformed = transformed_pairs(store, pairs)
        both, worked = time.perf_counter() - started, time.process_time() - worked
    copies = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    copies |= set(zip(transformed.first.tolist(), transformed.second.tolist(), strict=True))
    planted = {(at - 1, at) for at in range(COPIES - 1, number, COPIES)}
    if copies - planted:
        raise AssertionError(f"pairs that are no copies: {sorted(copies - planted)[:5]}")
    return (
        len(copies),
        near,
        both,
        worked,
        peak_memory() / 1024**3,
    )


def tables(numbers: tuple[int, ...] = (20_000, 100_000), size: int = 28) -> Iterator[Table]:
    """Measure each number of images in a process of its own."""
    rows = []
    for number in numbers:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            pairs, near, both, worked, memory = process.submit(whole, number, size).result()
        told = f"{pairs:,} of {number // COPIES:,}"
        seconds = [f"{one:.0f} s" for one in (near, both, worked)]
        rows.append((f"{number:,}", told, *seconds, f"{memory:.2f} GB"))
    yield Table(
        f"Reading, reducing, comparing and confirming images of {size} × {size}",
        (
            "images",
            "copies found",
            "near duplicates",
            "and transformed copies",
            "of processors",
            "memory",
        ),
        tuple(rows),
    )


if __name__ == "__main__":
    chosen = tuple(int(word) for word in sys.argv[1:])
    show([], tables(chosen) if chosen else tables())
