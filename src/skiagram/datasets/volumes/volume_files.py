"""One volume file becomes one volume: NIfTI, NRRD or MetaImage, told by content and read by ITK.

ITK reads files alone; an encrypted source must not touch the disk, so ITK gets a file in memory.
It fills up what a short NIfTI file or damaged compressed voxels lack, without a word: these are
unpacked and measured here, and sizes are refused before memory is taken.
"""

import contextlib
import math
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.scratch import scratch_folder
from skiagram.datasets.volumes.grid import Grid, Volume, orient, tilted
from skiagram.errors import DataError, named, readable
from skiagram.image_store.shards import Spacing

MAX_VOXELS = 2**28  # 512 × 512 × 1,024
_MAX_SERIES = 4  # times as many in all volumes of a file
_BESIDE_VOXELS = 2**24  # bytes of a file's header and extensions
_GZIP = b"\x1f\x8b"
_META = re.compile(rb"\s*(ObjectType|NDims|Comment)\s*=")
_META_END = re.compile(rb"^\s*ElementDataFile\s*=.*\n", re.MULTILINE)
_META_FIELD = re.compile(rb"^\s*(\w+)\s*=\s*(.*?)\s*$", re.MULTILINE)
_META_PACKED = re.compile(rb"^\s*CompressedData(Size)?\s*=.*\n", re.MULTILINE)
_META_ALLOWED = {
    **{"ElementNumberOfChannels": "1", "HeaderSize": "0", "BinaryData": "true"},
    **{"DistanceUnits": "mm", "ElementToIntensityFunctionSlope": "1"},  # which ITK does not read
    "ElementToIntensityFunctionOffset": "0",
}
_META_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}
_NRRD_BESIDE = re.compile(rb"^data ?file:([^\n]*)\n", re.MULTILINE | re.IGNORECASE)
_NRRD_SEGMENT = re.compile(rb"^Segment(\d+)_(Name|LabelValue|Layer):=(.*?)\s*$", re.MULTILINE)
_NRRD_LINE = 500  # bytes of a field
_NRRD_HEADER = 2**20  # bytes that tell its fields
_NRRD_SPACES = (
    *("left-posterior-superior", "right-anterior-superior", "left-anterior-superior"),
    *("lps", "ras", "las"),
)
_NRRD_SAYS = "directions and origin in mm"
_NRRD_ALLOWED = {  # other fields of distance and place, which ITK does not read
    b"space units": {b"mm"},
    b"units": {b"mm", b"?", b"???"},
    b"axis mins": {b"nan"},
    b"axismins": {b"nan"},
}
_NIFTI_FLOATS = (16, 64)  # datatypes
_NIFTI_UNITS = {1: 1000.0, 3: 0.001}  # mm of a metre and of a micrometre
_ONE_PLACE = 0.5  # share of a voxel; the numbers of a qform are rounded
_ONE_NUMBER = "one number per voxel"
_ONE_CHANNEL = (
    "save the channel, the brightness or the magnitude that is wanted as a volume of its own"
)
_READERS = {".nii": "NiftiImageIO", ".nrrd": "NrrdImageIO", ".mha": "MetaImageIO"}


def is_volume_file(head: bytes) -> bool:
    """Return whether a file's first bytes, 4,096 or more, are those of a kind that is read here."""
    return _suffix(_unpacked(head, 352)) is not None


