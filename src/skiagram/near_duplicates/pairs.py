"""Images that are the same, or nearly: exact copies by content, near copies by correlation.

Two images are near duplicates when the Pearson correlation of their thumbnails exceeds .98 and that
of their local detail .4. Both ignore brightness and contrast, as two exports of one film differ in
them. Thumbnails alone are not enough: breasts on black ground or squares at a chest wall share an
outline that outweighs all else. Local detail, each pixel less its surroundings in units of their
own spread (Jarrett et al. 2009, ICCV, section 3), gives an outline no more weight than tissue.
Volumes are compared likewise, with thumbnails and surroundings of three axes.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from tempfile import TemporaryFile
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy
from numpy.typing import NDArray

from skiagram.arrays import Flags, Floats, Singles, Texts, Whole
from skiagram.images import Image, is_volume
from skiagram.near_duplicates.nearest import MOST_COMPARED, Tree

THUMBNAIL = 28
_LARGE = 2**24  # values of a picture that is reduced in bands of rows
_BAND = 256
VOLUME_THUMBNAIL = 9  # 9³ numbers, about as many as 28²
# Of thumbnails; that of detail keeps apart what shares an outline alone.
THRESHOLD = 0.98
DETAIL_THRESHOLD = 0.4  # shared outlines reach .37 on mini-MIAS; near duplicates at least .44
# The side at which detail is compared, of pictures and of volumes.
_DETAIL_SIDE = 128
_VOLUME_DETAIL_SIDE = 32
_SURROUNDINGS = 1.5  # standard deviation of the weights, pixels
_FLAT = 0.01  # of an image's spread; less is noise of rounding
_DETAILS_KEPT = 1024
ROUNDING = 1e-12  # of the greatest value: what means of equal float64 values may differ by
_BLOCK = 1024  # a block of products stays within a core's cache
# Many images are compared within the leaves of trees; a copy must share a leaf in one.
_TREES = 24
# Products of float32 are off by less; those near the threshold are taken in float64 again.
_ROUNDING_OF_PRODUCTS = 1e-4
EXACT, NEAR = "exact", "near duplicate"


class Pairs(NamedTuple):
    """Pairs of copies, sorted, first < second.

    Attributes:
        first: (m,) int64 position in the store.
        second: (m,) int64 position in the store.
        correlation: (m,) float64 of thumbnails in (.98, 1], 1 for exact copies, even of a constant
            image; of transformed copies that of their detail where it fits best, in (.6, 1].
        kind: (m,) text: `EXACT` where shape, depth and every pixel are equal, `NEAR`, or what was
            done to a transformed copy.
    """

    first: Whole
    second: Whole
    correlation: Floats
    kind: Texts

    @classmethod
    def of(cls, correlations: Mapping[tuple[int, int], tuple[float, str]]) -> "Pairs":
        """Sort the pairs of a dictionary.

        Args:
            correlations: Pair, first < second → correlation and kind.
        """
        pairs = sorted(correlations)
        first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        correlation = np.array([correlations[pair][0] for pair in pairs], dtype=np.float64)
        return cls(
            first, second, correlation, np.array([correlations[p][1] for p in pairs], dtype=str)
        )

    def chosen(self, rows: NDArray[Any]) -> "Pairs":
        """Take some pairs, by their places or by a truth value each."""
        return Pairs(*(column[rows] for column in self))

    @property
    def near(self) -> Flags:
        """Tell which pairs are exact or near: (m,); the others were transformed."""
        return np.isin(self.kind, (EXACT, NEAR))


def unite_pairs(searches: Sequence[Pairs]) -> Pairs:
    """Join the pairs of images that are copies in any of several searches.

    A pair that several found counts once: as exact, else as near, else as the most alike.

    Args:
        searches: Of the same images.
    """
    if len(searches) == 1:
        return searches[0]
    every = Pairs(*map(np.concatenate, zip(*searches, strict=True)))
    first, second = np.sort([every.first, every.second], axis=0)
    order = np.lexsort((-every.correlation, ~every.near, every.kind != EXACT, second, first))
    places = np.stack([first, second])[:, order]
    new = np.diff(places, axis=1, prepend=-1).any(axis=0)
    return every.chosen(order[new])._replace(first=places[0, new], second=places[1, new])


def thumbnail(image: Image) -> Singles:
    """Reduce an image to a gray thumbnail of zero mean and unit norm; missing pixels count as mean.

    Each of the 28 × 28 thumbnail pixels is the mean over the area that it covers, so an image of
    that size is its own thumbnail. A constant thumbnail is all zeros: it correlates with nothing.

    Args:
        image: (height, width[, channels]) or (depth, height, width, 1) of any depth.

    Returns:
        (784,) float32; of a volume (729,), as of 9 × 9 × 9 voxels.
    """
    return _unit(reduced(image, VOLUME_THUMBNAIL if is_volume(image) else THUMBNAIL))


def local_detail(image: Image, side: int) -> Singles:
    """Compute the detail of a reduced image, zero mean and unit norm.

    Each pixel less the weighted mean around it, over the spread around it. All zeros where the
    image is constant.

    Args:
        image: (height, width[, channels]) or (depth, height, width, 1).
        side: To which it is reduced.

    Returns:
        (side²,) float32; of a volume (side³,).
    """
    small = _unit(reduced(image, side)).astype(np.float64)
    small = small.reshape((side,) * (3 if is_volume(image) else 2))
    if not small.any():
        return _unit(small)
    offset = small - scipy.ndimage.gaussian_filter(small, _SURROUNDINGS, mode="nearest")
    spread = np.sqrt(scipy.ndimage.gaussian_filter(offset**2, _SURROUNDINGS, mode="nearest"))
    return _unit(offset / (spread + _FLAT * small.std()))


def reduced(image: Image, side: int) -> Floats:
    """Reduce an image to gray means over equal areas; missing pixels count as mean.

    Args:
        image: (height, width[, channels]) or (depth, height, width, 1) of any depth.
        side: Where it is larger than the image's, pixels are repeated.

    Returns:
        (side, side) float64; of a volume (side, side, side).
    """
    if image.size > _LARGE and image.dtype.kind in "iu" and not is_volume(image):
        # a copy of a large picture would fill the memory
        height, width = image.shape[:2]
        by_rows = np.zeros((side, width))
        for at in range(0, height, _BAND):
            band = image[at : at + _BAND].astype(np.float64)
            gray = band.mean(axis=-1) if band.ndim > 2 else band
            by_rows += _coverage(height, side)[:, at : at + _BAND] @ gray
        return by_rows @ _coverage(width, side).T
    # Colours as their mean, missing pixels as the mean of the others.
    gray = image.astype(np.float64)
    if gray.ndim > 2:
        gray = gray.mean(axis=-1)
    missing = ~np.isfinite(gray)
    if missing.any():
        gray = np.where(missing, gray[~missing].mean() if not missing.all() else 0, gray)
    # A volume as the mean over its slices.
    if gray.ndim == 3:
        gray = np.tensordot(_coverage(len(gray), side), gray, axes=1)
    return _coverage(gray.shape[-2], side) @ gray @ _coverage(gray.shape[-1], side).T


def projection(image: Image) -> Image:
    """Average a volume's slices over what is known; images are as they are.

    Args:
        image: (depth, height, width, 1), or an image.

    Returns:
        (height, width) float32, NaN where no slice has a value.
    """
    if not is_volume(image):
        return image
    present = np.isfinite(image[..., 0])
    total = np.where(present, image[..., 0], 0).sum(axis=0, dtype=np.float64)
    count = present.sum(axis=0)
    return np.where(count, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _unit(values: Floats) -> Singles:
    """Flatten, centre and scale to unit norm; what is constant up to rounding becomes 0."""
    centred = values.ravel() - values.mean()
    norm = float(np.linalg.norm(centred))
    floor = ROUNDING * float(np.abs(values).max()) * len(values)
    scaled: Floats = centred / norm if norm > floor else np.zeros_like(centred)
    return scaled.astype(np.float32)


@lru_cache(maxsize=64)
def _coverage(size: int, side: int) -> Floats:
    """Compute the share of each source row in the mean of each reduced row.

    Args:
        size: Source rows.
        side: Reduced rows.

    Returns:
        (side, size), whose rows sum to 1.
    """
    edges = np.linspace(0, size, side + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    shares: Floats = np.clip(overlap, 0, None) * (side / size)
    return shares


def pixel_digest(image: Image) -> bytes:
    """Compute the SHA-256 of shape, depth and every pixel: equal for exact copies alone."""
    digest = hashlib.sha256(f"{image.shape}{image.dtype}".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.digest()


class ImageSequence(Protocol):
    """Images that are read one at a time, as those of an `ImageStore`."""

    def __len__(self) -> int:
        """Return how many images there are."""

    def __iter__(self) -> Iterator[tuple[str, Image]]:
        """Yield name and image."""

    def image_at(self, position: int) -> Image:
        """Return the image at a place of the order."""


# Applies a function to pieces of work and yields the results in their order: as `map` does, one
# after the other; another may work on several threads at a time.
ParallelMap = Callable[[Callable[..., Any], Iterable[Any]], Iterator[Any]]


def duplicate_pairs(store: ImageSequence, parallel_map: ParallelMap = map) -> Pairs:
    """Find all pairs of near or exact duplicates.

    Every pair is compared, or of very many those of one leaf of a tree.

    Args:
        store: Images, each read once, and again where two look alike.
        parallel_map: Where pieces of the work are done; the pairs do not depend on it.
    """
    volumes = len(store) > 0 and is_volume(store.image_at(0))
    size = VOLUME_THUMBNAIL**3 if volumes else THUMBNAIL**2
    digests = np.empty(len(store), f"S{hashlib.sha256().digest_size}")
    shapes: list[tuple[int, ...]] = []
    kinds: dict[tuple[int, ...], tuple[int, ...]] = {}  # one tuple for all images of a shape

    def read() -> Iterator[Singles]:
        for row, (_, image) in enumerate(store):
            digests[row] = pixel_digest(image)
            shapes.append(kinds.setdefault(image.shape, image.shape))
            yield thumbnail(image)[None]

    @lru_cache(maxsize=_DETAILS_KEPT)
    def detail(row: int, side: int) -> Floats:
        return local_detail(store.image_at(row), side).astype(np.float64)

    thumbnails = stack_blocks(read(), (len(store), size), np.float32)
    like = correlated_pairs(thumbnails, parallel_map)
    # Their detail is alike, too: at the size of the smaller image or 128, 32 in 3D. Fewer slices
    # than that are repeated: thin stacks would have next to no detail otherwise.
    alike: dict[tuple[int, int], tuple[float, str]] = {}
    for first, second in like:
        most = _VOLUME_DETAIL_SIDE if len(shapes[first]) == 4 else _DETAIL_SIDE
        side = min(most, *plane_sides(shapes[first]), *plane_sides(shapes[second]))
        if float((detail(first, side) * detail(second, side)).sum()) > DETAIL_THRESHOLD:
            alike[first, second] = like[first, second], NEAR
    return Pairs.of(alike | equal_pairs(digests))


def plane_sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return (height, width) of the shape of an image, or of the slices of a volume."""
    return shape[-3:-1] if len(shape) == 4 else shape[:2]


