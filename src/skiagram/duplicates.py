"""Images that are the same, or nearly: exact copies by content, near copies by correlation.

Two images are near duplicates when the Pearson correlation of their thumbnails exceeds .98. That
ignores brightness and contrast, as two exports of one film differ in them.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.transform import resize

from skiagram.store import Image, ImageStore

THUMBNAIL = 28
THRESHOLD = 0.98
_BLOCK = 2048


@dataclass(frozen=True)
class Pairs:
    """Pairs of duplicates, first < second.

    Attributes:
        first: (m,) int64 position in the store.
        second: (m,) int64 position in the store.
        correlation: (m,) float64 in (.98, 1].
        exact: (m,) bool, True where shape, depth and every pixel are equal.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    correlation: NDArray[np.float64]
    exact: NDArray[np.bool_]


def thumbnail(image: Image) -> NDArray[np.float32]:
    """Return a gray thumbnail of zero mean and unit norm, flattened; missing pixels count as mean.

    A constant image gives zeros, so it correlates with nothing.
    """
    gray = image.astype(np.float32)
    if gray.ndim == 3:
        gray = gray.mean(axis=2)
    missing = ~np.isfinite(gray)
    if missing.any():
        gray = np.where(missing, gray[~missing].mean() if not missing.all() else 0, gray)
    if gray.shape != (THUMBNAIL, THUMBNAIL):
        gray = resize(gray, (THUMBNAIL, THUMBNAIL), anti_aliasing=True, preserve_range=True)
    centred = gray.ravel() - gray.mean()
    norm = float(np.linalg.norm(centred))
    floor = 1e-6 * max(1.0, float(np.abs(gray).max())) * THUMBNAIL
    scaled: NDArray[np.float32] = (centred / norm if norm > floor else centred * 0).astype(
        np.float32
    )
    return scaled


def duplicate_pairs(store: ImageStore) -> Pairs:
    """Find all pairs of near or exact duplicates of a store; cost grows with n² products."""
    thumbnails = np.empty((len(store), THUMBNAIL**2), dtype=np.float32)
    contents: list[bytes] = []
    for at, (_, image) in enumerate(store):
        thumbnails[at] = thumbnail(image)
        header = f"{image.shape}{image.dtype}".encode()
        contents.append(hashlib.sha256(header + np.ascontiguousarray(image).tobytes()).digest())
    first, second, correlation = _correlated(thumbnails)
    exact = np.array([contents[i] == contents[j] for i, j in zip(first, second, strict=True)], bool)
    return Pairs(first, second, correlation, exact)


def _correlated(
    thumbnails: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    rows, columns, values = [], [], []
    for start in range(0, len(thumbnails), _BLOCK):
        product = thumbnails[start : start + _BLOCK] @ thumbnails.T
        i, j = np.nonzero(product > THRESHOLD)
        upper = i + start < j
        rows.append(i[upper] + start)
        columns.append(j[upper])
        values.append(product[i[upper], j[upper]].astype(np.float64))
    empty = [np.empty(0, dtype=np.int64)]
    return (
        np.concatenate(rows or empty),
        np.concatenate(columns or empty),
        np.minimum(np.concatenate(values or [np.empty(0)]), 1.0),
    )


def near_duplicate_clusters(store: ImageStore) -> NDArray[np.int64]:
    """Return (n,) the cluster of each image; chained near duplicates share a cluster."""
    pairs = duplicate_pairs(store)
    n = len(store)
    links = coo_array((np.ones(len(pairs.first)), (pairs.first, pairs.second)), shape=(n, n))
    labels: NDArray[np.int64] = connected_components(links, directed=False)[1].astype(np.int64)
    return labels