def decode_volume(
    content: bytes,
    name: str,
    spacing: Spacing | None = None,
    *,
    narrowed: bool = True,
    frame: int | None = None,
) -> Volume:
    """Read a volume from the bytes of its file, in the depth that a store keeps or as it is.

    Args:
        spacing: Of slices, rows and columns, mm, where the header says none; None refuses such.
        frame: Which volume of a file of four axes, from 1; None for the only one.

    Returns:
        The volume in canonical orientation. Whole numbers keep a depth of 16 bits where they fit;
        all else is float32. Scale and offset of the file are applied. What is damaged, too large
        or has no single place in the patient is refused.
    """
    if not content:
        raise DataError("an empty file", where=name, remedy="copy or export it again")
    suffix = _suffix(_unpacked(content, 352))
    if suffix is None:
        raise DataError(
            "not a volume, judging by its content",
            where=name,
            allowed="NIfTI, NRRD and MetaImage (.mha) files, or a folder with a DICOM series",
            remedy="convert the file, or remove it and its row",
        )
    remedy = "the file is cut short or damaged; export it again"
    with readable("the volume cannot be read", name, remedy), named(name):
        if suffix == ".nii":
            content, frame = _chosen_volume(_as_nifti_1(content), frame), None
        elif frame is None and count_volumes(content) == 1:
            frame = 1  # of maybe four axes, the last with one place
        voxels, grid = _read(content, suffix, spacing, frame)
        return Volume(narrow(voxels) if narrowed else voxels, grid)


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Return values in a depth that a store keeps: 16 bits for whole numbers, else float32."""
    if values.dtype in (np.uint8, np.uint16, np.int16, np.float32):
        return values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype == np.bool_:
        return values.astype(np.uint8)
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        for kind in (np.int16, np.uint16):
            if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
                return values.astype(kind)
    with np.errstate(over="ignore"):
        narrowed = values.astype(np.float32)
    if np.isinf(narrowed[np.isfinite(values)]).any():
        raise DataError("values beyond 3.4e38", allowed="values that 32 bits can hold")
    return narrowed


def check_voxels(shape: tuple[int, ...]) -> None:
    """Refuse what is no volume, or too large a one."""
    sides = " × ".join(map(str, shape))
    if len(shape) == 2:
        remedy = "save it as a picture (PNG, TIFF), or with a third axis of one slice"
        raise DataError(f"2 axes ({sides})", allowed="three axes", remedy=remedy)
    if len(shape) != 3 or min(shape) < 1:
        raise DataError(
            f"{len(shape)} axes ({sides})",
            allowed="three axes; four, and a volume that is chosen",
            remedy="write the number of a volume, from 1, in the column `frame` (`--frames cases` "
            "of `skiagram table` and `skiagram predict` makes each a case), or save each volume as "
            "a file of its own",
        )
    if math.prod(shape) > MAX_VOXELS:
        raise DataError(
            f"{sides} voxels",
            allowed=f"at most {MAX_VOXELS:,} voxels",
            remedy="crop the volume around the region or scale it down",
        )


def _suffix(head: bytes) -> str | None:
    """Return the suffix by which ITK knows the kind of a file."""
    if head[344:347] in (b"n+1", b"ni1") or head[4:7] in (b"n+2", b"ni2"):
        return ".nii"
    if head.startswith(b"NRRD000"):
        return ".nrrd"
    return ".mha" if _META.match(head) else None


def _unpacked(content: bytes, size: int) -> bytes:
    """Return a file's first bytes, decompressed where it is a gzip file."""
    if not content.startswith(_GZIP):
        return content[:size]
    try:
        return zlib.decompressobj(31).decompress(content, size)
    except zlib.error:
        return b""


def _inflate(content: bytes, most: int, window: int = 31) -> bytes:
    """Decompress at most so many bytes; a stream that holds more is refused."""
    inflated, more = b"", content
    while True:  # a gzip file may have several members, one after the other
        stream = zlib.decompressobj(window)
        inflated += stream.decompress(more, most - len(inflated) + 1)
        more = stream.unused_data
        if not stream.eof or not more.startswith(_GZIP) or len(inflated) > most:
            break
    if len(inflated) > most:
        raise DataError(
            f"{len(content):,} bytes that decompress to more than {most:,}",
            allowed="as many bytes as its header says",
            remedy="the file is damaged or made to fill the memory; leave it out",
        )
    return inflated