def stack_blocks(
    blocks: Iterable[NDArray[Any]], shape: tuple[int, ...], dtype: type[np.generic]
) -> NDArray[Any]:
    """Stack blocks of rows as one array; very many lie in a file, which memory need not hold.

    The file has no name: it ends with the array, also where the process is killed.

    Args:
        blocks: Of rows, in their order.
        shape: Of the array, the number of rows first.
        dtype: Of the array.
    """
    if shape[0] <= MOST_COMPARED:
        stacked, place = np.empty(shape, dtype), 0
        for block in blocks:
            stacked[place : place + len(block)] = block
            place += len(block)
        return stacked
    with TemporaryFile() as file:
        for block in blocks:
            file.write(block.astype(dtype, copy=False).tobytes())
        file.flush()
        return np.memmap(file, dtype, "r+", shape=shape).view(np.ndarray)


def equal_pairs(
    digests: Sequence[bytes] | NDArray[np.bytes_],
) -> dict[tuple[int, int], tuple[float, str]]:
    """Find all pairs of equal digests.

    Args:
        digests: Of each image.

    Returns:
        As `Pairs.of` reads them.
    """
    # the rows of each digest that several rows have
    _, number, times = np.unique(
        np.asarray(digests, dtype=np.bytes_), return_inverse=True, return_counts=True
    )
    rows: dict[int, list[int]] = {}
    for row in np.flatnonzero(times[number] > 1).tolist():
        rows.setdefault(int(number[row]), []).append(row)
    equal = (pair for same in rows.values() for pair in combinations(same, 2))
    return dict.fromkeys(equal, (1.0, EXACT))


