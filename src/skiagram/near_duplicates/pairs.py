"""Images that are the same, or nearly: exact copies by content, near copies by correlation.

Two images are near duplicates when the Pearson correlation of their thumbnails exceeds .98 and that
of their local detail .4. Both ignore brightness and contrast, as two exports of one film differ in
them. Thumbnails alone are not enough: breasts on black ground or squares at a chest wall share an
outline that outweighs all else. Local detail, each pixel less its surroundings in units of their
own spread (Jarrett et al. 2009, ICCV, section 3), gives an outline no more weight than tissue.
Volumes are compared likewise, with thumbnails and surroundings of three axes.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skiagram.image_store.shards import Image, is_volume
from skiagram.image_store.store import ImageStore

THUMBNAIL = 28
VOLUME_THUMBNAIL = 9  # 9³ numbers, about as many as 28²
THRESHOLD = 0.98
DETAIL_THRESHOLD = 0.4  # shared outlines reach .37 on mini-MIAS; near duplicates at least .44
_DETAIL_SIDE = 128
_VOLUME_DETAIL_SIDE = 32
_SURROUNDINGS = 1.5  # standard deviation of the weights, pixels
_FLAT = 0.01  # of an image's spread; less is noise of rounding
_DETAILS_KEPT = 1024
ROUNDING = 1e-12  # of the greatest value: what means of equal float64 values may differ by


@dataclass(frozen=True)
class Pairs:
    """All pairs of duplicates, sorted, first < second.

    Attributes:
        first: (m,) int64 position in the store.
        second: (m,) int64 position in the store.
        correlation: (m,) float64 in (.98, 1]; 1 for exact copies, even of a constant image.
        exact: (m,) bool, True where shape, depth and every pixel are equal.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    correlation: NDArray[np.float64]
    exact: NDArray[np.bool_]


def thumbnail(image: Image) -> NDArray[np.float32]:
    """Return a gray thumbnail of zero mean and unit norm, flattened; missing pixels count as mean.

    Each of the 28 × 28 thumbnail pixels is the mean over the area that it covers, so an image of
    that size is its own thumbnail. A constant thumbnail is all zeros: it correlates with nothing.
    The thumbnail of a volume has 9 × 9 × 9 voxels.
    """
    return _unit(reduced(image, VOLUME_THUMBNAIL if is_volume(image) else THUMBNAIL))


def local_detail(image: Image, side: int) -> NDArray[np.float32]:
    """Return (side²,) the detail of an image reduced to side × side, zero mean and unit norm.

    Each pixel less the weighted mean around it, over the spread around it. All zeros where the
    image is constant. Of a volume it is (side³,).
    """
    small = _unit(reduced(image, side)).astype(np.float64)
    small = small.reshape((side,) * (3 if is_volume(image) else 2))
    if not small.any():
        return _unit(small)
    offset = small - gaussian_filter(small, _SURROUNDINGS, mode="nearest")
    spread = np.sqrt(gaussian_filter(offset**2, _SURROUNDINGS, mode="nearest"))
    return _unit(offset / (spread + _FLAT * small.std()))


def reduced(image: Image, side: int) -> NDArray[np.float64]:
    """Return (side, side) gray means over equal areas; missing pixels count as mean.

    Of a volume it is (side, side, side).
    """
    gray = image.astype(np.float64)
    if gray.ndim > 2:
        gray = gray.mean(axis=-1)
    missing = ~np.isfinite(gray)
    if missing.any():
        gray = np.where(missing, gray[~missing].mean() if not missing.all() else 0, gray)
    if gray.ndim == 3:
        gray = np.tensordot(_coverage(len(gray), side), gray, axes=1)
    reduced: NDArray[np.float64] = (
        _coverage(gray.shape[-2], side) @ gray @ _coverage(gray.shape[-1], side).T
    )
    return reduced