def _read(
    content: bytes, suffix: str, spacing: Spacing | None, frame: int | None
) -> tuple[NDArray[Any], Grid]:
    if suffix == ".nii":
        content, stated = _whole_nifti(content)
    else:
        whole = {".nrrd": _checked_nrrd, ".mha": _whole_meta_image}[suffix]
        content, stated = whole(content, frame)
    if not stated and (spacing is None or len(spacing) != 3):
        raise DataError(
            "a header that says no distance of voxels",
            allowed="a distance in mm along each axis",
            remedy="write it into the file, for example with SimpleITK: image.SetSpacing((x, y, "
            "z)); or say that of all such files: `unstated_spacing` in the option file, "
            "`--unstated-spacing` of a command",
        )
    with _opened(content, suffix, frame) as reader:
        listed = frame is not None and reader.GetNumberOfComponents() > 1
        if reader.GetNumberOfComponents() != 1 and not (listed and _lists_volumes(content)):
            if suffix == ".nrrd" and _lists_volumes(content):
                check_voxels((*reader.GetSize(), reader.GetNumberOfComponents()))
            raise DataError("several values per voxel", allowed=_ONE_NUMBER, remedy=_ONE_CHANNEL)
        image = reader.Execute()
        if frame is not None and listed:
            image = _toolkit().VectorIndexSelectionCast(image, frame - 1)
        array = _toolkit().GetArrayFromImage(image)
        if array.dtype.kind not in "iuf":
            raise DataError("complex voxels", allowed=_ONE_NUMBER, remedy=_ONE_CHANNEL)
        if suffix == ".nii" and array.dtype.kind == "f":
            array = _with_missing(array, content)
        steps = _steps(image)
        if not stated:
            steps *= np.array(spacing)[:, None] / np.linalg.norm(steps, axis=1, keepdims=True)
        return orient(array, steps, np.array(image.GetOrigin()))


def _with_missing(array: NDArray[Any], content: bytes) -> NDArray[Any]:
    """Return the voxels of a NIfTI file with NaN and infinity, which ITK's reader makes 0."""
    order = "<" if content.startswith(b"\x5c\x01") else ">"
    kind, bits = struct.unpack_from(f"{order}2h", content, 70)
    if kind not in _NIFTI_FLOATS:
        return array
    (start,) = struct.unpack_from(f"{order}f", content, 108)
    stored = np.frombuffer(content, f"{order}f{bits // 8}", array.size, max(int(start), 352))
    return np.where(np.isfinite(stored), array.ravel(), stored).reshape(array.shape)


@contextlib.contextmanager
def _opened(content: bytes, suffix: str, frame: int | None = None) -> Iterator[Any]:
    """Yield ITK's reader of a file, or of one of its volumes, whose header was read."""
    with _file_in_memory(content, suffix) as path:
        reader = _toolkit().ImageFileReader()
        reader.SetImageIO(_READERS[suffix])
        reader.SetFileName(path)
        try:
            reader.ReadImageInformation()
        except RuntimeError as error:
            if "orthonormal" in str(error):
                raise tilted() from error
            raise
        sides = reader.GetSize()
        check_voxels(sides if frame is None else sides[:3])
        if len(sides) == 4:
            _choose_by_itk(reader, frame or 1)
        yield reader


def _choose_by_itk(reader: Any, frame: int) -> None:
    """Let ITK's reader of a file of four axes read one volume alone."""
    directions = np.array(reader.GetDirection()).reshape(4, 4)
    if directions[3, :3].any() or directions[:3, 3].any():
        raise tilted()
    reader.SetExtractSize([*reader.GetSize()[:3], 0])
    reader.SetExtractIndex([0, 0, 0, frame - 1])


def _steps(reader: Any) -> NDArray[np.float64]:
    """Return (3, 3), a row an axis of the array: from a voxel to the next one, mm."""
    directions = np.array(reader.GetDirection()).reshape(3, 3).T  # a row an axis x, y, z
    steps: NDArray[np.float64] = directions * np.array(reader.GetSpacing())[:, None]
    return steps[::-1]


