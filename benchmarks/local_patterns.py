"""How much faster local binary patterns and oriented gradients are than scikit-image's.

    python -m benchmarks.local_patterns

Batches of 28 × 28 images with the committed options; scikit-image is called once an image, and
once a radius. Its values are the same (tests/features/test_lbp.py, test_hog.py).
"""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import yaml
from benchmarks.ratio import Ratio, Side, compare
from numpy.typing import NDArray
from skimage.feature import hog, local_binary_pattern

from skiagram.features.batch import Batch
from skiagram.features.hog import OrientedGradients
from skiagram.features.lbp import LocalBinaryPatterns
from skiagram.options import build

OPTIONS = Path(__file__).resolve().parents[1] / "conf" / "features"
PEER = f"scikit-image {version('scikit-image')}"
IMAGES, SIDE = 256, 28
TARGET = 3.0


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
    """Measure both families."""
    lbp, oriented = (
        build(yaml.safe_load((OPTIONS / f"{name}.yaml").read_text()), name)
        for name in ("lbp", "hog")
    )
    whole = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE, SIDE), dtype=np.uint8)
    images = whole.astype(np.float32)
    what = f"{IMAGES} images of {SIDE} × {SIDE}"
    yield compare(
        f"local binary patterns, {what}",
        Side("skiagram", lambda: lbp.extract(Batch(images)), IMAGES),
        Side(PEER, lambda: patterns_one_by_one(whole, lbp), IMAGES),
        TARGET,
    )
    yield compare(
        f"oriented gradients, {what}",
        Side("skiagram", lambda: oriented.extract(Batch(images)), IMAGES),
        Side(PEER, lambda: gradients_one_by_one(images, oriented), IMAGES),
        TARGET,
    )


if __name__ == "__main__":
    for ratio in ratios():
        low, high = ratio.turns[0], ratio.turns[-1]
        print(f"{ratio.title}: {ratio.median:.1f} times {ratio.peer} ({low:.1f} to {high:.1f})")
