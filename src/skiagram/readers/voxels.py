"""The voxels of a volume's file: how many there may be, unpacked within bounds, and their depth."""

import math
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.images import Spacing

MAX_VOXELS = 2**28  # 512 × 512 × 1,024
_MAX_SERIES = 4  # times as many in all volumes of a file
BESIDE_VOXELS = 2**24  # bytes of a file's header and extensions
_GZIP = b"\x1f\x8b"


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Convert values to a type that a store keeps: 16 bits for whole numbers, else float32.

    Args:
        values: Of any type and shape.

    Returns:
        uint8, uint16, int16 or float32 in the machine's order of bytes.

    Raises:
        DataError: A value is beyond 32-bit floats.
    """
    # Depths that are kept as they are.
    if values.dtype in (np.uint8, np.uint16, np.int16, np.float32):
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    # Whole numbers in 16 bits, if they fit.
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        for kind in (np.int16, np.uint16):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return values.astype(kind)
    # All else as 32-bit floats.
    with np.errstate(over="ignore"):
        narrowed = values.astype(np.float32)
    if np.isinf(narrowed[np.isfinite(values)]).any():
        raise refusal("readers.beyond_32_bits")
    return narrowed


def check_voxels(shape: tuple[int, ...]) -> None:
    """Refuse what is no volume, or too large a one.

    Args:
        shape: Sides of all axes.

    Raises:
        DataError: There are other than three axes, or more than 2²⁸ voxels.
    """
    sides = " × ".join(map(str, shape))
    # A picture, several volumes, or more than fits.
    if len(shape) == 2:
        raise refusal("readers.two_axes", sides=sides)
    if len(shape) != 3 or min(shape) < 1:
        raise refusal("readers.other_axes", axes=len(shape), sides=sides)
    if math.prod(shape) > MAX_VOXELS:
        raise refusal("readers.too_many_voxels", sides=sides, max_voxels=MAX_VOXELS)


def check_frame(frame: int | None, number: int, name: str = "volume") -> None:
    """Refuse a volume, or a frame, that a file of several does not have.

    Args:
        frame: From 1; None for the only one.
        number: How many there are.
        name: What they are.
    """
    if frame is not None and not 1 <= frame <= number:
        raise refusal("readers.no_such_frame", name=name, frame=frame, number=number)


def with_distances(steps: Floats, spacing: Spacing | None) -> Floats:
    """Give the axes of a file whose header says no distances those that the user says.

    Args:
        steps: (3, 3), a row an axis: a vector along it.
        spacing: Along each axis, mm; None refuses the file.
    """
    if spacing is None or len(spacing) != 3:
        raise refusal("readers.no_distances")
    scaled: Floats = steps * (
        np.array(spacing)[:, None] / np.linalg.norm(steps, axis=1, keepdims=True)
    )
    return scaled


def count_bytes(sides: Sequence[int], itemsize: int) -> int:
    """Count the bytes of all volumes of a file; refuse more than a memory holds."""
    number = math.prod(sides)
    if not 0 < number <= _MAX_SERIES * MAX_VOXELS:
        raise refusal("readers.too_many_in_all", number=number, most=_MAX_SERIES * MAX_VOXELS)
    return number * itemsize


def read_values(
    content: bytes, dtype: np.dtype[Any], sides: Sequence[int], start: int = 0
) -> NDArray[Any]:
    """Read a copy of values in the machine's order of bytes, the first axis of a file last.

    Raises:
        ValueError: The file has fewer bytes than its header says.
    """
    number = math.prod(sides)
    if len(content) < start + number * dtype.itemsize:
        raise ValueError("fewer bytes than its header says")
    values = np.frombuffer(content, dtype, number, start).reshape(*reversed(sides))
    return values.astype(dtype.newbyteorder("="))


def is_packed(content: bytes) -> bool:
    """Tell whether a file is packed by gzip."""
    return content.startswith(_GZIP)


def first_bytes(content: bytes, size: int) -> bytes:
    """Return a file's first bytes, decompressed where it is a gzip file."""
    if not is_packed(content):
        return content[:size]
    try:
        return zlib.decompressobj(31).decompress(content, size)
    except zlib.error:
        return b""


def inflate(content: bytes, most: int, window: int = 31) -> bytes:
    """Decompress at most so many bytes; a stream that holds more is refused."""
    inflated, more = b"", content
    while True:  # a gzip file may have several members, one after the other
        stream = zlib.decompressobj(window)
        inflated += stream.decompress(more, most - len(inflated) + 1)
        more = stream.unused_data
        if not stream.eof or not is_packed(more) or len(inflated) > most:
            break
    if len(inflated) > most:
        raise refusal("readers.too_much_packed", size=len(content), most=most)
    return inflated
