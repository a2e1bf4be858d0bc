"""Volumes of NIfTI-1 and NIfTI-2, in single files, also packed by gzip.

Values and places are those that ITK reads (`itkNiftiImageIO`, version 5.4), but for what it reads
in silence and wrongly: NaN and infinity stay, a slope of 0 shifts nothing, and two places of the
same voxels are refused. Of two forms that agree the sform counts, which has more digits.
"""

import math
import struct
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.images import Spacing
from skiagram.readers.formats import FORMATS
from skiagram.readers.grid import VoxelGrid
from skiagram.readers.voxels import (
    BESIDE_VOXELS,
    check_voxels,
    count_bytes,
    first_bytes,
    inflate,
    is_packed,
    read_values,
    with_distances,
)

_STANDARD = FORMATS["nifti"]
_HEADERS = {  # by their size, which is their first number
    size: np.dtype(
        {
            "names": [*fields],
            "formats": [form for form, _ in fields.values()],
            "offsets": [place for _, place in fields.values()],
            "itemsize": size,
        }
    )
    for size, fields in _STANDARD["headers"].items()
}
_ORDERS: tuple[Literal["<"], Literal[">"]] = ("<", ">")
_UNITS = {1: 1000.0, 3: 0.001}  # mm of a metre and of a micrometre
_ONE_PLACE = 0.5  # share of a voxel; the numbers of a qform are rounded
_TO_LPS = np.array([[-1.0], [-1.0], [1.0]])  # NIfTI's x grows to the right, y to the front


def matches(head: bytes) -> bool:
    """Tell whether a file's first bytes, unpacked, are those of NIfTI."""
    return head[344:347] in (b"n+1", b"ni1") or head[4:7] in (b"n+2", b"ni2")


def sides(content: bytes) -> list[int]:
    """List the sides of all axes, without those behind the third that have one place."""
    header, _ = _read_header(content)
    return _sides(header)


def _sides(header: np.void) -> list[int]:
    """List the sides of the header's axes, without those behind the third that have one place."""
    number, *lengths = map(int, header["dim"])
    if not 0 <= number < 8:
        raise ValueError(f"{number} axes")
    lengths = lengths[:number]
    while len(lengths) > 3 and lengths[-1] == 1:
        lengths.pop()
    return lengths


def read(
    content: bytes, spacing: Spacing | None, frame: int | None
) -> tuple[NDArray[Any], Floats, Floats]:
    """Read the values of a volume, its steps and its origin.

    Args:
        content: Of the file, packed or not.
        spacing: Of slices, rows and columns where the header says none, mm; None refuses such.
        frame: Which volume of a file of four axes, from 1; None for the only one.

    Returns:
        Values with axes z, y, x; (3, 3) steps and (3,) origin as of `VoxelGrid.of`.

    Raises:
        DataError: The header has more than one reading, or the volume is too large.
    """
    # One file, of plain numbers.
    header, order = _read_header(content)
    head = first_bytes(content, max(_HEADERS))
    if b"ni" in (head[4:6], head[344:346]):
        raise refusal("readers.nifti_pair")
    # The size, before anything is unpacked.
    lengths = _sides(header)
    check_voxels(tuple(lengths if frame is None else lengths[:3]))
    kind = int(header["datatype"])
    if kind in _STANDARD["several_values"] or int(header["intent_code"]) in _STANDARD["matrices"]:
        raise refusal("readers.several_values")
    dtype = np.dtype(order + _STANDARD["types"][kind])
    # The scale of values, where there is one.
    slope, intercept = map(float, header["scl"].astype(np.float32))
    if slope == 0 or not math.isfinite(slope):  # no scale is asked for
        slope, intercept = 1.0, 0.0
    if not math.isfinite(intercept):
        raise refusal("readers.nifti_intercept", intercept=intercept)
    # Where the volume lies, and its voxels.
    steps, origin = _place(header, lengths, spacing)
    start = max(int(header["vox_offset"]), header.dtype.itemsize + 4)
    most = count_bytes(lengths, dtype.itemsize) + BESIDE_VOXELS
    content = inflate(content, most) if is_packed(content) else content
    start += ((frame or 1) - 1) * math.prod(lengths[:3]) * dtype.itemsize
    values = read_values(content, dtype, lengths[:3], start)
    if (slope, intercept) != (1, 0):  # in 32 or 64 bits as ITK's
        depth = np.float64 if values.dtype == np.float64 else np.float32
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = values.astype(depth).astype(np.float64) * slope + intercept
            values = scaled.astype(depth)
    return values, steps, origin


