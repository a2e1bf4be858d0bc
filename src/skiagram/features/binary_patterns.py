"""Local binary patterns: which neighbours on a circle are at least as bright as a pixel."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from skiagram.features.discretisation import Discretisation, histograms

_NEIGHBOURS = 8
_LEVELS = Discretisation(bin_number=256, bin_width=None)
_DIAGONAL = float(np.sqrt(0.5))


def pattern_names(prefix: str) -> tuple[str, ...]:
    """Return the names of the patterns: uniform ones by their bright neighbours, then the rest."""
    uniform = (f"{prefix}_uniform_{bright}" for bright in range(_NEIGHBOURS + 1))
    return (*uniform, f"{prefix}_not_uniform")


def pattern_levels(images: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return whole grey levels, 256 over each image's own range, as `pattern_shares` reads them.

    Args:
        images: (n, height, width), finite.
    """
    return _LEVELS.levels(images).astype(np.float32)


def pattern_shares(levels: NDArray[np.float32], radius: int) -> NDArray[np.float64]:
    """Return the shares of the rotation-invariant uniform patterns of 8 neighbours.

    Ojala, Pietikäinen and Mäenpää, IEEE Trans. PAMI 24(7), 2002, equation 9. Beyond its border an
    image goes on as its mirror image.

    Args:
        levels: (n, height, width), whole numbers.
        radius: Radius of the circle of neighbours, in pixels.

    Returns:
        (n, 10), each row sums to 1.
    """
    brighter = [difference >= 0 for difference in _differences(levels, radius)]
    count, changes = np.zeros((2, *levels.shape), dtype=np.uint8)
    for at, neighbour in enumerate(brighter):
        count += neighbour
        changes += neighbour != brighter[at - 1]
    codes = np.where(changes <= 2, count, np.uint8(_NEIGHBOURS + 1))
    return histograms(codes.astype(np.int64), _NEIGHBOURS + 2)


def _differences(levels: NDArray[np.float32], radius: int) -> Iterator[NDArray[np.float32]]:
    """Yield each neighbour minus the pixel, around the circle.

    Neighbours on the diagonals lie between pixels. Differences are interpolated, not levels, so
    that none arises by rounding where the image is flat.
    """
    height, width = levels.shape[1:]
    padded = np.pad(levels, ((0, 0), (radius, radius), (radius, radius)), mode="symmetric")

    def beside(y: int, x: int) -> NDArray[np.float32]:
        rows = slice(radius + y, radius + y + height)
        return padded[:, rows, radius + x : radius + x + width] - levels

    inner = int(radius * _DIAGONAL)
    share = np.float32(radius * _DIAGONAL - inner)
    for y, x in ((0, 1), (-1, 0), (0, -1), (1, 0)):
        yield beside(y * radius, x * radius)
        down, right = (y - x, x + y)  # the diagonal that follows, an eighth of a turn on
        near, far = inner, inner + 1
        mixed = beside(down * near, right * far) + beside(down * far, right * near)
        yield (
            (1 - share) ** 2 * beside(down * near, right * near)
            + share * (1 - share) * mixed
            + share**2 * beside(down * far, right * far)
        )