def _states_spacing(content: bytes) -> bool:
    """Return whether a NIfTI header says the distance of voxels; refuse two places of them."""
    order = "<" if content.startswith(b"\x5c\x01") else ">"
    qform, sform = struct.unpack_from(f"{order}2h", content, 252)
    units = content[123] & 7
    if max(qform, sform) <= 0:
        sides = struct.unpack_from(f"{order}3f", content, 80)
        return min(sides) > 0 and not (units == 0 and sides == (1, 1, 1))
    if sform <= 0:
        return all(side > 0 for side in struct.unpack_from(f"{order}3f", content, 80))
    affine = np.array(struct.unpack_from(f"{order}12f", content, 280), np.float64).reshape(3, 4)
    affine = affine * [[-1], [-1], [1]] * _NIFTI_UNITS.get(units, 1)
    by_qform = content[:254] + bytes(2) + content[256:352]
    for header in (content[:352], by_qform)[: 2 if qform > 0 else 1]:
        with _opened(header, ".nii") as reader:
            shape, steps, origin = reader.GetSize()[::-1], _steps(reader), reader.GetOrigin()
        read, stated = (
            Grid.of(shape, *place).corners()
            for place in ((steps, np.array(origin)), (affine[:, 2::-1].T, affine[:, 3]))
        )
        apart = float(np.linalg.norm(read - stated, axis=1).max())
        if apart > _ONE_PLACE * float(np.linalg.norm(steps, axis=1).min()):
            raise DataError(
                f"two places in the patient, {apart:.3g} mm apart: sform, and qform with pixdim",
                allowed="one place, or two that agree",
                remedy="write the right one into both, for example with nibabel: "
                "image.set_qform(image.get_sform(), 1)",
            )
    return True


def _as_nifti_1(content: bytes) -> bytes:
    """Return a file of NIfTI-2 as one of NIfTI-1, any other as it is; voxels stay as they are."""
    head = _unpacked(content, 544)
    order = {b"\x1c\x02\0\0": "<", b"\0\0\x02\x1c": ">"}.get(head[:4])
    if order is None or len(head) < 540:
        return content
    if head[4:7] != b"n+2":
        raise DataError("one of a pair of files of NIfTI-2", allowed="single files")
    kind, bits, *sides = struct.unpack_from(f"{order}2h8q", head, 12)
    if max(sides) >= 2**15:
        raise DataError(f"{max(sides):,} voxels along an axis", allowed=f"at most {2**15 - 1:,}")
    distances = struct.unpack_from(f"{order}8d", head, 104)
    (start,) = struct.unpack_from(f"{order}q", head, 168)
    slope, intercept = struct.unpack_from(f"{order}2d", head, 176)
    qform, sform = struct.unpack_from(f"{order}2i", head, 344)
    places = struct.unpack_from(f"{order}18d", head, 352)
    (units,) = struct.unpack_from(f"{order}i", head, 500)
    made = bytearray(352)
    struct.pack_into(f"{order}i", made, 0, 348)
    struct.pack_into(f"{order}8h", made, 40, *sides)
    struct.pack_into(f"{order}2h", made, 70, kind, bits)
    struct.pack_into(f"{order}8f", made, 76, *distances)
    struct.pack_into(f"{order}3f", made, 108, 352, slope, intercept)
    made[123] = units & 0xFF
    struct.pack_into(f"{order}2h", made, 252, qform, sform)
    struct.pack_into(f"{order}18f", made, 256, *places)
    made[344:348] = b"n+1\0"
    size = _bytes_of(sides[1 : 1 + sides[0]], bits)
    if content.startswith(_GZIP):
        content = _inflate(content, size + _BESIDE_VOXELS)
    return bytes(made) + content[start:]


def _bytes_of(sides: Sequence[int], bits: int) -> int:
    """Return the bytes of all volumes of a file; refuse more than a memory holds."""
    number = math.prod(sides)
    if not 0 < number <= _MAX_SERIES * MAX_VOXELS:
        fault, allowed = f"{number:,} voxels", f"at most {_MAX_SERIES * MAX_VOXELS:,}"
        raise DataError(fault, allowed=allowed, remedy="save each volume as a file of its own")
    return number * bits // 8