def _read_header(content: bytes) -> tuple[np.void, str]:
    """Read a header and the order of its bytes, which is the one in which its length is right.

    Raises:
        ValueError: It is neither NIfTI-1 nor NIfTI-2.
    """
    head = first_bytes(content, max(_HEADERS))
    for size, form in _HEADERS.items():
        for order in _ORDERS:
            if head.startswith(struct.pack(f"{order}i", size)):
                header: np.void = np.frombuffer(head, form.newbyteorder(order), 1)[0]
                return header, order
    raise ValueError("neither NIfTI-1 nor NIfTI-2")


def _place(header: np.void, lengths: list[int], spacing: Spacing | None) -> tuple[Floats, Floats]:
    """Compute steps and origin of a volume; refuse two places that do not agree.

    Args:
        header: Of the file.
        lengths: Sides of its axes, x first.
        spacing: For a header without distances; None refuses such.
    """
    # Distances in mm, and which of the two forms of a place are stated.
    units = int(header["xyzt_units"]) & 7
    scale = _UNITS.get(units, 1.0)
    distances = header["pixdim"][1:4].astype(np.float32).astype(np.float64)
    has_qform, has_sform = (int(header[f"{form}form_code"]) > 0 for form in "qs")
    stated = bool((distances > 0).all()) or has_sform
    # Distances of 1 without a unit and a place are no statement.
    if not has_qform and not has_sform:
        stated &= not (units == 0 and (distances == 1).all())
    distances[(distances == 0) | ~np.isfinite(distances)] = 1
    if not stated:
        distances[:] = 1
    # The sform goes first; the qform must say the same.
    qform = _qform(header, distances) if has_qform else None
    sform = header["srow"].astype(np.float32).astype(np.float64) if has_sform else None
    steps, origin = _steps(qform if sform is None else sform, distances * scale, scale)
    if sform is not None:
        affine = sform * _TO_LPS * scale
        _check_one_place(lengths, steps, origin, affine)
        if qform is not None:
            _check_one_place(lengths, *_steps(qform, distances * scale, scale), affine)
    return steps if stated else with_distances(steps, spacing), origin


def _qform(header: np.void, distances: Floats) -> Floats:
    """Compute the affine matrix (3, 4) of quaternion, distances and offset.

    It is rounded to 32 bits as in `nifti_quatern_to_mat44` of the NIfTI library.

    Args:
        header: Of the file.
        distances: (3,) of x, y and z, in the file's unit.
    """
    # The first number of the unit quaternion is not stored; it is ≥ 0.
    b, c, d = map(float, header["quatern"].astype(np.float32))
    rest = 1 - (b * b + c * c + d * d)
    if rest < 1e-7:  # a turn by 180°, of numbers that are rounded
        length = math.sqrt(b * b + c * c + d * d)
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = math.sqrt(rest)
    # The rotation that it stands for, of axes that a negative `pixdim[0]` mirrors.
    turn = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    handed = np.array([1, 1, -1 if header["pixdim"][0] < 0 else 1])
    lengths = np.where(distances > 0, distances, 1) * handed
    affine = np.column_stack([turn * lengths, header["qoffset"]])
    return affine.astype(np.float32).astype(np.float64)


def _steps(affine: Floats | None, distances: Floats, scale: float) -> tuple[Floats, Floats]:
    """Compute steps of axes z, y, x and the origin: directions of a matrix, lengths of pixdim.

    Args:
        affine: (3, 4) in the file's unit; None for none.
        distances: (3,) of x, y and z, mm.
        scale: mm of the file's unit.
    """
    if affine is None:
        return np.diag(distances)[::-1], np.zeros(3)
    directed = (affine[:, :3] * _TO_LPS).T
    lengths = np.sqrt(directed[:, 0] ** 2 + directed[:, 1] ** 2 + directed[:, 2] ** 2)
    if not (lengths > 0).all():
        raise refusal("readers.tilted")
    steps = directed / lengths[:, None] * distances[:, None]
    return steps[::-1], affine[:, 3] * _TO_LPS[:, 0] * scale


def _check_one_place(
    lengths: list[int],
    steps: Floats,
    origin: Floats,
    affine: Floats,
) -> None:
    """Refuse a volume whose corners lie elsewhere by its sform, by more than half a voxel.

    Args:
        lengths: Sides of its axes, x first.
        steps: (3, 3) of z, y, x.
        origin: (3,).
        affine: (3, 4) of the sform, mm.
    """
    shape = tuple(lengths[2::-1])
    placed, stated = (
        VoxelGrid.of(shape, *place).corners()
        for place in ((steps, origin), (affine[:, 2::-1].T, affine[:, 3]))
    )
    apart = float(np.linalg.norm(placed - stated, axis=1).max())
    if apart > _ONE_PLACE * float(np.linalg.norm(steps, axis=1).min()):
        raise refusal("readers.two_places", apart=apart)
