"""Volumes of NRRD, as Teem, ITK and 3D Slicer write them.

Values and places are those that ITK reads (`itkNrrdImageIO`, version 5.4). Fields of distance and
place that ITK leaves out are refused.
"""

import math
import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.images import Spacing
from skiagram.readers.formats import FORMATS
from skiagram.readers.voxels import (
    check_voxels,
    count_bytes,
    inflate,
    read_values,
    with_distances,
)

_SEGMENT = re.compile(rb"^Segment(\d+)_(Name|LabelValue|Layer):=(.*?)\s*$", re.MULTILINE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")  # behind the header
_VECTOR = re.compile(r"none|\([^)]*\)")
_HEADER = 2**20  # bytes that tell its fields
_STANDARD = FORMATS["nrrd"]
_TYPES = {name: kind for kind, names in _STANDARD["types"].items() for name in names}
_PLACE_AXES = ("domain", "space", "time", "none", "???")  # kinds of axes
_GZIP = ("gzip", "gz")


class _Axis(NamedTuple):
    """An axis of a file: its side, its kind, and from a voxel to the next one, mm."""

    side: int
    kind: str
    step: Floats | None


def matches(head: bytes) -> bool:
    """Tell whether a file's first bytes are those of NRRD."""
    return head.startswith(b"NRRD000")


def sides(content: bytes) -> list[int]:
    """List the sides of all axes; behind the third one they count volumes.

    Args:
        content: Of the file, or its beginning.
    """
    fields, _ = _read_header(content)
    lengths = [int(side) for side in fields.get("sizes", "").split()]
    is_list = _kinds(fields, len(lengths))[:1] == ["list"]
    return lengths[1:] + lengths[:1] if is_list else lengths


def read(
    content: bytes, spacing: Spacing | None, frame: int | None
) -> tuple[NDArray[Any], Floats, Floats]:
    """Read the values of a volume, its steps and its origin.

    Args:
        content: Of the file.
        spacing: Of slices, rows and columns where the header says none, mm; None refuses such.
        frame: Which volume of a file of four axes, from 1; None for the only one.

    Returns:
        Values with axes z, y, x; (3, 3) steps and (3,) origin as of `VoxelGrid.of`.

    Raises:
        DataError: The header has more than one reading, or the volume is too large.
    """
    # What the header says must be of one reading.
    fields, packed = _read_header(content)
    _check_fields(fields)
    # the axes, but for one that holds a single value per voxel
    lengths = [int(side) for side in fields["sizes"].split()]
    if len(lengths) != int(fields["dimension"]):
        raise ValueError(f"{len(lengths)} sizes of {fields['dimension']} axes")
    directions = _VECTOR.findall(fields.get("space directions", "").lower())
    if directions and len(directions) != len(lengths):
        check_voxels(tuple(lengths))
        raise refusal("readers.space_directions", directions=fields["space directions"])
    steps = [_vector(text) for text in directions] or [None] * len(lengths)
    axes = list(map(_Axis, lengths, _kinds(fields, len(lengths)), steps))
    if len(axes) > 3:
        axes = [axis for axis in axes if axis.side > 1 or axis.kind in (*_PLACE_AXES, "list")]
    lists = ("list",) if len(axes) > 3 else ()
    if any(axis.kind not in (*_PLACE_AXES, *lists) for axis in axes):
        if directions and any(step is None for step in steps):
            raise refusal("readers.space_directions", directions=fields["space directions"])
        raise refusal("readers.several_values")
    lengths = [axis.side for axis in axes]
    if frame is None:
        check_voxels(tuple(lengths))
    # of four axes one counts volumes: a list, one without direction, or the last
    listing = None
    if len(axes) == 4:
        listed = [at for at, axis in enumerate(axes) if axis.kind == "list"]
        without = [at for at, axis in enumerate(axes) if axis.step is None]
        listing = (listed or (without if len(without) == 1 else []) or [3])[0]
    placed = [axis for at, axis in enumerate(axes) if at != listing]
    check_voxels(tuple(axis.side for axis in placed))
    # the values of all volumes, the first axis of the file last
    name, encoding = fields["type"].lower(), fields["encoding"].lower()
    dtype = np.dtype(_TYPES[name])
    size = count_bytes(lengths, dtype.itemsize)
    if encoding in _GZIP:
        packed = inflate(packed, size, 47)
    if dtype.itemsize > 1:
        dtype = np.dtype({"little": "<", "big": ">"}[fields["endian"].lower()] + _TYPES[name])
    values = read_values(packed, dtype, lengths)
    if listing is not None:
        values = values.take((frame or 1) - 1, axis=len(axes) - 1 - listing)
    return values, *_place(fields, placed, spacing)


def read_segments(content: bytes) -> dict[str, tuple[int, int]]:
    """Read the segments that 3D Slicer names in a NRRD file.

    Args:
        content: Of any file; of others there are none.

    Returns:
        Name → value of the voxels, and volume from 1.
    """
    segments: dict[bytes, dict[bytes, bytes]] = {}
    header, _ = _divide(content[:_HEADER])
    for number, field, text in _SEGMENT.findall(header) if matches(header) else ():
        segments.setdefault(number, {})[field] = text
    return {
        segment[b"Name"].decode("utf-8", errors="replace"): (
            int(segment.get(b"LabelValue", b"1")),
            int(segment.get(b"Layer", b"0")) + 1,
        )
        for segment in segments.values()
        if b"Name" in segment
    }


def _divide(content: bytes) -> tuple[bytes, bytes]:
    """Split a file at its blank line into the header, whose lines end in one byte, and the rest."""
    end = _BLANK_LINE.search(content)
    header = content[: end.start()] if end else content
    return header.replace(b"\r\n", b"\n"), content[end.end() :] if end else b""


def _read_header(content: bytes) -> tuple[dict[str, str], bytes]:
    """Read the fields of a header without notes of other programs, and the bytes behind it."""
    header, packed = _divide(content)
    lines = header[:_HEADER].decode("latin-1").split("\n")
    stated = [line.partition(":") for line in lines if line[:1] != "#" and ":=" not in line]
    fields = {name.lower(): text.strip() for name, _, text in stated}
    if len(fields) < len(stated):
        raise ValueError("a field that is stated twice")
    return fields, packed


def _check_fields(fields: dict[str, str]) -> None:
    """Refuse what has no one reading."""
    # The voxels are in this file, in a known encoding.
    if fields.keys() & {"data file", "datafile"}:
        raise refusal("readers.nrrd_apart")
    if (encoding := fields["encoding"].lower()) not in ("raw", *_GZIP):
        raise refusal("readers.nrrd_encoding", encoding=encoding)
    # The space is one whose axes are known.
    if _space(fields) not in _STANDARD["to_lps"]:
        raise refusal("readers.nrrd_space", space=fields["space"])
    for name, allowed in _STANDARD["allowed"].items():
        if set(fields.get(name, "").lower().replace('"', " ").split()) - {*allowed}:
            raise refusal("readers.nrrd_units", name=name, value=fields[name])


def _space(fields: dict[str, str]) -> str:
    """Read the space that directions are in; without one it is that of DICOM."""
    return fields.get("space", "lps").lower()


def _kinds(fields: dict[str, str], number: int) -> list[str]:
    """Read the kind of each axis, `none` where the file does not say."""
    kinds = fields.get("kinds", "").lower().split()
    return kinds if len(kinds) == number else ["none"] * number


def _vector(text: str) -> Floats | None:
    """Return a vector in parentheses; None for `none`, which is that of an axis without place."""
    if text == "none":
        return None
    return np.array([float(number) for number in text.strip("() ").split(",")])


def _place(
    fields: dict[str, str], axes: list[_Axis], spacing: Spacing | None
) -> tuple[Floats, Floats]:
    """Compute steps of axes z, y, x and the origin, mm.

    Args:
        fields: Of the header.
        axes: The three that lie in space, in the file's order.
        spacing: For a header without distances; None refuses such.
    """
    # The origin, in the axes of patients.
    to_lps = np.array(_STANDARD["to_lps"][_space(fields)])
    origin = _vector(fields.get("space origin", "none"))
    if origin is None or not np.isfinite(origin).all():
        origin = np.zeros(3)
    # Steps by directions, by distances, or as stated.
    spacings = [float(number) for number in fields.get("spacings", "nan").lower().split()]
    if fields.get("space directions"):
        if not all(map(math.isnan, spacings)):
            raise ValueError("spacings beside space directions")
        directions = []
        for axis in axes:
            step = axis.step
            if step is None or len(step) < 3:
                raise refusal("readers.space_directions", directions=fields["space directions"])
            if step[3:].any():
                raise refusal("readers.tilted")
            length = float(np.sqrt(step[0] ** 2 + step[1] ** 2 + step[2] ** 2))
            directions.append(step[:3] * (1 / length) * length)  # apart, as ITK keeps them
        steps = np.array(directions) * to_lps
    elif any(map(math.isnan, spacings)):
        steps = with_distances(np.eye(3)[::-1], spacing)[::-1]
    else:
        steps = np.diag(spacings[:3])
    return steps[::-1], origin[:3] * to_lps