def _nifti_sides(head: bytes) -> tuple[str, list[int]]:
    """Return the order of bytes of a NIfTI-1 header, and the sides of its axes."""
    order = "<" if head.startswith(b"\x5c\x01") else ">"
    number, *sides = struct.unpack_from(f"{order}8h", head, 40)
    return order, sides[:number]


def count_volumes(content: bytes) -> int:
    """Return how many volumes a file has: one of three axes, several of four."""
    suffix = _suffix(_unpacked(content, 352))
    if suffix == ".nii":
        _, sides = _nifti_sides(_unpacked(_as_nifti_1(content), 352))
    elif suffix == ".mha":
        sides = [int(side) for side in _meta_fields(content)["DimSize"].split()]
    else:
        sides = [int(side) for side in _nrrd_fields(content).get(b"sizes", b"").split()]
        sides = sides[1:] + sides[:1] if _lists_volumes(content) else sides
    return max(1, math.prod(sides[3:]))


def check_frame(frame: int | None, number: int) -> None:
    """Refuse a volume that a file of several does not have."""
    if frame is not None and not 1 <= frame <= number:
        remedy = "correct the column of the frame"
        raise DataError(f"volume {frame} of {number}", allowed=f"1 to {number}", remedy=remedy)


def _chosen_volume(content: bytes, frame: int | None) -> bytes:
    """Return a NIfTI-1 file of one volume of another file; the file itself where none is chosen."""
    if frame is None:
        return content
    head = _unpacked(content, 352)
    order, sides = _nifti_sides(head)
    check_frame(frame, max(1, math.prod(sides[3:])))
    check_voxels(tuple(sides[:3]))
    (bits,) = struct.unpack_from(f"{order}h", head, 72)
    (start,) = struct.unpack_from(f"{order}f", head, 108)
    size, start = math.prod(sides[:3]) * bits // 8, max(int(start), 352)
    if content.startswith(_GZIP):
        content = _inflate(content, _bytes_of(sides, bits) + _BESIDE_VOXELS)
    voxels = content[start + (frame - 1) * size : start + frame * size]
    made = bytearray(head)
    struct.pack_into(f"{order}h", made, 40, 3)
    struct.pack_into(f"{order}f", made, 108, 352)
    return bytes(made) + voxels


def _whole_nifti(content: bytes) -> tuple[bytes, bool]:
    """Return an unpacked file that holds all of its voxels, and whether it says their distance."""
    head = _unpacked(content, 352)
    order = "<" if head.startswith(b"\x5c\x01") else ">"
    if not head.startswith(struct.pack(f"{order}i", 348)):
        raise ValueError("neither NIfTI-1 nor NIfTI-2")
    if head[344:347] == b"ni1":
        raise DataError(
            "one of a pair of files (.hdr, .img)", allowed="single files", remedy="save as .nii.gz"
        )
    number, *shape = struct.unpack_from(f"{order}8h", head, 40)
    shape = shape[:number]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    check_voxels(tuple(shape))
    (bits,) = struct.unpack_from(f"{order}h", head, 72)
    (start,) = struct.unpack_from(f"{order}f", head, 108)
    size = math.prod(shape) * bits // 8
    if content.startswith(_GZIP):
        content = _inflate(content, size + _BESIDE_VOXELS)
    slope, intercept = struct.unpack_from(f"{order}2f", content, 112)
    scaled = slope != 0 and math.isfinite(slope)
    if scaled and not math.isfinite(intercept):
        fault, remedy = f"an intercept of {intercept}", "correct scl_inter, or save it again"
        raise DataError(fault, allowed="a finite number", remedy=remedy)
    if not scaled:  # nor shifted; ITK would shift
        content = content[:112] + bytes(8) + content[120:]
    if start < 352:  # ITK takes the header's last bytes for voxels
        content = head[:108] + struct.pack(f"{order}f", 352) + content[112:]
    if len(content) < max(start, 352) + size:
        raise ValueError("fewer bytes than its header says")
    stated = _states_spacing(content)
    if not stated:
        content = content[:80] + struct.pack(f"{order}3f", 1, 1, 1) + content[92:]
    return content, stated


