"""Local patterns compared with scikit-image, and time per pixel of families outside the IBSI.

    python -m benchmarks.local_patterns

Batches of 28 × 28 images with the committed options; scikit-image is called once an image, and
once a radius. Its values are the same (tests/features/test_lbp.py, test_hog.py).
"""

import statistics
import time
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from benchmarks.common import describe, films
from benchmarks.ratio import Ratio, Side, Table, compare, show
from numpy.typing import NDArray
from skimage.feature import hog, local_binary_pattern
from threadpoolctl import threadpool_limits

from skiagram.features.hog import OrientedGradients
from skiagram.features.lbp import LocalBinaryPatterns
from skiagram.options import build

OPTIONS = Path(__file__).resolve().parents[1] / "conf" / "features"
PEER = f"scikit-image {version('scikit-image')}"
IMAGES, SIDE = 256, 28
TARGET = 3.0
NAMES = ("lbp", "hog", "gabor", "wavelet", "granulometry", "fractal")
SIZES = ((28, 28), (224, 224), (1024, 1024), (3328, 2560))
AT_LEAST = 2**18  # pixels a turn
TURNS = 3


def patterns_one_by_one(images: NDArray[np.uint8], family: LocalBinaryPatterns) -> None:
    """Count the patterns of each image at each radius."""
    for image in images:
        for radius in family.radii:
            codes = local_binary_pattern(image, family.neighbours, radius, "uniform")
            np.bincount(codes.astype(np.int64).ravel(), minlength=family.neighbours + 2)


def gradients_one_by_one(images: NDArray[np.float32], family: OrientedGradients) -> None:
    """Compute the oriented gradients of each image."""
    cell, block = (SIDE // family.grid,) * 2, (family.block,) * 2
    for image in images:
        hog(image, family.orientations, cell, block)


def ratios() -> Iterator[Ratio]:
    """Compare both families that scikit-image has too."""
    lbp, oriented = (_family(name) for name in ("lbp", "hog"))
    whole = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE, SIDE), dtype=np.uint8)
    images = whole.astype(np.float32)
    for title, family, theirs in (
        ("local binary patterns", lbp, partial(patterns_one_by_one, whole, lbp)),
        ("oriented gradients", oriented, partial(gradients_one_by_one, images, oriented)),
    ):
        yield compare(
            f"{title}, {IMAGES} images of {SIDE} × {SIDE} pixels",
            Side("skiagram", partial(describe, [family], images), IMAGES),
            Side(PEER, theirs, IMAGES),
            TARGET,
        )


def tables() -> Iterator[Table]:
    """Show the time a pixel takes from small images to a whole film."""
    stacks = [films(max(1, AT_LEAST // (height * width)), height, width) for height, width in SIZES]
    rows = []
    with threadpool_limits(1):
        for name in NAMES:
            turns = [[_a_pixel(name, images) for images in stacks] for _ in range(TURNS)]
            medians = (statistics.median(one) for one in zip(*turns, strict=True))
            rows.append((name, *(f"{1e9 * one:.0f}" for one in medians)))
    header = ("family", *(f"{height} × {width}" for height, width in SIZES))
    yield Table("Nanoseconds per pixel", header, tuple(rows))


def _a_pixel(name: str, images: NDArray[np.float32]) -> float:
    started = time.perf_counter()
    describe([_family(name)], images)
    return (time.perf_counter() - started) / images.size


def _family(name: str) -> Any:
    return build(yaml.safe_load((OPTIONS / f"{name}.yaml").read_text(encoding="utf-8")), name)


if __name__ == "__main__":
    show(ratios(), tables())
