"""Separable wavelet transforms of equally sized planes, by PyWavelets, block by block.

PyWavelets follows one column after the other through the whole plane. A block that stays in the
processor's cache makes this several times as fast, and lets each half be freed when it is used up:
a transform and its inverse hold one and a half times their input.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pywt
from numpy.typing import NDArray

_BLOCK_VALUES = 2**17  # of one plane; PyWavelets takes one plane after the other

Planes = NDArray[np.float32]
Read = Callable[[int, int], Planes]
Write = Callable[[Planes, int], None]


@dataclass(frozen=True)
class Coefficients:
    """A decomposition; its details are freed while it is put together again.

    Attributes:
        approximation: (n, h, w) float32, what is left after the last level.
        details: A list a level, the finest first: details along columns, along rows and along
            both (the diagonal), each (n, h, w) float32.
        shapes: Shape of the planes that each level came from.
    """

    approximation: Planes
    details: list[list[Planes]]
    shapes: list[tuple[int, int, int]]


def decompose(
    read: Read, shape: tuple[int, int, int], wavelet: pywt.Wavelet, level: int
) -> Coefficients:
    """Split planes into wavelet coefficients; beyond their border the planes are mirrored.

    Args:
        read: Gives (n, last − first, width) float32 for the rows from `first` to before `last`.
        shape: (n, height, width).
        wavelet: Wavelet of PyWavelets.
        level: Number of levels.

    Returns:
        The coefficients of `pywt.wavedec2(..., mode="symmetric")` along the last two axes.
    """
    details, shapes = [], []
    for _ in range(level):
        shapes.append(shape)
        approximation, bands = _split(read, shape, wavelet)
        details.append(bands)
        read, shape = _rows_of(approximation), approximation.shape
    return Coefficients(approximation, details, shapes)


def reconstruct(coefficients: Coefficients, wavelet: pywt.Wavelet, write: Write) -> None:
    """Put planes together again.

    Args:
        coefficients: What `decompose` returned; its details are used up.
        wavelet: The same wavelet.
        write: Takes (n, m, ≥ width) float32 and the number of the first of these rows; what is
            beyond the width is to be left out.
    """
    planes = coefficients.approximation
    while coefficients.details:
        shape = coefficients.shapes.pop()
        along_columns, along_rows, diagonal = coefficients.details.pop()
        height, width = along_columns.shape[1:]
        low = _merged_columns(planes[:, :height, :width], along_columns, shape[1], wavelet)
        del planes, along_columns
        high = _merged_columns(along_rows, diagonal, shape[1], wavelet)
        del along_rows, diagonal
        if coefficients.details:
            planes = np.empty(shape, dtype=np.float32)
            _merge_rows(low, high, shape[2], wavelet, _into_rows_of(planes))
        else:
            _merge_rows(low, high, shape[2], wavelet, write)
        del low, high  # the next level has its own


def _split(
    read: Read, shape: tuple[int, int, int], wavelet: pywt.Wavelet
) -> tuple[Planes, list[Planes]]:
    low, high = _split_rows(read, shape, wavelet)
    approximation, along_columns = _split_columns(low, wavelet)
    del low
    along_rows, diagonal = _split_columns(high, wavelet)
    return approximation, [along_columns, along_rows, diagonal]


def _split_rows(
    read: Read, shape: tuple[int, int, int], wavelet: pywt.Wavelet
) -> tuple[Planes, Planes]:
    count, height, width = shape
    step = _BLOCK_VALUES // width
    if height <= step:
        return _split_whole(read(0, height), wavelet, axis=-1)
    half = (count, height, pywt.dwt_coeff_len(width, wavelet.dec_len, "symmetric"))
    low, high = np.empty(half, dtype=np.float32), np.empty(half, dtype=np.float32)
    for first, last in _blocks(height, step):
        rows = _split_whole(read(first, last), wavelet, axis=-1)
        low[:, first:last], high[:, first:last] = rows
    return low, high


def _split_columns(planes: Planes, wavelet: pywt.Wavelet) -> tuple[Planes, Planes]:
    count, height, width = planes.shape
    step = _BLOCK_VALUES // height
    if width <= step:
        return _split_whole(planes, wavelet, axis=-2)
    half = (count, pywt.dwt_coeff_len(height, wavelet.dec_len, "symmetric"), width)
    low, high = np.empty(half, dtype=np.float32), np.empty(half, dtype=np.float32)
    for first, last in _blocks(width, step):
        columns = _split_whole(planes[..., first:last], wavelet, axis=-2)
        low[..., first:last], high[..., first:last] = columns
    return low, high


def _split_whole(planes: Planes, wavelet: pywt.Wavelet, axis: int) -> tuple[Planes, Planes]:
    low, high = pywt.dwt(planes, wavelet, axis=axis)
    return low, high


def _merged_columns(low: Planes, high: Planes, height: int, wavelet: pywt.Wavelet) -> Planes:
    count, _, width = low.shape
    step = _BLOCK_VALUES // height
    if width <= step:
        merged: Planes = pywt.idwt(low, high, wavelet, axis=-2)
        return merged[:, :height]
    planes = np.empty((count, height, width), dtype=np.float32)
    for first, last in _blocks(width, step):
        columns = (..., slice(first, last))
        planes[columns] = pywt.idwt(low[columns], high[columns], wavelet, axis=-2)[:, :height]
    return planes


def _merge_rows(low: Planes, high: Planes, width: int, wavelet: pywt.Wavelet, write: Write) -> None:
    for first, last in _blocks(low.shape[1], _BLOCK_VALUES // width):
        write(pywt.idwt(low[:, first:last], high[:, first:last], wavelet, axis=-1), first)


def _blocks(length: int, size: int) -> Iterator[tuple[int, int]]:
    step = max(size, 1)
    return ((first, min(first + step, length)) for first in range(0, length, step))


def _rows_of(planes: Planes) -> Read:
    return lambda first, last: planes[:, first:last]


def _into_rows_of(planes: Planes) -> Write:
    def write(rows: Planes, first: int) -> None:
        planes[:, first : first + rows.shape[1]] = rows[..., : planes.shape[2]]

    return write