def _nrrd_lines(content: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines of a header without remarks and notes of other programs, and the voxels."""
    header, _, voxels = content.replace(b"\r\n\r\n", b"\n\n", 1).partition(b"\n\n")
    lines = [line.rstrip(b"\r") for line in header.split(b"\n")]
    return [line for line in lines if not line.startswith(b"#") and b":=" not in line], voxels


def _nrrd_fields(content: bytes) -> dict[bytes, bytes]:
    lines = (line.partition(b":") for line in _nrrd_lines(content[:_NRRD_HEADER])[0])
    return {name.lower(): text.strip() for name, _, text in lines}


def _lists_volumes(content: bytes) -> bool:
    """Return whether the first axis of a NRRD file counts volumes, as 3D Slicer's sequences."""
    return _nrrd_fields(content).get(b"kinds", b"").lower().split()[:1] == [b"list"]


def read_segments(content: bytes) -> dict[str, tuple[int, int]]:
    """Return the segments that 3D Slicer names in a NRRD file: value of the voxels, and volume."""
    fields: dict[bytes, dict[bytes, bytes]] = {}
    header = content[:_NRRD_HEADER].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    for number, field, text in _NRRD_SEGMENT.findall(header) if _suffix(header) == ".nrrd" else ():
        fields.setdefault(number, {})[field] = text
    return {
        segment[b"Name"].decode("utf-8", errors="replace"): (
            int(segment.get(b"LabelValue", b"1")),
            int(segment.get(b"Layer", b"0")) + 1,
        )
        for segment in fields.values()
        if b"Name" in segment
    }


def _checked_nrrd(content: bytes, frame: int | None) -> tuple[bytes, bool]:
    """Return a file with the fields of its header alone; a long line would break ITK's reader."""
    lines, voxels = _nrrd_lines(content)
    fields = _nrrd_fields(content)
    check_frame(frame, count_volumes(content))
    if fields.keys() & {b"data file", b"datafile"}:
        raise DataError(
            "a header whose voxels are in several files, or in another folder (.nhdr)",
            allowed="one file beside it or below",
            remedy="save as .nrrd",
        )
    if fields.get(b"encoding", b"").lower() in (b"bzip2", b"bz2"):
        raise DataError("voxels packed with bzip2", allowed="raw, gzip", remedy="save it with gzip")
    space = fields.get(b"space", b"lps").decode("latin-1")
    if space.lower() not in _NRRD_SPACES:
        raise DataError(
            f"coordinates of the space `{space}`",
            allowed=", ".join(_NRRD_SPACES[:3]),
            remedy="save the file with one of these spaces",
        )
    directions = fields.get(b"space directions", b"")
    sides = tuple(int(side) for side in fields.get(b"sizes", b"").split())
    axes = 3 if frame is None else len(sides) - _lists_volumes(content)
    if directions and directions.count(b"(") != axes:
        check_voxels(sides)
        fault = f"space directions: {directions.decode('latin-1')}"
        raise DataError(fault, allowed="three directions", remedy="save it as a volume")
    stated = bool(directions) or b"nan" not in fields.get(b"spacings", b"nan").lower()
    if not stated:
        lines = [line for line in lines if not line.lower().startswith(b"spacings:")]
    for name, allowed in _NRRD_ALLOWED.items():
        if set(fields.get(name, b"").lower().replace(b'"', b" ").split()) - allowed:
            fault = f"{name.decode()}: {fields[name].decode('latin-1')}"
            remedy = "save it with space directions and space origin in mm"
            raise DataError(fault, allowed=_NRRD_SAYS, remedy=remedy)
    if max(map(len, lines)) > _NRRD_LINE:
        raise ValueError("too long a line")
    return b"\n".join(lines) + b"\n\n" + voxels, stated


def _meta_fields(content: bytes) -> dict[str, str]:
    end = _META_END.search(content)
    header = content[: end.end()] if end else b""
    return {name.decode(): text.decode("latin-1") for name, text in _META_FIELD.findall(header)}


def _whole_meta_image(content: bytes, frame: int | None) -> tuple[bytes, bool]:
    """Return a file whose voxels follow its header, unpacked and complete."""
    end = _META_END.search(content)
    header = content[: end.end()] if end else b""
    fields = _meta_fields(content)
    if fields.get("ElementDataFile", "").upper() != "LOCAL":
        raise DataError(
            "a header whose voxels are in several files, or in another folder (.mhd)",
            allowed="one file beside it or below",
            remedy="save as .mha",
        )
    for name, allowed in _META_ALLOWED.items():
        if fields.get(name, allowed).lower() != allowed:
            raise DataError(f"{name} = {fields[name]}", allowed=allowed, remedy="export it again")
    shape = tuple(int(side) for side in fields["DimSize"].split())
    check_voxels(shape if frame is None else shape[:3])
    check_frame(frame, count_volumes(content))
    kind = fields["ElementType"].removeprefix("MET_").removeprefix("U")
    if kind not in _META_BYTES:
        raise DataError(f"voxels of type {kind}", allowed=", ".join(_META_BYTES))
    size, pixels = _bytes_of(shape, 8 * _META_BYTES[kind]), content[len(header) :]
    if fields.get("CompressedData", "").lower() in ("true", "t", "1", "yes", "y"):
        pixels = _inflate(pixels, size, 47)
    if len(pixels) < size:
        raise ValueError("fewer bytes than its header says")
    stated = bool(fields.keys() & {"ElementSpacing", "ElementSize"})
    return _META_PACKED.sub(b"", header) + pixels[:size], stated


def join_volume(content: bytes, read: Callable[[str], bytes]) -> bytes:
    """Return a volume as one file where its voxels are in another, any other file as it is.

    So are MetaImage's .mhd with .raw or .zraw, NRRD's .nhdr, also with voxels in a folder beside.

    Args:
        read: Returns the content of a file by its name, relative to the folder of this one.
    """
    head = content[: 2**16]
    if head.startswith(b"NRRD000"):
        return _join_nrrd(content, read)
    end = _META_END.search(head) if head.isascii() else None
    beside = end[0].partition(b"=")[2].strip().decode() if end else "LOCAL"
    if beside.upper() in ("LOCAL", "LIST") or not _lies_beside(beside):
        return content
    header = content[: end.start() if end else 0]
    return header + b"ElementDataFile = LOCAL\n" + read(beside)


def _join_nrrd(content: bytes, read: Callable[[str], bytes]) -> bytes:
    header = content.replace(b"\r\n", b"\n") if b"\n\n" not in content[: 2**16] else content
    header = header.partition(b"\n\n")[0]
    match = _NRRD_BESIDE.search(header + b"\n")
    beside = match[1].strip().decode("utf-8", errors="replace") if match else ""
    if match is None or beside.upper().startswith("LIST") or not _lies_beside(beside):
        return content
    header = (header + b"\n")[: match.start()] + (header + b"\n")[match.end() :]
    return header.rstrip(b"\n") + b"\n\n" + read(beside)


def _lies_beside(name: str) -> bool:
    """Return whether a name is that of a file in a folder or below it, and of one file."""
    parts = name.replace("\\", "/").split("/")
    return all(part and part != "." * len(part) for part in parts) and "%" not in name


@contextlib.contextmanager
def _file_in_memory(content: bytes, suffix: str) -> Iterator[str]:
    """Yield the path of a file with some content; outside Linux it is a private, temporary one."""
    with scratch_folder("volume") as folder:
        path = folder / f"volume{suffix}"
        if not hasattr(os, "memfd_create"):
            path.write_bytes(content)
            yield str(path)
            return
        with os.fdopen(os.memfd_create("volume"), "wb") as file:
            file.write(content)
            file.flush()
            path.symlink_to(f"/proc/self/fd/{file.fileno()}")
            yield str(path)


@cache
def _toolkit() -> Any:
    import SimpleITK  # takes long, and few who come here have a volume file

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    return SimpleITK
