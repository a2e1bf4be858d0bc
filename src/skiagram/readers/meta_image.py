"""Volumes of MetaImage, as ITK writes them.

Values and places are those that ITK reads (MetaIO, version 5.4). Fields that change values or
distances and that ITK leaves out are refused.
"""

import math
import re
from collections.abc import Callable
from typing import Any

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

_FIRST = re.compile(rb"\s*(ObjectType|NDims|Comment)\s*=")
_LAST = re.compile(rb"^\s*ElementDataFile\s*=.*\n", re.MULTILINE)
_FIELD = re.compile(rb"^\s*(\w+)[ \t]*=[ \t]*(.*?)\s*$", re.MULTILINE)
_STANDARD = FORMATS["meta_image"]
_TRUE = ("true", "t", "1", "yes", "y")
_ORDERS = ("ElementByteOrderMSB", "BinaryDataByteOrderMSB")
_SPACINGS = ("ElementSpacing", "ElementSize")  # of several names the first one counts
_ORIGINS = ("Offset", "Position", "Origin")
_DIRECTIONS = ("TransformMatrix", "Rotation", "Orientation")


def matches(head: bytes) -> bool:
    """Tell whether a file's first bytes are those of MetaImage."""
    return _FIRST.match(head) is not None


def sides(content: bytes) -> list[int]:
    """List the sides of all axes; behind the third one they count volumes."""
    fields, _ = _read_header(content)
    return [int(side) for side in fields["DimSize"].split()]


def read(
    content: bytes, spacing: Spacing | None, frame: int | None
) -> tuple[NDArray[Any], Floats, Floats]:
    """Return the values of a volume, axes z, y, x, its steps and its origin; see `Grid.of`.

    Args:
        spacing: Of slices, rows and columns where the header says none, mm; None refuses such.
        frame: Which volume of a file of four axes, from 1; None for the only one.
    """
    # What the header says must be in this file and of one reading.
    fields, packed = _read_header(content)
    if fields.get("ElementDataFile", "").upper() != "LOCAL":
        raise refusal("readers.meta_image_apart")
    for name, allowed in _STANDARD["allowed"].items():
        if fields.get(name, allowed).lower() != allowed:
            raise refusal(
                "readers.meta_image_field", name=name, value=fields[name], allowed=allowed
            )
    # The size, before anything is unpacked.
    lengths = [int(side) for side in fields["DimSize"].split()]
    check_voxels(tuple(lengths if frame is None or len(lengths) > 4 else lengths[:3]))
    kind = fields["ElementType"]
    if kind not in _STANDARD["types"]:
        raise refusal("readers.voxel_type", type=kind, types=_STANDARD["types"])
    order = ">" if _first_of(fields, _ORDERS).lower() in _TRUE else "<"
    dtype = np.dtype(order + _STANDARD["types"][kind])
    # The voxels, unpacked up to the size that the header says.
    size = count_bytes(lengths, dtype.itemsize)
    if fields.get("CompressedData", "").lower() in _TRUE:
        packed = inflate(packed, size, 47)
    if len(packed) < size:
        raise ValueError("fewer bytes than its header says")
    start = ((frame or 1) - 1) * math.prod(lengths[:3]) * dtype.itemsize
    values = read_values(packed, dtype, lengths[:3], start)
    # steps of axes z, y, x and the origin; an axis of volumes must have no share in it

    def numbers(names: tuple[str, ...], default: Floats) -> Floats:
        text = _first_of(fields, names)
        stated = any(name in fields for name in names)
        said = np.array([float(word) for word in text.split()]) if stated else default
        if said.size < default.size:
            raise ValueError(f"{names[0]} = {text}")
        return said[: default.size].reshape(default.shape)

    directions = numbers(_DIRECTIONS, np.eye(len(lengths)))
    if directions[3:, :3].any() or directions[:3, 3:].any():
        raise refusal("readers.tilted")
    steps = (directions[:3, :3] * numbers(_SPACINGS, np.ones(len(lengths)))[:3, None])[::-1]
    origin = numbers(_ORIGINS, np.zeros(len(lengths)))[:3]
    stated = any(name in fields for name in _SPACINGS)
    return values, steps if stated else with_distances(steps, spacing), origin


def join(content: bytes, read_file: Callable[[str], bytes]) -> bytes:
    """Return a header (.mhd) and its voxels as one file, any other file as it is."""
    head = content[: 2**16]
    end = _LAST.search(head) if head.isascii() else None
    data_file = end[0].partition(b"=")[2].strip().decode() if end else "LOCAL"
    # Only one file in the folder or below it is read, never one elsewhere.
    parts = data_file.replace("\\", "/").split("/")
    lies_beside = all(part and part != "." * len(part) for part in parts) and "%" not in data_file
    if data_file.upper() in ("LOCAL", "LIST") or not lies_beside:
        return content
    header = content[: end.start() if end else 0]
    return header + b"ElementDataFile = LOCAL\n" + read_file(data_file)


def _read_header(content: bytes) -> tuple[dict[str, str], bytes]:
    """Read the fields of a header, and the bytes behind it."""
    end = _LAST.search(content)
    header = content[: end.end()] if end else b""
    fields = {name.decode(): text.decode("latin-1") for name, text in _FIELD.findall(header)}
    return fields, content[len(header) :]


def _first_of(fields: dict[str, str], names: tuple[str, ...]) -> str:
    return next((fields[name] for name in names if name in fields), "")
