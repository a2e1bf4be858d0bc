"""Features of the IBSI reference manual compared with MIRP, and time per pixel.

    python -m benchmarks.features

First order, GLCM, GLRLM, GLSZM, NGTDM and NGLDM with all their features, on generated films. The
values are the same (tests/features/test_mirp.py).
"""

import time
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import version

import numpy as np
from benchmarks.common import GREY_LEVELS, describe, describe_with_mirp, families, films
from benchmarks.ratio import Side, Table, compare, rounds, show, tabulate
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from skiagram.features.batch import FeatureBatch
from skiagram.features.family import FeatureFamily

PEER = f"MIRP {version('mirp')}"
SIZES = ((28, 28), (64, 64), (224, 224), (1024, 1024), (3328, 2560))
AT_LEAST = 2**18  # pixels a turn


def tables() -> Iterator[Table]:
    """Compare all families together, show the time of a pixel by size, and of each family."""
    yield tabulate([_compare(28, 1024, 8, 250.0), _compare(1024, 1, 1, 18.0)])
    chosen = families()
    stacks = [films(max(1, AT_LEAST // (height * width)), height, width) for height, width in SIZES]
    with threadpool_limits(1):
        turns = [[_a_pixel([*chosen.values()], one) for one in stacks] for _ in range(rounds())]
        alone = {
            name: [_a_pixel([family], one) * one[0].size for one in (stacks[0], stacks[3])]
            for name, family in chosen.items()
        }
    absolute = np.array(turns).T
    first = f"{SIZES[0][0]} × {SIZES[0][1]}"
    rows = tuple(
        (f"{height} × {width}", f"{1e9 * np.median(own):.0f}", _spread(own / absolute[0]))
        for (height, width), own in zip(SIZES, absolute, strict=True)
    )
    yield Table("Cost with size", ("pixels", "nanoseconds per pixel", f"relative to {first}"), rows)
    costs = tuple((name, *(f"{1e3 * one:.3f}" for one in own)) for name, own in alone.items())
    yield Table("Each family alone, milliseconds per image", ("family", "28²", "1024²"), costs)


def _compare(side: int, number: int, peers: int, target: float) -> tuple[str, ...]:
    """Compare on so many images, of which the peer gets the first few."""
    chosen, images = families(), films(number, side, side)
    given = [image[None].astype(np.float64) for image in images[:peers]]
    masks = [np.ones(image.shape, np.uint8) for image in given]
    by_slice = {"glcm_spatial_method": "2d_average", "glrlm_spatial_method": "2d_average"}
    peer = partial(
        describe_with_mirp, chosen, given, masks, by_slice=True, glcm_distance=1.0, **by_slice
    )
    return compare(
        f"six families, {side} × {side} pixels, {GREY_LEVELS} grey levels",
        Side("skiagram", partial(_describe_films, chosen.values(), images), number),
        Side(PEER, peer, peers),
        target,
    )


def _describe_films(chosen: Iterable[FeatureFamily], images: NDArray[np.float32]) -> None:
    """Compute features of a batch at a time that fits a processor's cache."""
    size = max(1, min(256, 2**17 // images[0].size))
    for start in range(0, len(images), size):
        describe(chosen, FeatureBatch(images[start : start + size]))


def _a_pixel(chosen: list[FeatureFamily], images: NDArray[np.float32]) -> float:
    started = time.process_time()
    _describe_films(chosen, images)
    return (time.process_time() - started) / images.size


def _spread(turns: NDArray[np.float64]) -> str:
    return f"{np.median(turns):.2f} ({turns.min():.2f}–{turns.max():.2f})"


if __name__ == "__main__":
    show(tables())
