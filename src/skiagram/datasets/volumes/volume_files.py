"""One volume file becomes one volume: NIfTI, NRRD or MetaImage, told by its content.

NIfTI through nibabel and NRRD through pynrrd, both from memory: files are checked by checksum, and
an encrypted source must not touch the disk. No kept library reads MetaImage from memory; its header
is a few lines of text, read here and compared with ITK's reader in the tests.

What compressed bytes become is bounded by the header before they are decompressed.
"""

import math
import re
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import nrrd
import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.volumes.grid import Volume, orient
from skiagram.errors import DataError, named, readable

MOST_VOXELS = 2**28  # 512 × 512 × 1,024
_BESIDE_VOXELS = 2**24  # bytes of a file's header and extensions
_GZIP = b"\x1f\x8b"
_NIFTI_HEADERS = {348: "Nifti1Image", 540: "Nifti2Image"}
_NIFTI_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 64: 64, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64}
_NIFTI_UNITS = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_LPS = np.array([-1.0, -1.0, 1.0])  # NIfTI counts to the right and to the front
_NRRD_SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
}
_NRRD_SHORT = {
    "lps": "left-posterior-superior",
    "ras": "right-anterior-superior",
    "las": "left-anterior-superior",
}
_META_TYPES = {
    "MET_UCHAR": "u1",
    "MET_CHAR": "i1",
    "MET_USHORT": "u2",
    "MET_SHORT": "i2",
    "MET_UINT": "u4",
    "MET_INT": "i4",
    "MET_ULONG": "u4",  # MetaIO's sizes are the same on every machine
    "MET_LONG": "i4",
    "MET_ULONG_LONG": "u8",
    "MET_LONG_LONG": "i8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_META = re.compile(rb"\s*(ObjectType|NDims|Comment)\s*=")


def is_volume_file(head: bytes) -> bool:
    """Return whether a file's first bytes, 4,096 or more, are those of a kind that is read here."""
    return _kind(_unpacked(head, 352)) is not None


def decode_volume(content: bytes, name: str) -> Volume:
    """Read a volume from the bytes of its file.

    Args:
        content: The whole file.
        name: What messages call the file.

    Returns:
        The volume in canonical orientation. Whole numbers keep a depth of 16 bits where they fit;
        all else is float32. Scale and offset of the file are applied.

    Raises:
        DataError: The file is empty, damaged, of another kind, too large, no three-dimensional
            volume, or its place in the patient has no single reading.
    """
    if not content:
        raise DataError("an empty file", where=name, remedy="copy or export it again")
    kind = _kind(_unpacked(content, 352))
    if kind is None:
        raise DataError(
            "not a volume, judging by its content",
            where=name,
            allowed="NIfTI, NRRD and MetaImage (.mha) files, or a folder with a DICOM series",
            remedy="convert the file, or remove it and its row",
        )
    remedy = "the file is cut short or damaged; export it again"
    with readable("the volume cannot be read", name, remedy), named(name):
        return kind(content)


def narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Return values in a depth that a store keeps: 16 bits for whole numbers, else float32.

    Raises:
        DataError: A value is too large for float32.
    """
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
    """Refuse what is no volume, or too large a one.

    Raises:
        DataError: Other than three axes of at least one voxel, or too many voxels.
    """
    if len(shape) != 3 or min(shape) < 1:
        raise DataError(
            f"{len(shape)} axes ({' × '.join(map(str, shape))})",
            allowed="three axes",
            remedy="save each volume of a series in time, or of several channels, as a file of "
            "its own",
        )
    if math.prod(shape) > MOST_VOXELS:
        raise DataError(
            f"{' × '.join(map(str, shape))} voxels",
            allowed=f"at most {MOST_VOXELS:,} voxels",
            remedy="crop the volume around the region or scale it down",
        )


def _kind(head: bytes) -> Callable[[bytes], Volume] | None:
    if head[344:347] in (b"n+1", b"ni1") or head[4:7] in (b"n+2", b"ni2"):
        return _nifti
    if head.startswith(b"NRRD000"):
        return _nrrd
    if _META.match(head):
        return _meta_image
    return None


def _unpacked(content: bytes, size: int) -> bytes:
    """Return a file's first bytes, decompressed where it is a gzip file."""
    if not content.startswith(_GZIP):
        return content[:size]
    try:
        return zlib.decompressobj(31).decompress(content, size)
    except zlib.error:
        return b""


def _inflate(content: bytes, most: int, window: int) -> bytes:
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


def _nifti(content: bytes) -> Volume:
    head = _unpacked(content, 540)
    order = "<" if int.from_bytes(head[:4], "little") in _NIFTI_HEADERS else ">"
    size = int(np.frombuffer(head, f"{order}i4", 1)[0])
    import nibabel  # takes long, and few who come here have a NIfTI file

    image_class = getattr(nibabel, _NIFTI_HEADERS[size])
    header = image_class.header_class.from_fileobj(BytesIO(head), check=False)
    if bytes(header["magic"])[:2] == b"ni":
        raise DataError(
            "one of a pair of files (.hdr, .img)", allowed="single files", remedy="save as .nii.gz"
        )
    shape = tuple(int(side) for side in header["dim"][1 : 1 + int(header["dim"][0])])
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    check_voxels(shape)
    bits = _NIFTI_BITS.get(int(header["datatype"]))
    if bits is None:
        raise DataError(
            f"voxels of type {int(header['datatype'])}", allowed="integers or floating point"
        )
    if content.startswith(_GZIP):
        content = _inflate(content, math.prod(shape) * bits // 8 + _BESIDE_VOXELS, 31)
    image = image_class.from_bytes(content)
    array = np.asanyarray(image.dataobj).reshape(shape)
    affine = image.affine * _NIFTI_UNITS.get(int(header["xyzt_units"]) & 7, 1.0)
    steps = (affine[:3, :3] * _LPS[:, None]).T
    voxels, grid = orient(array, steps, affine[:3, 3] * _LPS)
    return Volume(narrow(voxels), grid)


def _nrrd(content: bytes) -> Volume:
    stream = BytesIO(content)
    header = nrrd.read_header(stream)
    if "data file" in header or "datafile" in header:
        raise DataError(
            "a header without its voxels (.nhdr)", allowed="one file", remedy="save as .nrrd"
        )
    shape = tuple(int(side) for side in header["sizes"])
    check_voxels(shape)
    most = math.prod(shape) * 8 + _BESIDE_VOXELS
    if header["encoding"] in ("gzip", "gz"):
        stream = BytesIO(_inflate(content[stream.tell() :], most, 31))
        header["encoding"] = "raw"
    if header["encoding"] not in ("raw", "ascii", "text", "txt"):
        raise DataError(
            f"voxels packed by {header['encoding']}", allowed="raw, gzip", remedy="save as gzip"
        )
    array = nrrd.read_data(header, stream, index_order="F")
    steps, origin = _nrrd_places(header)
    voxels, grid = orient(array, steps, origin)
    return Volume(narrow(voxels), grid)


def _nrrd_places(header: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if "space directions" not in header:
        spacing = np.asarray(header.get("spacings", np.ones(3)), dtype=np.float64)
        return np.diag(np.nan_to_num(spacing, nan=1.0)), np.zeros(3)
    space = str(header.get("space", "")).lower()
    space = _NRRD_SHORT.get(space, space)
    if space not in _NRRD_SPACES:
        raise DataError(
            f"coordinates of the space `{space}`",
            allowed=", ".join(_NRRD_SPACES),
            remedy="save the file with one of these spaces",
        )
    signs = np.array(_NRRD_SPACES[space], dtype=np.float64)
    steps = np.asarray(header["space directions"], dtype=np.float64) * signs
    return steps, np.asarray(header.get("space origin", np.zeros(3)), dtype=np.float64) * signs


def _meta_image(content: bytes) -> Volume:
    end = content.find(b"ElementDataFile")
    end = content.find(b"\n", end) + 1 if end >= 0 else 0
    if not end:
        raise DataError("no `ElementDataFile` in its header", remedy="export the volume again")
    lines = content[:end].decode("latin-1").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line)
    header = {key.strip(): value.strip() for key, value in pairs}
    if header["ElementDataFile"].upper() != "LOCAL":
        raise DataError(
            "a header without its voxels (.mhd)", allowed="one file", remedy="save as .mha"
        )
    if int(header.get("ElementNumberOfChannels", "1")) != 1:
        raise DataError("several values per voxel", allowed="one value per voxel")
    if header.get("BinaryData", "True").lower() != "true":
        raise DataError(
            "voxels written as text (BinaryData = False)",
            allowed="BinaryData = True",
            remedy="export the volume again",
        )
    if header.get("HeaderSize", "0") != "0":
        raise DataError("a HeaderSize", allowed="none", remedy="export the volume again")
    shape = tuple(int(side) for side in header["DimSize"].split())
    check_voxels(shape)
    kind = _META_TYPES.get(header["ElementType"])
    if kind is None:
        raise DataError(
            f"voxels of type {header['ElementType']}", allowed=", ".join(sorted(_META_TYPES))
        )
    msb = header.get("BinaryDataByteOrderMSB", header.get("ElementByteOrderMSB", "False"))
    depth = np.dtype(kind).newbyteorder(">" if msb.lower() == "true" else "<")
    pixels = content[end:]
    if header.get("CompressedData", "False").lower() == "true":
        pixels = _inflate(pixels, math.prod(shape) * depth.itemsize + _BESIDE_VOXELS, 47)
    array = np.frombuffer(pixels, depth, math.prod(shape)).reshape(shape, order="F")
    spacing = _numbers(header, ("ElementSpacing", "ElementSize"), np.ones(3))
    turn = _numbers(header, ("TransformMatrix", "Rotation", "Orientation"), np.eye(3).ravel())
    origin = _numbers(header, ("Offset", "Position", "Origin"), np.zeros(3))
    voxels, grid = orient(array, turn.reshape(3, 3) * spacing[:, None], origin)
    return Volume(narrow(voxels), grid)


def _numbers(
    header: dict[str, str], names: tuple[str, ...], default: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the numbers under the first of a field's names that is there."""
    text = next((header[name] for name in names if name in header), None)
    return default if text is None else np.array(text.split(), dtype=np.float64)
