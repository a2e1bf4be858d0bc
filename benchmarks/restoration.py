"""Wavelet denoising compared with scikit-image and with the bare transforms of PyWavelets.

    python -m benchmarks.restoration

With the options of conf/restoration/wavelet.yaml. The results equal scikit-image's
(tests/restoration/test_denoising.py). A bare transform goes forward and back in float32 and shrinks
nothing. Two cores are two workers of the option `compute`, their start included. Memory is the peak
of a process of its own over what it held before, in multiples of the image as float32; image and
result count.
"""

import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pywt
import yaml
from benchmarks.common import films, peak_memory
from benchmarks.ratio import Ratio, Side, Table, compare, show
from numpy.typing import NDArray
from skimage.restoration import denoise_wavelet

from skiagram.compute.workers import Compute
from skiagram.options import build
from skiagram.restoration.denoising import Denoising
from skiagram.restoration.steps import Steps

Images = NDArray[np.float32]

OPTIONS = Path(__file__).resolve().parents[1] / "conf" / "restoration"
SCIKIT_IMAGE = f"scikit-image {version('scikit-image')}"
PYWAVELETS = f"PyWavelets {version('pywavelets')}, bare"
BATCH, SMALL = 256, 28
SIZES = ((224, 224), (1024, 1024), (3328, 2560))
LARGE = 8192
PIECES = 8
TARGET_BATCH, TARGET_BARE, TARGET_CORES = 4.0, 0.5, 1.8


def restoration(name: str) -> Steps:
    """Return a committed restoration."""
    steps: Steps = build(
        yaml.safe_load((OPTIONS / f"{name}.yaml").read_text(encoding="utf-8")), name
    )
    return steps


def denoising() -> Denoising:
    """Return the committed denoising."""
    committed = restoration("wavelet").denoising
    assert committed is not None
    return committed


def levels(images: Images, options: Denoising) -> int:
    """Return how many levels images of this size get."""
    most: int = pywt.dwt_max_level(min(images.shape[1:]), options.wavelet)
    return min(options.level, most)


def one_by_one(images: Images, options: Denoising) -> None:
    """Denoise with scikit-image."""
    for image in images:
        denoise_wavelet(
            image,
            wavelet=options.wavelet,
            mode=options.thresholding,
            wavelet_levels=levels(images, options),
            method=options.method,
            rescale_sigma=False,
        )


def there_and_back(images: Images, options: Denoising) -> None:
    """Transform and transform back with PyWavelets alone."""
    level, axes = levels(images, options), (-2, -1)
    coefficients = pywt.wavedec2(images, options.wavelet, level=level, axes=axes)
    pywt.waverec2(coefficients, options.wavelet, axes=axes)


def shared(options: Denoising, images: Images, workers: int) -> None:
    """Denoise pieces as the stage restore does, some at a time."""
    compute = Compute(threads=1, workers=workers, backend="local", address=None)
    pieces = np.array_split(images, PIECES)
    deque(compute.map(options.denoise, pieces, releases_lock=True), maxlen=0)


def ratios() -> Iterator[Ratio]:
    """Measure small images in a batch, films one at a time, and two cores."""
    options = denoising()
    small = films(BATCH, SMALL, SMALL)
    title = f"denoising, {BATCH} images of {SMALL} × {SMALL}"
    ours = Side("skiagram", lambda: options.denoise(small), BATCH)
    theirs = Side(SCIKIT_IMAGE, lambda: one_by_one(small, options), BATCH)
    yield compare(title, ours, theirs, TARGET_BATCH)
    for height, width in SIZES:
        film = films(1, height, width)
        yield compare(
            f"denoising, an image of {height} × {width}",
            Side("skiagram", partial(options.denoise, film)),
            Side(PYWAVELETS, partial(there_and_back, film, options)),
            TARGET_BARE,
        )
    yield from on_two_cores(options)


def on_two_cores(options: Denoising) -> Iterator[Ratio]:
    """Measure two workers beside one."""
    for number, height, width in ((80 * BATCH, SMALL, SMALL), (1280, 224, 224), (8, 3328, 2560)):
        distinct = films(min(number, 4), height, width)
        images = np.tile(distinct, (number // len(distinct), 1, 1))
        yield compare(
            f"denoising, {number} images of {height} × {width}",
            Side("2 cores", partial(shared, options, images, 2), number),
            Side("1 core", partial(shared, options, images, 1), number),
            TARGET_CORES,
            clock=time.perf_counter,
        )


def tables() -> Iterator[Table]:
    """Measure the memory that restoring a large image takes, each way in a process of its own."""
    rows = []
    for name in ("repair", "wavelet"):
        command = [sys.executable, "-m", "benchmarks.restoration", name]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        rows.append((name, done.stdout.strip()))
    title = f"peak memory over the memory of the image, {LARGE} × {LARGE}, at most 7"
    yield Table(title, ("restoration", "times"), tuple(rows))


def relative_memory(steps: Steps) -> float:
    """Return the peak memory of restoring a large image, over the memory of the image."""
    steps.restore(films(1, 64, 64))
    before = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * 4096
    image = np.random.default_rng(0).random((1, LARGE, LARGE), dtype=np.float32)
    image[0, 100:110, 200:230] = np.nan
    steps.restore(image)
    return (peak_memory() - before) / image.nbytes


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(f"{relative_memory(restoration(sys.argv[1])):.2f}")
    else:
        show(ratios(), tables())