def projection(image: Image) -> Image:
    """Return the mean of a volume's slices, (height, width), over what is known; images as is."""
    if not is_volume(image):
        return image
    known = np.isfinite(image[..., 0])
    total = np.where(known, image[..., 0], 0).sum(axis=0, dtype=np.float64)
    count = known.sum(axis=0)
    return np.where(count, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _unit(values: NDArray[np.float64]) -> NDArray[np.float32]:
    centred = values.ravel() - values.mean()
    norm = float(np.linalg.norm(centred))
    floor = ROUNDING * float(np.abs(values).max()) * len(values)
    scaled: NDArray[np.float64] = centred / norm if norm > floor else np.zeros_like(centred)
    return scaled.astype(np.float32)


@lru_cache(maxsize=64)
def _coverage(size: int, side: int) -> NDArray[np.float64]:
    """Return (side, size) the share of each source row in the mean of each reduced row."""
    edges = np.linspace(0, size, side + 1)
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    shares: NDArray[np.float64] = np.clip(overlap, 0, None) * (side / size)
    return shares


def content_digest(image: Image) -> bytes:
    """Return the SHA-256 of shape, depth and every pixel: equal for exact copies alone."""
    digest = hashlib.sha256(f"{image.shape}{image.dtype}".encode())
    digest.update(image.tobytes())
    return digest.digest()


def duplicate_pairs(store: ImageStore) -> Pairs:
    """Find all pairs of near or exact duplicates of a store; see `pairs_among`."""
    volumes = any(is_volume(image) for _, image in store.span(0, 1))
    size = VOLUME_THUMBNAIL**3 if volumes else THUMBNAIL**2
    thumbnails = np.empty((len(store), size), dtype=np.float32)
    digests: list[bytes] = []
    shapes: list[tuple[int, ...]] = []
    for row, (_, image) in enumerate(store):
        thumbnails[row] = thumbnail(image)
        digests.append(content_digest(image))
        shapes.append(image.shape)
    return pairs_among(thumbnails, digests, shapes, lambda row: store.image(store.case_ids[row]))


def unite_pairs(found: Sequence[Pairs]) -> Pairs:
    """Return the pairs of cases that are duplicates in any of several kinds of images."""
    if len(found) == 1:
        return found[0]
    places = np.sort(
        np.concatenate([np.stack([own.first, own.second]) for own in found], axis=1), 0
    )
    correlation = np.concatenate([own.correlation for own in found])
    exact = np.concatenate([own.exact for own in found])
    order = np.lexsort((-correlation, ~exact, places[1], places[0]))
    chosen = order[np.diff(places[:, order], axis=1, prepend=-1).any(axis=0)]
    first, second = places[:, chosen]
    return Pairs(first, second, correlation[chosen], exact[chosen])


def pairs_among(
    thumbnails: NDArray[np.float32],
    digests: Sequence[bytes],
    shapes: Sequence[tuple[int, ...]],
    image: Callable[[int], Image],
) -> Pairs:
    """Find all pairs of near or exact duplicates.

    Every pair is compared, most of them by a bound: see `correlated_pairs`. Memory holds n
    thumbnails and one block of correlations.

    Args:
        thumbnails: (n, 784), or (n, 729) of volumes: the images' thumbnails.
    """
    copies: dict[bytes, list[int]] = {}
    for row, digest in enumerate(digests):
        copies.setdefault(digest, []).append(row)
    like = correlated_pairs(thumbnails, THRESHOLD)
    correlations = {pair: like[pair] for pair in _alike_in_detail(list(like), shapes, image)}
    exact = {pair for same in copies.values() for pair in combinations(same, 2)}
    correlations.update(dict.fromkeys(exact, 1.0))
    pairs = sorted(correlations)
    positions = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Pairs(
        positions[:, 0],
        positions[:, 1],
        np.array([correlations[pair] for pair in pairs], dtype=np.float64),
        np.array([pair in exact for pair in pairs], dtype=np.bool_),
    )


def _alike_in_detail(
    pairs: Sequence[tuple[int, int]],
    shapes: Sequence[tuple[int, ...]],
    image: Callable[[int], Image],
) -> list[tuple[int, int]]:
    """Return the pairs whose detail is alike, at the size of the smaller image or 128, 32 in 3D.

    Fewer slices than that are repeated: thin stacks would have next to no detail otherwise.
    """

    @lru_cache(maxsize=_DETAILS_KEPT)
    def detail(row: int, side: int) -> NDArray[np.float64]:
        return local_detail(image(row), side).astype(np.float64)

    alike = []
    for first, second in pairs:
        volumes = len(shapes[first]) == 4
        planes = (
            shape[-3:-1] if volumes else shape[:2] for shape in (shapes[first], shapes[second])
        )
        side = min(_VOLUME_DETAIL_SIDE if volumes else _DETAIL_SIDE, *chain.from_iterable(planes))
        if float((detail(first, side) * detail(second, side)).sum()) > DETAIL_THRESHOLD:
            alike.append((first, second))
    return alike


def clusters(first: NDArray[np.int64], second: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return (n,) the cluster of each of n images; chained pairs share a cluster."""
    links = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    labels: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return labels


_MIN_SHARES = 32
_LIKELY_ENOUGH = 1e-4  # of a sample's pairs; more, and most of a block would be multiplied out
_SAMPLE = 4096
_TRIED = 2048
_BLOCK = 1024  # a block of products stays within a core's cache
_ROUNDING = 1e-4
_ROUNDED_OFF = 1e-6

Vectors = NDArray[np.float32]


def correlated_pairs(vectors: Vectors, threshold: float) -> dict[tuple[int, int], float]:
    """Return pair (first < second) → product of all pairs above a threshold.

    Memory holds the vectors at most once more. A fast product nominates pairs; a sum in fixed
    order decides, because the product's last bits depend on the number of threads.

    Args:
        vectors: (n, d) of unit norm, or zero.
        threshold: In (0, 1).
    """
    if not len(vectors):
        return {}
    correlation: dict[tuple[int, int], float] = {}
    for first, second in _nominated(vectors, threshold - _ROUNDING):
        products = vectors[first].astype(np.float64) * vectors[second]
        product = min(float(products.sum()), 1.0)
        if product > threshold:
            correlation[min(first, second), max(first, second)] = product
    return correlation


def _nominated(vectors: Vectors, threshold: float) -> Iterator[tuple[int, int]]:
    shares = _shares(vectors, threshold)
    order = np.argsort(shares[:, 0], kind="stable")
    shares = shares[order]
    first = shares[:, 0].astype(np.float64)
    reach = np.sqrt(2 * (1 - threshold)) + _ROUNDING
    memory = np.empty(_BLOCK**2, dtype=np.float32)  # a new block a product would cost more than it
    for start in range(0, len(order), _BLOCK):
        rows = shares[start : start + _BLOCK]
        stop = int(np.searchsorted(first, float(rows[-1, 0]) + reach, side="right"))
        for left in range(start, stop, _BLOCK):
            columns = shares[left : min(left + _BLOCK, stop)]
            bound = memory[: len(rows) * len(columns)].reshape(len(rows), len(columns))
            np.matmul(rows, columns.T, out=bound)
            if left == start:
                bound[np.tril_indices(len(bound))] = 0
            if bound.max() > threshold:
                likely = bound > threshold
                near = np.flatnonzero(likely.any(axis=1)) + start
                far = np.flatnonzero(likely.any(axis=0)) + left
                yield from _above(vectors, order, near, far, threshold)


def _above(
    vectors: Vectors,
    order: NDArray[np.intp],
    near: NDArray[np.intp],
    far: NDArray[np.intp],
    threshold: float,
) -> Iterator[tuple[int, int]]:
    """Yield pairs of vectors from two sets of places in the order, the second one later."""
    product = vectors[order[near]] @ vectors[order[far]].T
    i, j = np.nonzero(product > threshold)
    later = far[j] > near[i]  # a pair within the rows' own columns stands there twice
    yield from zip(order[near[i[later]]].tolist(), order[far[j[later]]].tolist(), strict=True)


def _shares(vectors: Vectors, threshold: float) -> Vectors:
    """Return (n, k + 1) each vector in the k leading directions, and the length of its rest.

    k is doubled until the bound is above the threshold for few pairs of a sample.
    """
    sample = _spread_out(vectors, _SAMPLE).astype(np.float64)
    directions = np.linalg.eigh(sample.T @ sample)[1][:, ::-1].astype(np.float32)
    tried = _spread_out(vectors, _TRIED)
    number = min(_MIN_SHARES, len(directions))
    while number < len(directions):
        some = _cut(tried, directions[:, :number])
        likely = np.triu(some @ some.T > threshold, k=1)
        if likely.mean() <= _LIKELY_ENOUGH / 2:
            break
        number = min(2 * number, len(directions))
    return _cut(vectors, directions[:, :number])


def _spread_out(vectors: Vectors, number: int) -> Vectors:
    return vectors[:: -(-len(vectors) // number)]


def _cut(vectors: Vectors, directions: Vectors) -> Vectors:
    shares = vectors @ directions
    squares = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", shares, shares)
    rest = np.sqrt(np.clip(squares, 0, None) + _ROUNDED_OFF)  # rather too long than too short
    return np.concatenate([shares, rest[:, None]], axis=1).astype(np.float32)