def clusters(pairs: Pairs, n: int) -> Whole:
    """Join chained pairs to clusters.

    Args:
        pairs: Of copies.
        n: Images.

    Returns:
        (n,) int64 cluster of each image, from 0; an image without a copy has one of its own.
    """
    ends = (pairs.first, pairs.second)
    links = scipy.sparse.coo_array((np.ones(len(pairs.first)), ends), shape=(n, n))
    labels: NDArray[np.int32] = scipy.sparse.csgraph.connected_components(links, directed=False)[1]
    return labels.astype(np.int64)


def correlated_pairs(
    vectors: Singles, parallel_map: ParallelMap = map
) -> dict[tuple[int, int], float]:
    """Find all pairs of vectors whose product is above `THRESHOLD`.

    A fast product nominates pairs; a sum in fixed order decides, because the product's last bits
    depend on the number of threads. Of more than 20,000 vectors, pairs of a leaf are compared.

    Args:
        vectors: (n, d) of unit norm, or zero.
        parallel_map: Where pieces of the work are done.

    Returns:
        Pair (first < second) → product.
    """
    likely = THRESHOLD - _ROUNDING_OF_PRODUCTS
    blocks = range(0, len(vectors), _BLOCK)

    def in_one_leaf(number: int) -> Whole:
        rows, columns, _ = Tree.grow(vectors, number).like(vectors, vectors, likely)
        return np.stack([rows, columns], axis=1)[rows < columns]

    # (pairs, 2), tree by tree or block by block
    nominated: Iterable[Whole]
    if len(vectors) > MOST_COMPARED:
        nominated = parallel_map(in_one_leaf, range(_TREES))
    else:
        nominated = (
            np.argwhere(vectors[top : top + _BLOCK] @ vectors[left : left + _BLOCK].T > likely)
            + np.array([top, left])
            for top in blocks
            for left in blocks
            if left >= top
        )
    # Each pair once, its product in double precision.
    correlation: dict[tuple[int, int], float] = {}
    for pairs in nominated:
        for i, j in pairs.tolist():
            if i < j and (i, j) not in correlation:
                product = float((vectors[i].astype(np.float64) * vectors[j]).sum())
                if product > THRESHOLD:
                    correlation[i, j] = min(product, 1.0)
    return correlation
